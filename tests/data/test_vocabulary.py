import pytest

from keras_ssl import data
from keras_ssl.data import vocabulary, vocabulary_training
from keras_ssl.data.vocabulary_training import FAMILIES, SENTINELS

TEXTS = [
    "The quick brown fox jumped over a Café.",
    "Why don't the foxes bark? It's 3 o'clock!",
    "Quickly brown foxes jump; dogs are barking loudly.",
] * 20
SIZES = {"albert": 60, "bart": 300, "bert": 140, "gpt2": 300, "roberta": 300, "t5": 160}


def pieces(tokenizer):
    return [tokenizer.id_to_token(number) for number in range(tokenizer.vocabulary_size())]


@pytest.mark.parametrize("family", SIZES)
def test_special_pieces_have_their_places_and_it_is_kept(tmp_path, monkeypatch, family):
    tokenizer = data.train_vocabulary(TEXTS, family, size=SIZES[family], directory=tmp_path)
    specials = FAMILIES[family].specials
    found = pieces(tokenizer)
    assert type(tokenizer).__name__ == FAMILIES[family].name
    assert tuple(found[: len(specials)]) == specials
    assert len(specials) < len(set(found)) == len(found) <= SIZES[family]

    monkeypatch.setattr(vocabulary.FAMILIES[family].__class__, "train", None)
    again = data.train_vocabulary(TEXTS, family, size=SIZES[family], directory=tmp_path)
    assert pieces(again) == found
    text = "The quick foxes don't bark"
    assert again(text).tolist() == tokenizer(text).tolist()
    assert set(tokenizer(text).tolist()) - set(range(len(specials)))


def test_t5_ends_with_its_sentinels(tmp_path):
    tokenizer = data.train_vocabulary(TEXTS, "t5", size=160, directory=tmp_path)
    assert pieces(tokenizer)[-SENTINELS:] == [f"<extra_id_{number}>" for number in reversed(range(SENTINELS))]
    size = tokenizer.vocabulary_size()
    assert [one for one in tokenizer("fox <extra_id_0> dog <extra_id_1>").tolist() if one >= size - 100] == [
        size - 1,
        size - 2,
    ]


def test_both_sides_of_pairs_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_ssl.data.text_fingerprint.AT_A_TIME", 7)  # batches lie across the sides
    sides = TEXTS[:20], TEXTS[20:40]
    pairs = data.PairSource(*map(data.TextSource, sides))
    expected = data.train_vocabulary(TEXTS[:40], size=140, directory=tmp_path / "texts")
    assert pieces(data.train_vocabulary(pairs, size=140, directory=tmp_path / "pairs")) == pieces(expected)


def test_case_and_accents_are_dropped_or_kept(tmp_path):
    dropped = data.train_vocabulary(TEXTS, size=140, directory=tmp_path)
    kept = data.train_vocabulary(TEXTS, size=140, lowercase=False, directory=tmp_path)
    assert list(dropped("CAFÉ")) == list(dropped("cafe"))
    assert 1 not in list(dropped("Café"))
    assert "é" in "".join(pieces(kept))
    assert not set("éCTWQ") & set("".join(pieces(dropped)[5:]))


def test_sentence_pieces_drop_or_keep_case(tmp_path):
    dropped = data.train_vocabulary(TEXTS, "albert", size=60, directory=tmp_path)
    kept = data.train_vocabulary(TEXTS, "albert", size=60, lowercase=False, directory=tmp_path)
    assert dropped("THE FOX").tolist() == dropped("the fox").tolist()
    assert kept("THE FOX").tolist() != kept("the fox").tolist()


def test_sentence_pieces_come_from_long_texts_too(tmp_path):
    long = "zebras " * 1_000  # more bytes than the trainer takes by itself
    tokenizer = data.train_vocabulary([*TEXTS, long], "albert", size=60, directory=tmp_path)
    assert "z" in "".join(pieces(tokenizer))


def test_sentence_pieces_are_trained_on_a_part_of_very_many_texts(tmp_path, monkeypatch):
    monkeypatch.setattr(vocabulary_training, "MOST_SENTENCES", 20)
    tokenizer = data.train_vocabulary(TEXTS, "albert", size=60, directory=tmp_path)
    found = "".join(pieces(tokenizer))
    assert "é" in found  # of each three texts the first
    assert not set("?;") & set(found)


def test_the_same_texts_give_the_same_pieces(tmp_path, rng):
    """The trainer's hash tables have another order each time, and of equal pairs it joined now this and now that."""
    texts = [bytes(word).decode() for word in rng.integers(97, 123, (400, 6)).astype("uint8")]
    found = [data.train_vocabulary(texts, size=200, directory=tmp_path / str(number)) for number in range(4)]
    assert len({tuple(one.get_vocabulary()) for one in found}) == 1


def test_chinese_characters_are_words_of_their_own(tmp_path):
    texts = ["北京是中国的首都。", "上海是中国最大的城市。"] * 5
    tokenizer = data.train_vocabulary(texts, size=100, directory=tmp_path)
    found = pieces(tokenizer)
    assert {"北", "京", "都", "。"} <= set(found)
    assert not [piece for piece in found if len(piece) == 2 or piece.startswith("##")]
    assert tokenizer.detokenize(tokenizer("中国的北京")) == "中 国 的 北 京"


def test_other_texts_and_settings_train_anew_and_so_does_damage(tmp_path):
    def folders():
        return sorted(tmp_path.iterdir())

    first = data.train_vocabulary(TEXTS, size=140, directory=tmp_path)
    (folder,) = folders()
    data.train_vocabulary([*TEXTS, "zebra"], size=140, directory=tmp_path)
    data.train_vocabulary(TEXTS, size=141, directory=tmp_path)
    data.train_vocabulary(data.TextSource(TEXTS, name="other"), size=140, directory=tmp_path)
    assert len(folders()) == 3  # a name alone makes no other texts
    file = folder / "vocabulary.txt"
    file.write_text(file.read_text().replace("fox", "ox"))
    again = data.train_vocabulary(TEXTS, size=140, directory=tmp_path)
    assert again.get_vocabulary() == first.get_vocabulary()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"family": "brt"}, r"`family` must be one of \['albert', .* Received: family='brt'"),
        ({"size": 20}, "`size` must be above the .* special pieces and single characters. Received: size=20"),
        ({"size": 100, "family": "gpt2"}, "`size` must be above the 257 special pieces"),
        ({"size": 104, "family": "t5"}, "`size` is too small for these texts. Received: size=104"),
        ({"family": "gpt2", "lowercase": True}, "`lowercase` must be False for 'gpt2'"),
    ],
)
def test_refuses(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        data.train_vocabulary(TEXTS, directory=tmp_path, **arguments)
    assert not list(tmp_path.iterdir())
