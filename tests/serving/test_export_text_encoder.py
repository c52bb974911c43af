import importlib
import io
import json
import shutil

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import backbones
from keras_ssl.augment.text import TokenTable
from keras_ssl.serving import export_text_encoder, verify

module = importlib.import_module("keras_ssl.serving.export_text_encoder")
writing = importlib.import_module("keras_ssl.serving.write_versions")

MAX_LENGTH = 10
EDGES = [
    "The cats ran.",
    "",
    "   ",
    "zebras unknownword",
    "a cat " * 40,
    "CAFÉ cafe\u0301 walkings",
    "中文cat文",
    "tab\tnew\nline\u3000wide \U0001f600 🐈",
    "[CLS] is text here [MASK]",
]


@pytest.fixture(scope="module")
def served(text_export):
    """A function of a folder's name and inputs; the loaded objects own the variables."""
    loaded = {name: tf.saved_model.load(str(text_export / name / "1")) for name in ("ids", "strings")}

    def serve(name, **inputs):
        outputs = loaded[name].signatures["serving_default"](**{key: tf.constant(x) for key, x in inputs.items()})
        return outputs["embedding"].numpy()

    serve.loaded = loaded
    return serve


@pytest.fixture(scope="module")
def inputs_of(text_tokenizer):
    """What an encoder takes of texts, made by Python alone and padded to the full length."""

    def make(texts):
        rows = []
        for pieces in text_tokenizer(texts):
            row = [2, *[int(piece) for piece in pieces][: MAX_LENGTH - 2], 3]
            rows.append(row + [0] * (MAX_LENGTH - len(row)))
        ids = np.array(rows, "int32")
        return {"token_ids": ids, "padding_mask": (ids != 0).astype("int32"), "segment_ids": np.zeros_like(ids)}

    return make


def test_strings_ids_and_keras_give_the_same(served, inputs_of, text_encoder):
    inputs = inputs_of(EDGES)
    assert len({tuple(row) for row in inputs["token_ids"].tolist()}) == len(EDGES) - 1
    expected = text_encoder.predict(inputs, verbose=0)
    np.testing.assert_allclose(served("ids", **inputs), expected, atol=1e-5)
    np.testing.assert_allclose(served("strings", texts=EDGES), expected, atol=1e-5)


@pytest.mark.parametrize("text", EDGES)
def test_a_text_alone_gives_what_it_gives_among_others(served, inputs_of, text_encoder, text):
    expected = text_encoder.predict(inputs_of([text]), verbose=0)
    np.testing.assert_allclose(served("strings", texts=[text]), expected, atol=1e-5)


def test_texts_that_are_cut_are_told_apart_by_what_is_left(served):
    one, same, other = served("strings", texts=["cat " * 8 + "dog", "cat " * 8 + "ran", "cat " * 7 + "ran"])
    np.testing.assert_allclose(one, same, atol=1e-6)
    assert np.abs(one - other).max() > 1e-2


def test_bytes_that_are_no_text_do_not_fail_a_whole_batch(served, inputs_of, text_encoder):
    vectors = served("strings", texts=[b"\xff\xfe caf\xe9", b"The cats ran.", b"a\x00b"])
    np.testing.assert_allclose(vectors[1:2], text_encoder.predict(inputs_of(["The cats ran."]), verbose=0), atol=1e-5)
    assert np.isfinite(vectors).all()


