import functools
import importlib
import json

import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import data
from keras_ssl.data import word_marks

MODULE = importlib.import_module("keras_ssl.data.tokenize")
TEXTS = [
    "the cat sat on the mat",
    "",
    "Café, naïve! it's 12345",
    "dogs\tsat\r\n'mat'",
    "x" * 120 + " cat",
    "猫 on 猫猫",
]
ENGLISH = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz0123456789.,'!猫"]
ENGLISH += ["##" + one for one in "abcdefghijklmnopqrstuvwxyz0123456789"] + ["the", "cat", "mat", "##at", "dog"]


@pytest.fixture
def tokenizer():
    import keras_hub

    return keras_hub.tokenizers.BertTokenizer(ENGLISH, lowercase=True, strip_accents=True)


def in_a_graph(tokenizer, texts):
    return tf.function(lambda texts: tokenizer(texts))(tf.constant(texts)).to_list()


def rows_of(source):
    ids = (row for batch in source.ordered(3) for row in batch["x"]["token_ids"].numpy())
    return [row[(row != source.table.pad_id)].tolist() for row in ids]


@pytest.mark.parametrize(("lowercase", "strip_accents"), [(True, True), (False, False), (True, False)])
def test_ids_are_those_of_the_tokenizer(rng, lowercase, strip_accents):
    import keras_hub

    tokenizer = keras_hub.tokenizers.BertTokenizer(ENGLISH, lowercase=lowercase, strip_accents=strip_accents)
    signs = [chr(code) for code in [9, 10, 13, *range(32, 127)]] + list("   etaohsin") * 3
    texts = ["".join(rng.choice(signs, size)) for size in rng.integers(0, 60, 2000)] + TEXTS + ["a" * 101, "a-b" * 40]
    assert data.fast_tokenizer(tokenizer)(tf.constant(texts)).to_list() == in_a_graph(tokenizer, texts)


@pytest.mark.gate
def test_ids_of_byte_pairs_are_those_of_a_graph(tmp_path):
    texts = ["it's 12345 'quoted' (signs)", "the cat's  mat", "Café"]
    tokenizer = data.train_vocabulary(texts * 20, "roberta", size=400, directory=tmp_path)
    assert data.fast_tokenizer(tokenizer)(tf.constant(texts)).to_list() == in_a_graph(tokenizer, texts)


def test_rows_labels_and_documents_are_kept(tmp_path, tokenizer):
    texts = data.TextSource(TEXTS, [1, 0, 2, 1, 0, 2], documents=[0, 0, 1, 1, 1, 2], classes="abc")
    source = data.tokenize(texts, tokenizer, tmp_path, max_length=200)
    assert rows_of(source) == [[2, *row, 3] for row in in_a_graph(tokenizer, TEXTS)]
    assert source.labels.tolist() == [1, 0, 2, 1, 0, 2]
    assert source.documents.tolist() == [0, 0, 1, 1, 1, 2]
    assert source.classes == ("a", "b", "c")
    (folder,) = tmp_path.iterdir()
    assert rows_of(data.TokenSource(folder, max_length=200)) == rows_of(source)


@pytest.mark.parametrize(("most", "size"), [(len(ENGLISH), 2), (len(ENGLISH) - 1, 4)])
def test_ids_take_two_bytes_if_there_are_few(tmp_path, tokenizer, monkeypatch, most, size):
    monkeypatch.setattr(MODULE, "MOST_IN_TWO_BYTES", most)
    source = data.tokenize(TEXTS, tokenizer, tmp_path)
    (file,) = tmp_path.rglob("ids.bin")
    assert file.stat().st_size == size * source.store.lengths.sum()
    assert rows_of(source)[0] == [2, *in_a_graph(tokenizer, TEXTS[:1])[0], 3]


@pytest.fixture
def counted(monkeypatch):
    """Counts how often texts are tokenized."""
    calls, make = [], MODULE.fast_tokenizer
    monkeypatch.setattr(MODULE, "fast_tokenizer", lambda tokenizer: (calls.append(1), make(tokenizer))[1])
    return calls


