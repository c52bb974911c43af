"""How the pieces of each family's vocabulary are found."""

import collections
import dataclasses
import functools
import io
import json
from collections.abc import Callable

import numpy as np

from keras_ssl.data.text_fingerprint import text_batches

CHARACTERS = 0.7  # of a WordPiece vocabulary, the most that single characters may take up
MOST_CHARACTERS = 8000
MOST_SENTENCES = 2_000_000
LONGEST_SENTENCE = 2**20  # bytes; SentencePiece would leave out what is longer than 4,192
SENTINELS = 100  # T5's


def train_word_piece(name, specials, source, size, lowercase):
    """WordPiece as BERT's.

    Pieces that continue a word are numbered before the training, in the order of their characters: the trainer would
    number them as they come out of a hash table, and then join others in each run.

    Args:
        name: str, the keras-hub tokenizer.
        specials: tuple of str, in the order of their ids.
        source: `TextSource`.
        size: int, the most pieces.
        lowercase: bool; accents go with the case.

    Returns:
        keras-hub tokenizer.
    """
    import tokenizers
    from tokenizers import models, normalizers, pre_tokenizers, trainers

    model = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    model.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=lowercase)
    model.pre_tokenizer = pre_tokenizers.BertPreTokenizer()

    def batches():
        # Case is folded here, as keras-hub does it.
        return ([text.casefold() if lowercase else text for text in batch] for batch in _decoded(source))

    counts = collections.Counter()
    for batch in batches():
        counts.update(model.normalizer.normalize_str("\n".join(batch)))
    by_count = sorted((one for one in counts if not one.isspace()), key=lambda one: (-counts[one], one))
    kept = sorted(by_count[: min(MOST_CHARACTERS, int(CHARACTERS * size))])

    def continues(one):
        return len(model.pre_tokenizer.pre_tokenize_str(model.normalizer.normalize_str("a" + one))) == 1

    continuing = ["##" + one for one in kept if continues(one)]
    _check_room(size, [*specials, *kept, *continuing])
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        special_tokens=[*specials, *continuing],
        initial_alphabet=kept,
        limit_alphabet=len(kept),
        show_progress=False,
    )
    model.train_from_iterator(batches(), trainer)
    return _hub(name)(_by_id(model), lowercase=lowercase, strip_accents=lowercase)


def train_byte_pairs(name, specials, source, size, lowercase):
    """Byte pairs as GPT-2's. The arguments are those of `train_word_piece`; case is always kept."""
    import tokenizers
    from tokenizers import models, pre_tokenizers, trainers

    model = tokenizers.Tokenizer(models.BPE())
    model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    _check_room(size, [*specials, *alphabet])
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(specials), initial_alphabet=alphabet, show_progress=False
    )
    model.train_from_iterator(_decoded(source), trainer)
    merges = [" ".join(pair) for pair in json.loads(model.to_str())["model"]["merges"]]
    return _hub(name)({piece: number for number, piece in enumerate(_by_id(model))}, merges)


def train_sentence_piece(name, specials, source, size, lowercase, sentinels=0):
    """SentencePiece, a unigram model. The arguments are those of `train_word_piece`, and:

    Args:
        sentinels: int, how many of T5's marks for hidden spans stand at the end, the first one last.
    """
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    _check_room(size, [*specials, *range(sentinels)])
    numbers = {kind: specials.index(piece) if piece in specials else -1 for kind, piece in _NUMBERED.items()}
    step = -(-len(source) // MOST_SENTENCES)
    chosen = source if step == 1 else source.subset(np.arange(0, len(source), step))
    written = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=(text for batch in _decoded(chosen) for text in batch),
            model_writer=written,
            model_type="unigram",
            vocab_size=size - sentinels,
            hard_vocab_limit=False,
            max_sentence_length=LONGEST_SENTENCE,
            normalization_rule_name="nmt_nfkc_cf" if lowercase else "nmt_nfkc",
            control_symbols=[piece for piece in specials if piece not in _NUMBERED.values()],
            minloglevel=2,
            **numbers,
        )
    except RuntimeError as error:
        raise ValueError(f"`size` is too small for these texts. Received: size={size} ({error})") from error
    model = sentencepiece_model_pb2.ModelProto.FromString(written.getvalue())
    for number in reversed(range(sentinels)):
        model.pieces.add(piece=f"<extra_id_{number}>", score=0.0, type=model.SentencePiece.USER_DEFINED)
    model.trainer_spec.vocab_size = len(model.pieces)
    return _hub(name)(model.SerializeToString())


_NUMBERED = {"pad_id": "<pad>", "unk_id": "<unk>", "bos_id": "<s>", "eos_id": "</s>"}


@dataclasses.dataclass(frozen=True)
class Family:
    """What tokenizer a family of models has.

    Attributes:
        name: str, the class in `keras_hub.tokenizers`.
        specials: tuple of str, the special pieces in the order of their ids.
        trainer: function `(name, specials, source, size, lowercase)` that returns such a tokenizer.
        lowercase: bool, whether the family drops case; None if it cannot.
    """

    name: str
    specials: tuple
    trainer: Callable
    lowercase: bool | None

    def train(self, source, size, lowercase):
        """A tokenizer trained on a `TextSource`."""
        return self.trainer(self.name, self.specials, source, size, lowercase)

    def tokenizer_class(self):
        """The class in keras-hub."""
        return _hub(self.name)


_BERT = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_ROBERTA = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
_ALBERT = ("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]")
FAMILIES = {
    "albert": Family("AlbertTokenizer", _ALBERT, train_sentence_piece, True),
    "bart": Family("BartTokenizer", _ROBERTA, train_byte_pairs, None),
    "bert": Family("BertTokenizer", _BERT, train_word_piece, True),
    "gpt2": Family("GPT2Tokenizer", ("<|endoftext|>",), train_byte_pairs, None),
    "roberta": Family("RobertaTokenizer", _ROBERTA, train_byte_pairs, None),
    "t5": Family(
        "T5Tokenizer",
        ("<pad>", "</s>", "<unk>"),
        functools.partial(train_sentence_piece, sentinels=SENTINELS),
        False,
    ),
}


def _decoded(source):
    return ([text.decode() for text in batch] for batch in text_batches(source))


def _by_id(model):
    vocabulary = model.get_vocab()
    return sorted(vocabulary, key=vocabulary.get)


def _check_room(size, pieces):
    if size <= len(pieces):
        raise ValueError(
            f"`size` must be above the {len(pieces)} special pieces and single characters. Received: size={size}"
        )


def _hub(name):
    import keras_hub

    return getattr(keras_hub.tokenizers, name)