def test_more_ids_than_the_backbone_has_places_are_an_error(served):
    ids = np.full((1, 17), 8, "int32")
    with pytest.raises(tf.errors.InvalidArgumentError):
        served("ids", token_ids=ids, padding_mask=ids // 8, segment_ids=ids * 0)


def test_clean_signatures_with_names_and_a_free_batch(served):
    signatures = {name: loaded.signatures for name, loaded in served.loaded.items()}
    assert [list(one) for one in signatures.values()] == [["serving_default"]] * 2
    taken = {name: one["serving_default"].structured_input_signature[1] for name, one in signatures.items()}
    assert taken["strings"] == {"texts": tf.TensorSpec((None,), "string", name="texts")}
    names = ("token_ids", "padding_mask", "segment_ids")
    assert taken["ids"] == {name: tf.TensorSpec((None, None), "int32", name=name) for name in names}
    for one in signatures.values():
        given = one["serving_default"].structured_outputs
        assert given == {"embedding": tf.TensorSpec((None, 8), "float32", name="embedding")}


def test_only_the_strings_need_libraries(text_export):
    described = json.loads((text_export / "strings" / "1" / "assets.extra" / "op_libraries.json").read_text())
    assert described["libraries"] == {
        "_fast_wordpiece_tokenizer.so": ["FastWordpieceTokenizeWithOffsets"],
        "_normalize_ops.so": ["CaseFoldUTF8", "NormalizeUTF8"],
        "_regex_split_ops.so": ["RegexSplitWithOffsets"],
    }
    assert not (text_export / "ids" / "1" / "assets.extra" / "op_libraries.json").exists()


def test_examples_and_warm_up_travel_with_both(text_export):
    examples = {}
    for name in ("ids", "strings"):
        folder = text_export / name / "1" / "assets.extra"
        assert (folder / "tf_serving_warmup_requests").is_file()
        with np.load(folder / "verify.npz", allow_pickle=False) as file:
            examples[name] = dict(file)
    texts = examples["strings"]["serving_default/inputs/texts"].tolist()
    assert [text.decode() for text in texts] == ["The cats ran.", "walking dogs, a café", "中文 cat", ""]
    # Padded to the longest example, not to the longest that there may be.
    assert examples["ids"]["serving_default/inputs/token_ids"].shape == (4, 9)
    for one in examples.values():
        np.testing.assert_array_equal(
            one["serving_default/outputs/embedding"], examples["ids"]["serving_default/outputs/embedding"]
        )


@pytest.fixture
def prepared(text_encoder, text_tokenizer, tmp_path, monkeypatch):
    """A function that gives the signatures which an export would write."""

    def prepare(encoder=text_encoder, examples=("a cat", "dogs ran"), **options):
        written = []
        monkeypatch.setattr(module, "write_versions", lambda versions, _: written.extend(versions))
        export_text_encoder(encoder, text_tokenizer, tmp_path, examples=examples, **options)
        return [version.signatures[0] for version in written]

    return prepare


def test_the_objective_tells_how_ids_are_packed(prepared, text_encoder, text_tokenizer):
    class Objective:
        encoder, feature_key = text_encoder, None
        tokens = TokenTable(size=18, special_ids=(0, 3), end_id=3)

    ids, _ = prepared(Objective())
    assert ids.inputs["token_ids"].tolist() == [[6, 8, 3, 0], [9, 15, 10, 3]]
    ids, _ = prepared(Objective(), tokens=TokenTable.of(text_tokenizer))
    assert ids.inputs["token_ids"].tolist() == [[2, 6, 8, 3, 0], [2, 9, 15, 10, 3]]


def test_names_lengths_and_poolings_of_choice(prepared, text_encoder):
    ids, strings = prepared(normalize=True, output_name="vector", pooling="max", max_length=4)
    assert ids.inputs["token_ids"].tolist() == [[2, 6, 8, 3], [2, 9, 15, 3]]
    vectors = strings.outputs["vector"]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-5)
    highest = backbones.pool(backbones.backbone_of(text_encoder), "max").predict(ids.inputs, verbose=0)
    np.testing.assert_allclose(vectors, highest / np.linalg.norm(highest, axis=1, keepdims=True), atol=1e-5)


def test_a_text_has_as_many_ids_as_the_backbone_can_take(prepared):
    ids, _ = prepared(examples=["cat " * 40, "dog"])
    assert ids.inputs["token_ids"].shape == (2, 16)


def test_where_padding_counts_rows_have_the_full_length(prepared):
    ids = keras.Input((None,), dtype="int32", name="token_ids")
    encoder = keras.Model({"token_ids": ids}, keras.layers.GlobalMaxPooling1D()(keras.layers.Embedding(18, 4)(ids)))
    signature, _ = prepared(encoder, max_length=7)
    assert {name: array.shape for name, array in signature.inputs.items()} == {"token_ids": (2, 7)}


class Splitter(keras.layers.Layer):
    """A tokenizer that runs in Python."""

    def call(self, texts):
        return tf.ragged.constant([[len(word) for word in text.split()] for text in texts.numpy().tolist()])


