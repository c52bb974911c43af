"""What masking must know of a vocabulary."""

import base64

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable("keras_ssl")
class TokenTable:
    """Which ids of a vocabulary are special, and which continue a word.

    keras-hub keeps a tokenizer's vocabulary beside a saved model, not in its config. This table is small enough to be
    in the config, so that an objective is made anew without its tokenizer.

    Args:
        size: int, number of ids.
        special_ids: ints that stand for no text, such as that of unknown text; those of padding, mask, start and end
            are among them, named here or not. They are never chosen to be predicted, and never drawn as replacements.
        mask_id: int, what hides a token; None for a vocabulary without.
        pad_id: int.
        continues: for each id whether it continues the word of the piece before it: bool array of shape `(size,)`, or
            that array as `get_config` packs it; None where each piece is a word.
        start_id: int, what a text begins with, or None for nothing.
        end_id: int, what a text ends with, or None for nothing.
        line_id: int, a line end, for vocabularies in which words would else run together where texts of one document
            follow each other; or None.

    Raises:
        ValueError: If an id is out of range, or `continues` has another length.

    Example:

    >>> import tensorflow as tf
    >>> from keras_ssl.augment.text import TokenTable
    >>> table = TokenTable(size=6, special_ids=(0, 1), mask_id=1, continues=[0, 0, 0, 0, 1, 0])
    >>> table.word_ids(tf.constant([[2, 4, 3, 0]])).numpy().tolist()
    [[0, 0, 1, -1]]
    """

    def __init__(
        self, size, special_ids, mask_id=None, pad_id=0, continues=None, start_id=None, end_id=None, line_id=None
    ):
        self.size = int(size)
        self.mask_id = None if mask_id is None else int(mask_id)
        self.pad_id = int(pad_id)
        self.start_id = None if start_id is None else int(start_id)
        self.end_id = None if end_id is None else int(end_id)
        self.line_id = None if line_id is None else int(line_id)
        single = {"mask_id": self.mask_id, "start_id": self.start_id, "end_id": self.end_id}
        named = {one for one in single.values() if one is not None} | {self.pad_id}
        self.special_ids = tuple(sorted({int(one) for one in special_ids} | named))
        for name, value in {**single, "line_id": self.line_id, "special_ids": self.special_ids}.items():
            if not all(0 <= (one or 0) < self.size for one in (value if isinstance(value, tuple) else (value,))):
                raise ValueError(f"`{name}` must be in [0, {self.size}). Received: {name}={value}")
        if len(self.special_ids) >= self.size:
            raise ValueError(f"`size` must leave ids that are not special. Received: size={self.size}")
        if isinstance(continues, str):
            continues = np.unpackbits(np.frombuffer(base64.b64decode(continues), "uint8"), count=self.size)
        self.continues = None if continues is None else np.asarray(continues, bool)
        if self.continues is not None and self.continues.shape != (self.size,):
            raise ValueError(
                f"`continues` must have one entry for each of the {self.size} ids. "
                f"Received: shape {self.continues.shape}"
            )

    @classmethod
    def of(cls, tokenizer):
        """The table of a keras-hub tokenizer: WordPiece, byte-level BPE or SentencePiece.

        Of any other kind of tokenizer each piece is a word.

        Where padding is no special token, as GPT-2's, which is "!", the end token pads. Where one token stands for
        start and end, as GPT-2's and T5's, it stands at the end alone.

        Raises:
            ValueError: If it has no vocabulary yet, or no padding token.
        """
        size = tokenizer.vocabulary_size()
        pieces = [tokenizer.id_to_token(number) for number in range(size)]
        special = {number for number in tokenizer.special_token_ids if number is not None}
        # keras-hub does not count what stands for all unknown text among them.
        special |= {pieces.index(mark) for mark in ("[UNK]", "<unk>") if mark in pieces}
        pad = getattr(tokenizer, "pad_token_id", None)
        if pad is None:
            raise ValueError(f"`tokenizer` must have a padding token. Received: tokenizer={tokenizer}")
        start, end = (getattr(tokenizer, f"{place}_token_id", None) for place in ("start", "end"))
        return cls(
            size,
            special,
            mask_id=getattr(tokenizer, "mask_token_id", None),
            pad_id=end if pad not in special and end is not None else pad,
            continues=_continues(tokenizer, pieces),
            start_id=None if start == end else start,
            end_id=end,
            line_id=pieces.index("Ċ") if _is_byte_pairs(tokenizer) and "Ċ" in pieces else None,
        )

    @property
    def ordinary_count(self):
        """Number of ids that are not special: int."""
        return self.size - len(self.special_ids)

    def ordinary(self, number):
        """The ids of the numbered ordinary tokens.

        Args:
            number: int32 Tensor in [0, ordinary_count).
        """
        # How many ordinary ids lie below each special one.
        below = tf.constant([one - place for place, one in enumerate(self.special_ids)], "int32")
        passed = tf.searchsorted(below, tf.reshape(number, [-1]), side="right")
        return number + tf.reshape(passed, tf.shape(number))

    def is_special(self, token_ids):
        """Whether ids are special: bool Tensor of the same shape."""
        return tf.gather(tf.constant(self._flags(self.special_ids)), token_ids)

    def word_ids(self, token_ids):
        """The number of the word of each piece, from 0 in each row; -1 for special ids.

        Args:
            token_ids: int32 Tensor of shape `(rows, length)`.

        Returns:
            int32 Tensor of the same shape.
        """
        special = self.is_special(token_ids)
        begins = tf.ones_like(special)
        if self.continues is not None:
            after_special = tf.pad(special[:, :-1], [[0, 0], [1, 0]], constant_values=True)
            begins = ~tf.gather(tf.constant(self.continues), token_ids) | after_special
        words = tf.cumsum(tf.cast(begins & ~special, "int32"), axis=1) - 1
        return tf.where(special, -1, words)

    def get_config(self):
        """The arguments; `continues` packed to a string."""
        packed = None
        if self.continues is not None:
            packed = base64.b64encode(np.packbits(self.continues).tobytes()).decode()
        return {
            "size": self.size,
            "special_ids": list(self.special_ids),
            "mask_id": self.mask_id,
            "pad_id": self.pad_id,
            "continues": packed,
            "start_id": self.start_id,
            "end_id": self.end_id,
            "line_id": self.line_id,
        }

    @classmethod
    def from_config(cls, config):
        """Makes the table from `get_config`."""
        return cls(**config)

    def _flags(self, ids):
        flags = np.zeros(self.size, bool)
        flags[list(ids)] = True
        return flags


def _continues(tokenizer, pieces):
    """By the mark of this kind of vocabulary: "##" continues a word; "Ġ" and "▁" begin one."""
    from keras_hub import tokenizers

    # Not by what the pieces begin with: any of these signs may stand in the texts, too.
    if isinstance(tokenizer, tokenizers.WordPieceTokenizer):
        return [piece.startswith("##") for piece in pieces]
    if _is_byte_pairs(tokenizer):
        return [not piece.startswith(("Ġ", "Ċ")) for piece in pieces]
    if isinstance(tokenizer, tokenizers.SentencePieceTokenizer):
        return [not piece.startswith("▁") for piece in pieces]
    return None


def _is_byte_pairs(tokenizer):
    from keras_hub.tokenizers import BytePairTokenizer

    return isinstance(tokenizer, BytePairTokenizer)