def test_what_was_tokenized_is_not_tokenized_again(tmp_path, tokenizer, counted):
    import keras_hub

    def opened(texts=TEXTS, tokenizer=tokenizer, words=None):
        return rows_of(data.tokenize(texts, tokenizer, tmp_path, words=words))

    first = opened()
    assert opened() == opened(texts=iter(TEXTS)) == opened(texts=data.TextSource(TEXTS)) == first
    same = keras_hub.tokenizers.BertTokenizer(ENGLISH, lowercase=True, strip_accents=True, name="of_another_name")
    assert opened(tokenizer=same) == first
    assert len(counted) == 1
    others = [
        {"texts": [*TEXTS[:-1], TEXTS[-1].replace("on", "in")]},
        {"texts": data.TextSource(TEXTS, labels=[0] * 6)},
        {"texts": data.TextSource(TEXTS, documents=[0] * 6)},
        {"tokenizer": keras_hub.tokenizers.BertTokenizer(ENGLISH, lowercase=True)},
        {"tokenizer": keras_hub.tokenizers.BertTokenizer([*ENGLISH, "sat"], lowercase=True)},
        {"words": str.split},
    ]
    for number, other in enumerate(others):
        opened(**other)
        assert len(counted) == 2 + number, other


def test_files_are_checked_once_an_opening(tmp_path, tokenizer, monkeypatch):
    data.tokenize(TEXTS, tokenizer, tmp_path)
    module, checked = importlib.import_module("keras_ssl.data.cached_folder"), []
    checksum = module._checksum
    monkeypatch.setattr(module, "_checksum", lambda path: (checked.append(path.name), checksum(path))[1])
    data.tokenize(TEXTS, tokenizer, tmp_path)
    assert sorted(checked) == ["ids.bin", "offsets.npy"]