def test_bad_arguments_say_so(text_encoder, text_tokenizer, tmp_path):
    table = TokenTable.of(text_tokenizer)

    def refused(match, encoder=text_encoder, tokenizer=text_tokenizer, examples=("a cat",), **options):
        with pytest.raises(ValueError, match=match):
            export_text_encoder(encoder, tokenizer, tmp_path / "model", examples=examples, **options)

    def tokenizer(**options):
        return keras_hub.tokenizers.BertTokenizer(vocabulary=text_tokenizer.vocabulary, **options)

    refused("`encoder` must be a built", keras.Sequential([keras.layers.Dense(3)]))
    refused("`tokenizer` must be a layer.*<function", tokenizer=lambda texts: texts)
    refused("`tokenizer` must give ragged ids", tokenizer=tokenizer(sequence_length=8))
    refused("`tokenizer` must give ragged ids", tokenizer=tokenizer(dtype="string"), tokens=table)
    refused("can run without Python.*Splitter.*AttributeError", tokenizer=Splitter(), tokens=table)
    refused(r"`examples` must be one or more rows", examples=[])
    refused("`examples` must be a list of texts", examples="a cat")
    refused("`examples` must be a list of texts", examples=[1, 2])
    refused("`examples` must be a list of texts", examples=[["a cat", "a dog"]])
    refused("`max_length` must be an int above 2.*take, 16. Received: max_length=2", max_length=2)
    refused("`max_length` must be an int above 2.*take, 16. Received: max_length=17", max_length=17)
    refused("`max_length` must be an int above 2.*Received: max_length=8.0", max_length=8.0)
    refused("at most the 18 ids of the backbone's vocabulary. Received: a vocabulary of 20", tokens=TokenTable(20, ()))
    refused("named as Python variables.*'my vector'", output_name="my vector")
    ids = keras.Input((None,), dtype="int32", name="token_ids")
    other = keras.Input((None,), dtype="int32", name="language")
    vectors = keras.layers.GlobalMaxPooling1D()(keras.layers.Embedding(18, 4)(ids))
    refused("`max_length` must be given", keras.Model({"token_ids": ids}, vectors))
    refused(
        r"`encoder` must take a dict with `token_ids`.*Received: \['language', 'token_ids'\]",
        keras.Model({"token_ids": ids, "language": other}, vectors + keras.ops.cast(other[:, :1], "float32")),
        max_length=8,
    )
    assert not (tmp_path / "model").exists()


def byte_pairs():
    marks = [chr(code) for code in (*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 324))]
    merges = ["c a", "ca t", "Ġ cat", "Ã ©"]
    pieces = ["<s>", "<pad>", "</s>", "<mask>", "<unk>", *marks, *(merge.replace(" ", "") for merge in merges)]
    return {piece: number for number, piece in enumerate(pieces)}, merges


def roberta():
    return keras_hub.tokenizers.RobertaTokenizer(*byte_pairs())


def sentence_pieces():
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the cats ran to the café", "a cat, a dog"] * 4),
        model_writer=model,
        vocab_size=60,
        hard_vocab_limit=False,
        **{"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1, "minloglevel": 2},
    )
    return keras_hub.tokenizers.T5Tokenizer(proto=model.getvalue())


@pytest.mark.gate
@pytest.mark.parametrize(
    ("make", "libraries"),
    [(roberta, ["_regex_split_ops.so"]), (sentence_pieces, ["_sentencepiece_tokenizer.so"])],
)
def test_other_tokenizers_run_without_python(make, libraries, tmp_path):
    tokenizer = make()
    tokenizer(["my secretword"])
    backbone = keras_hub.models.RobertaBackbone(
        vocabulary_size=tokenizer.vocabulary_size(),
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=8,
        max_sequence_length=12,
    )
    texts = [*(text.encode() for text in EDGES), b"\xff\xfe caf\xe9"]
    export_text_encoder(backbones.pool(backbone, "avg"), tokenizer, tmp_path, examples=texts)
    result = verify(tmp_path)
    assert result["op_libraries"] == libraries
    assert result["examples"] == 2 * len(texts)
    assert result["max_difference"] < 1e-5
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not [one for one in written if b"secretword" in one]


@pytest.mark.gate
def test_half_an_export_is_none(text_encoder, text_tokenizer, text_export, tmp_path, monkeypatch):
    directory = shutil.copytree(text_export, tmp_path / "model")

    def fail(folder, signatures, tolerance):
        if "texts" in signatures[0].inputs:
            assert [path.name[:6] for path in (directory / "ids").iterdir() if path.name != "1"] == [".tmp-2"]
            raise KeyboardInterrupt

    monkeypatch.setattr(writing, "_compare_reloaded", fail)
    with pytest.raises(KeyboardInterrupt):
        export_text_encoder(text_encoder, text_tokenizer, directory, examples=["a cat"])
    assert {name: [path.name for path in (directory / name).iterdir()] for name in ("ids", "strings")} == {
        "ids": ["1"],
        "strings": ["1"],
    }
