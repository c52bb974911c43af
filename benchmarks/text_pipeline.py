"""Raw glosses of WordNet to masked batches, against keras-hub's preprocessor for the same vocabulary and shape.

python benchmarks/text_pipeline.py [--rows N] [--rounds N]

Both start from the same strings in `tf.data`, in batches of 256 and of 1,024, and give rows of 64 ids with 15 % of the
pieces to be predicted, 80/10/10: the ids, their places, what they were, and weights. The pipelines take turns in one
process, and the best round of each counts. Tokens are all ids that are no padding. The third pipeline is this package's
own where texts were tokenized before, into a cache, and are bucketed by length: there the rows are as long as they
have to be.
"""

import argparse
import os
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf
from report import save

from keras_ssl import data
from keras_ssl.augment.text import TokenMask, TokenTable, corrupt, pack, places_of
from keras_ssl.random import RowDraws

SEED, LENGTH, RATE, MOST, VOCABULARY = 0, 64, 0.15, 10, 8192
BATCHES = (256, 1024)
WANTED = 2.0


def own(strings, tokenizer, batch_size):
    """Texts to masked batches, by this package."""
    table, ids_of, mask = TokenTable.of(tokenizer), data.fast_tokenizer(tokenizer), masking(tokenizer, batch_size)

    def masked(step, texts):
        return mask(step, pack(ids_of(texts), table, LENGTH))

    return batched(strings, batch_size).enumerate().map(masked, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def own_from_cache(source, tokenizer, batch_size):
    """Token ids that are on disk to masked batches."""
    mask = masking(tokenizer, batch_size)
    batches = source.batches(batch_size, seed=SEED).take(len(source) // batch_size).enumerate()
    return batches.map(lambda step, batch: mask(step, batch["x"]["token_ids"]), tf.data.AUTOTUNE)


def masking(tokenizer, batch_size):
    table, sampler = TokenTable.of(tokenizer), TokenMask(RATE, MOST)

    def mask(step, token_ids):
        rng = RowDraws(SEED, step, batch_size)
        chosen, group = sampler(token_ids, table, rng)
        places, weights = places_of(chosen, sampler.most(tf.shape(token_ids)[1]))
        x = {"token_ids": corrupt(token_ids, chosen, group, table, rng), "places": places}
        return x, tf.gather(token_ids, places, batch_dims=1), weights

    return mask


def keras_hub_preprocessor(strings, tokenizer, batch_size):
    """The same by keras-hub."""
    import keras_hub

    preprocessor = keras_hub.models.BertMaskedLMPreprocessor(
        tokenizer, sequence_length=LENGTH, mask_selection_rate=RATE, mask_selection_length=MOST
    )
    return batched(strings, batch_size).map(preprocessor, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def batched(strings, batch_size):
    return tf.data.Dataset.from_tensor_slices(strings).batch(batch_size, drop_remainder=True)


def tokens_and_seconds(batches, pad_id):
    """Ids that are no padding, and seconds, of one pass but its first batch, before which TensorFlow starts the graph.

    Masking changes no id to padding.
    """
    iterator, count = iter(batches), 0
    next(iterator)
    start = time.perf_counter()
    kept = [batch[0]["token_ids"] for batch in iterator]
    taken = time.perf_counter() - start
    for token_ids in kept:
        count += int(tf.math.count_nonzero(token_ids != pad_id))
    return count, taken


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=60_000, help="texts of a round")
    parser.add_argument("--rounds", type=int, default=3, help="passes over the texts, of which the best counts")
    arguments = parser.parse_args()

    texts = data.load_text("wordnet").take(arguments.rows)
    tokenizer = data.train_vocabulary(texts, size=VOCABULARY)
    strings = tf.constant(texts.texts(range(len(texts))))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        source = data.tokenize(texts, tokenizer, folder, max_length=LENGTH)
        for batch_size in BATCHES:
            pipelines = {
                "keras_ssl": own(strings, tokenizer, batch_size),
                "keras_ssl_from_cache": own_from_cache(source, tokenizer, batch_size),
                "keras_hub": keras_hub_preprocessor(strings, tokenizer, batch_size),
            }
            rows += measure(pipelines, batch_size, tokenizer.pad_token_id, arguments.rounds)

    by_batch = {size: {row["pipeline"]: row["tokens"] for row in rows if row["batch"] == size} for size in BATCHES}
    ratios = {str(size): found["keras_ssl"] / found["keras_hub"] for size, found in by_batch.items()}
    for size, ratio in ratios.items():
        print(f"batch {size}: {ratio:.2f} times keras-hub's tokens a second (at least {WANTED} is wanted)")
    settings = {"rows": len(texts), "length": LENGTH, "vocabulary": tokenizer.vocabulary_size(), "rate": RATE}
    save(
        "text_pipeline", {"settings": {**settings, "rounds": arguments.rounds}, "results": rows, "ratios": ratios}, SEED
    )


def measure(pipelines, batch_size, pad_id, rounds):
    """One row for each pipeline: its tokens a second, in the best of the rounds."""
    best = dict.fromkeys(pipelines, 0.0)
    for _ in range(rounds):
        for name, batches in pipelines.items():
            tokens, taken = tokens_and_seconds(batches, pad_id)
            best[name] = max(best[name], tokens / taken)
    for name, speed in best.items():
        print(f"{name:<22}batch {batch_size:>5}{speed / 1000:>10,.0f} thousand tokens a second")
    return [{"pipeline": name, "batch": batch_size, "tokens": round(speed)} for name, speed in best.items()]


if __name__ == "__main__":
    main()
