"""Pairs of segments that follow one another, or do not."""

import copy

import numpy as np
import tensorflow as tf

from keras_ssl.data.source import Source, whole
from keras_ssl.data.token_pairs import refuse_pairs
from keras_ssl.data.token_stream import TokenStream, ends_document
from keras_ssl.random import RowDraws

RANDOM_SHARE = 0.5
CUT_WORDS = 32  # of 32 bits each, which say for as many ids whether one is cut from the front or the back


class SegmentPairs(Source):
    """Pairs of segments for next-sentence prediction, from documents.

    Sentences of a document are cut into runs of about `length` ids. Each epoch every run gives one pair: segment A is
    its first sentences, a random number of them; segment B is the rest of the run or, in half of the cases and where
    the run is but one sentence, sentences of another document from a random one on. What is too long loses ids of its
    longer segment one by one, from the front or the back at random.

    `x` of a batch is a dict of int32: `token_ids` of shape `(batch_size, length)`, as `[CLS] A [SEP] B [SEP]`;
    `segment_ids` of that shape, 1 for B and its `[SEP]`; and `is_random` of shape `(batch_size,)`, 1 where B comes from
    another document and 0 where it is what follows.

    NOTE: BERT's code writes pairs to a file once, and puts sentences that a run did not use into the next one. Here
    pairs are new in each epoch; runs begin at the same sentences, and what a run does not use waits for another epoch.

    Args:
        tokens: `TokenSource` with documents; each of its texts is a sentence.
        length: int, ids of a pair, special ones and padding included.
        short_sequence_probability: float in [0, 1], of a pair that is made of a shorter run, for a model that is to
            know short inputs too. It is of `[2, length - 3]` ids.

    Raises:
        ValueError: If `tokens` are pairs already, if there are no documents or only one, if the vocabulary has no start
            or no end token, or if an argument is out of range.

    Reference: BERT, arXiv 1810.04805, appendix A.2, and `create_pretraining_data.py` of its code.
    """

    rows_word = "pairs"

    def __init__(self, tokens, length=128, *, short_sequence_probability=0.1):
        refuse_pairs(tokens)
        self.table, self.length = tokens.table, whole("length", length, least=5)
        self.short_sequence_probability = short_sequence_probability
        if not 0 <= short_sequence_probability <= 1:
            raise ValueError(
                "`short_sequence_probability` must be in [0, 1]. "
                f"Received: short_sequence_probability={short_sequence_probability}"
            )
        if self.table.start_id is None or self.table.end_id is None:
            raise ValueError(
                "`tokens` must have a start and an end token. "
                f"Received: start_id={self.table.start_id}, end_id={self.table.end_id}"
            )
        if tokens.documents is None:
            raise ValueError(f"`tokens` must know documents, of several sentences each. Received: {tokens} without")
        store = tokens.store.pick(np.flatnonzero(tokens.store.lengths))
        last = np.flatnonzero(ends_document(store))
        if len(last) < 2:
            raise ValueError(f"`tokens` must have two documents at least, to draw from. Received: {len(last)}")
        self._stream = TokenStream(store)
        # Of each document the first sentence and the one after the last; of each sentence its document.
        self._first, self._after = np.append(0, last[:-1] + 1), last + 1
        self._document = np.repeat(np.arange(len(last)), self._after - self._first)
        self._runs = self._cut_into_runs()
        super().__init__(tokens.name, len(self._runs))

    @property
    def _room(self):
        return self.length - 3

    def _pick(self, rows):
        picked = copy.copy(self)
        picked._runs = self._runs[rows]
        Source.__init__(picked, self.name, len(rows))
        return picked

    def _row_size(self):
        return f" of at most {self.length} tokens"

    def _cut_into_runs(self):
        """The first sentence of each run: from every document at once, run after run."""
        found, begins = [], self._first
        while len(begins):
            found.append(begins)
            ends = self._run_end(begins, self._room)
            begins = ends[ends < self._after[self._document[begins]]]
        return np.sort(np.concatenate(found))

    def _run_end(self, sentence, wanted):
        """The sentence after the shortest run from `sentence` of `wanted` ids or more, or up to its document's end."""
        offsets = self._stream.offsets
        enough = np.searchsorted(offsets, offsets[sentence] + wanted, side="left")
        return np.clip(enough, sentence + 1, self._after[self._document[sentence]])

    def _shuffled(self, batch_size, seed, start, slices):
        epoch_batches, last = len(self) // batch_size, len(self) - 1
        mine, rows = tf.constant(slices.mine, "int64"), batch_size // slices.total

        def pairs_of(element):
            step, part = element // len(slices.mine), mine[element % len(slices.mine)]
            positions = step % epoch_batches * batch_size + part * rows + tf.range(rows, dtype="int64")
            index = tf.random.experimental.index_shuffle(positions, [seed, step // epoch_batches], last)
            return self._pairs_at(index, RowDraws(seed, step, rows, part, slices.total))

        return tf.data.Dataset.counter(start * len(slices.mine)).map(pairs_of)

    def _in_order(self, batch_size):
        def pairs_of(step, index):
            return self._pairs_at(index, RowDraws(0, step, tf.size(index)))

        return tf.data.Dataset.range(len(self)).batch(batch_size).enumerate().map(pairs_of)

    def _pairs_at(self, index, rng):
        bits = rng.bits("pairs", (6 + 2 * CUT_WORDS,))
        parts = tf.numpy_function(self._fetch, [index, bits], (tf.int32, tf.int32, tf.int32))
        rows = index.shape[0]
        shapes = {"token_ids": (rows, self.length), "segment_ids": (rows, self.length), "is_random": (rows,)}
        pairs = zip(shapes.items(), parts, strict=True)
        return {"x": {name: tf.ensure_shape(part, shape) for (name, shape), part in pairs}, "index": index}

    def _fetch(self, index, bits):
        a, b, is_random = self._segments(self._runs[index], *bits[:, :6].T)
        keep_a, keep_b = _fitting(a[1] - a[0], b[1] - b[0], self._room)
        begin_a = a[0] + _cut_in_front(a[1] - a[0] - keep_a, bits[:, 6 : 6 + CUT_WORDS])
        begin_b = b[0] + _cut_in_front(b[1] - b[0] - keep_b, bits[:, 6 + CUT_WORDS :])

        columns, middle, end = np.arange(self.length), (keep_a + 1)[:, None], (keep_a + keep_b + 2)[:, None]
        in_a = (columns >= 1) & (columns < middle)
        in_b = (columns > middle) & (columns < end)
        places = np.where(in_a, begin_a[:, None] + columns - 1, begin_b[:, None] + columns - middle - 1)
        ids = np.where(in_a | in_b, self._stream.read(np.where(in_a | in_b, places, 0)), np.int32(self.table.pad_id))
        ids = np.where((columns == middle) | (columns == end), np.int32(self.table.end_id), ids)
        ids[:, 0] = self.table.start_id
        segments = (columns > middle) & (columns <= end)
        return ids, segments.astype("int32"), is_random.astype("int32")

    def _segments(self, begin, short, shorter, cut, fate, other, where):
        """Where segments A and B begin and end in the stream, and whether B is a random one.

        Args:
            begin: int64 array of shape `(rows,)`, the first sentence of each run.
            short, shorter, cut, fate, other, where: uint32 arrays of the same shape, random bits.
        """
        is_short = short < self.short_sequence_probability * 2.0**32
        wanted = np.where(is_short, 2 + _below(self._room - 1, shorter), self._room)
        end = self._run_end(begin, wanted)
        middle = begin + np.where(end - begin > 1, 1 + _below(np.maximum(end - begin - 1, 1), cut), 1)
        is_random = (end - begin == 1) | (fate < RANDOM_SHARE * 2.0**32)

        document = _below(len(self._first) - 1, other)
        document += document >= self._document[begin]
        elsewhere = self._first[document] + _below(self._after[document] - self._first[document], where)
        offsets = self._stream.offsets
        left = np.maximum(wanted - (offsets[middle] - offsets[begin]), 1)
        b_begin = np.where(is_random, elsewhere, middle)
        b_end = np.where(is_random, self._run_end(elsewhere, left), end)
        return (offsets[begin], offsets[middle]), (offsets[b_begin], offsets[b_end]), is_random


def _below(count, bits):
    """Whole numbers in [0, count) from uniform bits."""
    return (bits.astype("uint64") * np.asarray(count, "uint64") >> np.uint64(32)).astype("int64")


def _fitting(a, b, room):
    """How much is left of each when the longer one, B if they are equal, loses one after the other until both fit."""
    keep_a = np.minimum(a, np.maximum(room - b, -(-room // 2)))
    return keep_a, np.minimum(b, room - keep_a)


def _cut_in_front(removed, words):
    """How many of the removed ids are from the front: each with probability one half, of very many every second."""
    coins = np.unpackbits(np.ascontiguousarray(words).view("uint8"), axis=1)
    mine = np.arange(coins.shape[1]) < removed[:, None]
    return (coins * mine).sum(axis=1, dtype="int64") + np.maximum(removed - coins.shape[1], 0) // 2
