import pytest

from keras_ssl.data.packages import brown, vader, wordnet


@pytest.mark.parametrize(
    ("text", "gloss", "examples"),
    [
        ("a dog", "a dog", []),
        ('a dog; or cat; "it barked"; "it ran; fast"  ', "a dog; or cat", ["it barked", "it ran; fast"]),
        (
            'as in the phrase "make strides"; "they made it"- A. Smith',
            'as in the phrase "make strides"',
            ["they made it"],
        ),
        ('of persons "his father was hard"', "of persons", ["his father was hard"]),
        ('a sale; "a notice of sale', "a sale", ["a notice of sale"]),
        ('a branch where it is available"', "a branch where it is available", []),
    ],
)
def test_a_gloss_is_a_definition_and_examples(text, gloss, examples):
    assert wordnet.split_gloss(text) == (gloss, examples)


def test_a_line_of_wordnet_with_words_in_base_16():
    words = " ".join(f"big_word{number} 0" for number in range(17))
    found = wordnet.parse_line(f'00000007 30 v 11 {words} 000 | to do; "I do"  ')
    assert len(found["lemmas"]) == 17
    assert (found["lemmas"][1], found["label"], found["offset"]) == ("big word1", 30, 7)


def test_labels_are_in_the_order_of_the_lexicographer_files():
    assert len(wordnet.LABELS) == 45
    assert wordnet.LABELS[3:29] == tuple(name for name in wordnet.LABELS if name.startswith("noun."))
    assert (wordnet.LABELS[5], wordnet.LABELS[28], wordnet.LABELS[44]) == ("noun.animal", "noun.time", "adj.ppl")


def test_a_sentence_takes_a_side_beyond_half_a_point():
    assert [vader.polarity(score) for score in (-4.0, -0.51, -0.5, 0.0, 0.5, 0.51)] == [0, 0, -1, -1, -1, 1]


def test_bytes_that_are_not_utf_8_are_latin_1():
    assert vader.text_of("café –".encode()) == "café –"
    assert vader.text_of("café".encode("latin-1")) == "café"


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        *(("nn", "NOUN"), ("np-tl", "NOUN"), ("nns$-hl", "NOUN"), ("nr", "NOUN"), ("vbd", "VERB"), ("bedz*", "VERB")),
        *(("ppss+bem", "PRON"), ("pp$", "DET"), ("pp$$", "PRON"), ("wp$", "DET"), ("wps+bez", "PRON"), ("*", "ADV")),
        *(("*-hl", "ADV"), ("cs", "ADP"), ("cd-tl", "NUM"), ("od", "ADJ"), ("to", "PRT"), ("``", "."), ("--", ".")),
        *(
            (".-hl", "."),
            (":", "."),
            ("fw-nn-tl", "X"),
            ("nil", "X"),
            ("do", "VERB"),
            ("dt+bez", "DET"),
            ("dts", "DET"),
        ),
    ],
)
def test_universal_tags(tag, expected):
    assert brown.universal(tag) == expected
