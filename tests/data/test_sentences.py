import numpy as np
import pytest

from keras_ssl.data.sentences import sentence_starts, split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four… Five", ["One.", "Two!", "Three?", "Four…", "Five"]),
        ("Dr. Li and J. Smith left. St. Paul stayed.", ["Dr. Li and J. Smith left.", "St. Paul stayed."]),
        ("It is big, e.g. Paris. So", ["It is big, e.g. Paris.", "So"]),
        ("He said “Go!” and went. (It rained.) Then", ["He said “Go!” and went.", "(It rained.)", "Then"]),
        ("two.  spaces on", ["two. spaces on"]),
        ("3.5 of 7.1 and a.b stay. ok... and on", ["3.5 of 7.1 and a.b stay. ok... and on"]),
        ("wrapped\n prose\r\ngoes on.\nNext", ["wrapped prose goes on.", "Next"]),
        ("A heading\n \t\nand text", ["A heading", "and text"]),
        ("今天下雨。“我不去！”他说：「好？」然后", ["今天下雨。", "“我不去！”", "他说：「好？」", "然后"]),
        ("真的！？。走吧", ["真的！？。", "走吧"]),
        ("Où ? Là… Été. Ça", ["Où ?", "Là…", "Été.", "Ça"]),
        ("  \n ", []),
        ("", []),
    ],
)
def test_sentences(text, sentences):
    assert split_sentences(text) == sentences


def test_a_file_is_split_as_its_text_is(tmp_path):
    text = "\n One. Two\nwraps!  \n\n三。四。\n"
    path = tmp_path / "text.txt"
    path.write_text(text)
    starts = sentence_starts(path, np.array([2]))
    parts = np.split(np.frombuffer(text.encode(), "uint8"), starts)[1:]
    assert [" ".join(part.tobytes().decode().split()) for part in parts] == split_sentences(text)
    assert starts.dtype == "int64"