@pytest.mark.parametrize("file", ["ids.bin", "offsets.npy", "manifest.json"])
@pytest.mark.parametrize("how", ["torn", "changed", "gone"])
def test_damaged_files_are_made_anew(tmp_path, tokenizer, counted, file, how):
    first = rows_of(data.tokenize(TEXTS, tokenizer, tmp_path))
    (path,) = tmp_path.rglob(file)
    content = bytearray(path.read_bytes())
    if how == "changed":
        content[len(content) // 2] ^= 255
    path.write_bytes(content[: len(content) // 2] if how == "torn" else content)
    if how == "gone":
        path.unlink()
    with pytest.raises(ValueError, match="whole and unchanged"):
        data.TokenSource(path.parent)
    assert rows_of(data.tokenize(TEXTS, tokenizer, tmp_path)) == first
    assert len(counted) == 2


def test_a_broken_off_writing_leaves_nothing(tmp_path, tokenizer, monkeypatch):
    monkeypatch.setattr(MODULE, "write_columns", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        data.tokenize(TEXTS, tokenizer, tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_a_folder_it_is_the_users_cache(tmp_path, tokenizer, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    data.tokenize(TEXTS, tokenizer)
    (folder,) = (tmp_path / "keras_ssl" / "tokens").iterdir()
    description = json.loads((folder / "manifest.json").read_text())["description"]
    assert description["name"] == "texts"


def test_refuses(tmp_path, tokenizer):
    import keras_hub

    with pytest.raises(ValueError, match="`texts` must hold something to tokenize. Received: 2 empty texts"):
        data.tokenize(["", " "], tokenizer, tmp_path)
    plain = keras_hub.tokenizers.WordPieceTokenizer(ENGLISH)
    with pytest.raises(ValueError, match="`tokenizer` must have a padding token") as error:
        data.tokenize(TEXTS, plain, tmp_path)
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="`words` must be a function with a name.*Received: words=<function"):
        data.tokenize(TEXTS, tokenizer, tmp_path, words=lambda text: text.split())


CHINESE = [
    "我们在北京大学学习自然语言处理。",
    "他昨天买了三本中文书,还有一台MacBook电脑。",
    "今天天气很好,我想去公园散步。",
]
SEGMENTED = [
    ["我们", "在", "北京大学", "学习", "自然语言", "处理", "。"],
    ["他", "昨天", "买", "了", "三", "本", "中文", "书", ",", "还有", "一", "台", "MacBook", "电脑", "。"],
    ["今天天气", "很", "好", ",", "我", "想", "去", "公园", "散步", "。"],
]


def segmented(text):
    return SEGMENTED[CHINESE.index(text)]


def words_of(tokenizer, source):
    """Each row's words, put together from the pieces by `word_ids`."""
    (batch,) = source.ordered(3).as_numpy_iterator()
    for ids, words in zip(batch["x"]["token_ids"], batch["x"]["word_ids"], strict=True):
        assert ((words == -1) == np.isin(ids, [0, 2, 3])).all()
        pieces = [tokenizer.id_to_token(int(one)).removeprefix("##") for one in ids]
        yield ["".join(np.array(pieces)[words == word]) for word in range(words.max() + 1)]


def test_chinese_words_stay_together(tmp_path):
    tokenizer = data.train_vocabulary(CHINESE, size=120, directory=tmp_path)
    source = data.tokenize(CHINESE, tokenizer, tmp_path, words=segmented)
    assert list(words_of(tokenizer, source)) == [[word.lower() for word in row] for row in SEGMENTED]
    np.testing.assert_array_equal(source.store.lengths, [16, 18 + len(tokenizer("macbook")), 15])


def test_chinese_words_are_masked_whole(tmp_path):
    from keras_ssl.augment.text import WholeWordMask
    from keras_ssl.random import RowDraws

    tokenizer = data.train_vocabulary(CHINESE, size=120, directory=tmp_path)
    batch = next(iter(data.tokenize(CHINESE, tokenizer, tmp_path, words=segmented).ordered(3)))["x"]
    chosen, _ = WholeWordMask(0.4)(batch["token_ids"], tokens_table(tokenizer), RowDraws(0, 0, 3), batch["word_ids"])
    for row, words in zip(chosen.numpy(), batch["word_ids"].numpy(), strict=True):
        assert row.any()
        for word in set(words[row].tolist()):
            assert row[words == word].all()


def tokens_table(tokenizer):
    from keras_ssl.augment.text import TokenTable

    return TokenTable.of(tokenizer)


def test_chinese_words_of_jieba(tmp_path):
    jieba = pytest.importorskip("jieba", reason="needs the package jieba")
    tokenizer = data.train_vocabulary(CHINESE, size=120, directory=tmp_path)
    found = list(words_of(tokenizer, data.tokenize(CHINESE, tokenizer, tmp_path, words=jieba.lcut)))
    assert found == [[word.lower() for word in jieba.lcut(text)] for text in CHINESE]
    assert "我们" in found[0]


def test_where_a_segmenter_cuts_through_pieces_the_vocabulary_marks_words(tokenizer):
    table, ids_of = tokens_table(tokenizer), data.fast_tokenizer(tokenizer)
    texts = np.array([b"cats the", b"cats the"], object)
    bad, good = ["ca", "ts", "the"], ["cats", "the"]
    segments = iter([bad, good])
    marks = word_marks.word_marks(texts, ids_of(texts), lambda text: next(segments), ids_of, table)
    assert marks.tolist() == [False, True, False] * 2


class Cutter:
    """Words of so many signs."""

    def __init__(self, width):
        self.width = width

    def cut(self, text):
        return [text[start : start + self.width] for start in range(0, len(text), self.width)]


def test_methods_of_two_objects_are_two_functions(tmp_path, tokenizer, counted):
    def folders(words):
        data.tokenize(CHINESE, tokenizer, tmp_path, words=words)
        return len(counted)

    assert [folders(Cutter(width).cut) for width in (1, 4, 1)] == [1, 2, 2]
    assert [folders(functools.partial(Cutter.cut, Cutter(width))) for width in (1, 4, 1)] == [3, 4, 4]
