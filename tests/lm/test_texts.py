"""Raw text as a corpus."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import spacy

from spacy_seqrnn.lm.texts import make_texts

NLP = spacy.blank("en")


def read(path: Path, **options: object) -> list[str]:
    corpus = make_texts(path, **options)  # type: ignore[arg-type]
    return [example.predicted.text.strip() for example in corpus(NLP)]


def test_lines_and_blocks(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("One line.\nAnother.\n\n \nA third.\r\n")
    assert read(path, shuffle=False) == ["One line.", "Another.", "A third."]
    assert read(path, documents="blocks", shuffle=False)[0] == "One line.\nAnother."


def test_all_files_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("first")
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"second"))
    (tmp_path / "deep").mkdir()
    lines = [json.dumps({"text": text, "label": 1}) for text in ("third", "", "four\nlines")]
    (tmp_path / "deep" / "c.jsonl").write_text("\n".join(lines))
    assert read(tmp_path, shuffle=False) == ["first", "second", "third", "four\nlines"]
    assert read(tmp_path, shuffle=False, limit=2) == ["first", "second"]


def test_another_order_each_time(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n".join(f"text {i}" for i in range(30)))
    corpus = make_texts(path)
    np.random.seed(0)
    orders = [[example.predicted.text for example in corpus(NLP)] for _ in range(2)]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(read(path, shuffle=False))


def test_long_documents_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a b c d e f g\nh i")
    assert read(path, shuffle=False, max_length=3) == ["a b c", "d e f", "g", "h i"]


def test_words_between_spaces(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("It's  new-fangled .\n")
    for tokenized, words in [(True, ["It's", "new-fangled", "."]), (False, 7)]:
        (example,) = make_texts(path, tokenized=tokenized)(NLP)
        found = [token.text for token in example.predicted]
        assert found == words or len(found) == words


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    for line in ('{"body": "no text"}', "not JSON", '{"text": 3}', "[1]"):
        path.write_text('{"text": "fine"}\n' + line)
        with pytest.raises(ValueError, match=r"a.jsonl', line 2: expected JSON with the field"):
            read(path)


def test_a_folder_without_text(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_text("no text")
    with pytest.raises(ValueError, match=r"has no text: put \.txt or \.jsonl files"):
        read(tmp_path)
