"""Every encoding and line end is read correctly, or an error names it."""

import gzip
import json
import random
import warnings
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_seqrnn.convert.encodings import normalise, read_text

from .conftest import Convert, Fail, entities, write

WORD = "Málaga"
FORMS = {
    "conll": f"in O\n{WORD} B-LOC\n\nHi O\n",
    "tsv": f"in {WORD}\tno\nHi\tyes\nHo\tno\n",
    "csv": f'text,label\n"in ""{WORD}"", so",no\nHi,yes\n',
    "jsonl": json.dumps({"text": WORD, "label": "no"}, ensure_ascii=False)
    + '\n{"text": "Hi", "label": "yes"}\n',
}
MARKED = ("utf-8-sig", "utf-16", "utf-32")
WITHOUT_MARK = ("cp1252", "latin-1", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
ENDS = {"LF": "\n", "CRLF": "\r\n", "CR": "\r", "CRCRLF": "\r\r\n"}


def options(form: str) -> list[str]:
    return [] if form == "conll" else ["--task", "textcat"]


def check(form: str, docs: list[Doc]) -> None:
    assert len(docs) == {"tsv": 3}.get(form, 2)
    words = [token.text for token in docs[0]]
    assert WORD in words
    if form == "conll":
        assert entities(docs) == [[(WORD, "LOC")], []]
        assert words == ["in", WORD]
    else:
        assert docs[0].cats == {"no": 1.0, "yes": 0.0}
        assert docs[1].cats == {"no": 0.0, "yes": 1.0}
    assert not any("\ufeff" in doc.text or "\r" in doc.text for doc in docs)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("encoding", ["utf-8", *MARKED])
def test_line_ends_and_marks(convert: Convert, form: str, end: str, encoding: str) -> None:
    content = FORMS[form].replace("\n", ENDS[end]).encode(encoding)
    check(form, convert(content, *options(form), name=f"toy.{form}"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("end", ["LF", "CR"])
@pytest.mark.parametrize("encoding", WITHOUT_MARK)
def test_what_has_no_mark_is_named_and_then_read(
    convert: Convert, fail: Fail, form: str, end: str, encoding: str
) -> None:
    content = FORMS[form].replace("\n", ENDS[end]).encode(encoding)
    sentence = fail(content, *options(form), name=f"toy.{form}")
    named = encoding.replace("latin-1", "cp1252")
    assert f"`--encoding {named}`" in sentence
    assert f"'toy.{form}'" in sentence
    if named == "cp1252":
        assert WORD in sentence
    docs = convert(content, *options(form), "--encoding", encoding, name=f"toy.{form}")
    check(form, docs)


@pytest.mark.parametrize("form", FORMS)
def test_packed(convert: Convert, form: str) -> None:
    content = gzip.compress(FORMS[form].encode())
    check(form, convert(content, *options(form), name=f"toy.{form}.gz"))


@pytest.mark.parametrize("rare", ["\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\xa0"])
def test_rare_line_ends_and_spaces_are_part_of_a_text(convert: Convert, rare: str) -> None:
    docs = convert(f"a{rare}b O\nOslo B-LOC\n")
    assert [token.text for token in docs[0]] == [f"a{rare}b", "Oslo"]
    for name, content in {
        "a.tsv": f"a{rare}b c\tno\nHi\tyes\nHo\tno\n",
        "a.csv": f"text,label\na{rare}b c,no\n",
        "a.jsonl": json.dumps({"text": f"a{rare}b c", "label": "no"}, ensure_ascii=False),
    }.items():
        docs = convert(content, "--task", "textcat", name=name)
        assert docs[0].text == f"a{rare}b c"


@pytest.mark.parametrize("rare", ["\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("form", FORMS)
def test_files_with_no_other_line_ends_are_rejected(fail: Fail, form: str, rare: str) -> None:
    sentence = fail(FORMS[form].replace("\n", rare), *options(form), name=f"toy.{form}")
    assert f"of U+{ord(rare):04X}" in sentence


def test_a_rare_line_end_in_a_tag_is_named(fail: Fail) -> None:
    assert "line 1: the tag 'O\\x85Oslo B-LOC'" in fail("Hi\tO\x85Oslo B-LOC\nHo\tO\n")


@pytest.mark.parametrize(
    ("content", "option", "part"),
    [
        ("Jan B-PER\n".encode("utf-16"), "latin-1", "byte-order mark of utf-16"),
        ("Jan B-PER\n".encode("utf-8-sig"), "cp1252", "byte-order mark of utf-8"),
        (b"\xff\xfeJ\0", "utf-16-be", "byte-order mark of utf-16"),
        (b"Jan B-PER\n", "klingon", "`--encoding klingon` is unknown to Python"),
        (b"Jan B-PER\n", "base64", "`--encoding base64` is unknown to Python"),
        (b"\x81 B-PER\n", "cp1252", "is not in cp1252: byte 0x81 in line 1 cannot be read"),
        (b"J\0a\0n\0", "latin-1", "set `--encoding utf-16-le`"),
    ],
)
def test_encodings_that_are_set_wrong(fail: Fail, content: bytes, option: str, part: str) -> None:
    assert part in fail(content, "--encoding", option)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"\x1f\x8bnot gzip", "is a damaged gzip file"),
        (gzip.compress(b"Jan O\n" * 99, mtime=0)[:-20], "is a damaged gzip file"),
        (b"PK\x03\x04and so on", "is a zip archive or an office document: unpack it"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is not in utf-8: byte 0x89 in line 1"),
        (
            b"ab\0cdefghijklmnopqrstuvwxyz",
            "contains NUL characters, so it is not text. Is it a text",
        ),
        ("Málaga".encode("utf-16")[:-1], "is not in utf-16: "),
        (
            "Oslo O\rMálaga O\rMérida O\r".encode() + b"C\xe1diz O\r",
            "byte 0xe1 in line 4 cannot be read. All but 1 lines are UTF-8",
        ),
        (
            zlib.compress(b"as spaCy writes them"),
            "'toy.conll' is compressed by zlib, as .spacy files",
        ),
    ],
)
def test_what_is_no_text(fail: Fail, content: bytes, part: str) -> None:
    assert part in fail(content)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_utf8_that_is_read_as_something_else_is_doubted(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path, "toy.conll", "Málaga B-LOC\n")
    with pytest.warns(UserWarning, match=f"is valid UTF-8, but is read as {encoding}"):
        read_text(path, encoding)


def test_latin1_with_quotation_marks_of_windows_is_doubted(tmp_path: Path) -> None:
    path = write(tmp_path, "toy.conll", "“Málaga” B-LOC\n".encode("cp1252"))
    with pytest.warns(UserWarning, match="set `--encoding cp1252` if quotation marks"):
        read_text(path, "latin-1")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_text(path, "cp1252") == "“Málaga” B-LOC\n"


def test_marks_within_joined_files(convert: Convert) -> None:
    docs = convert("Jan B-PER\n\n".encode("utf-8-sig") * 2)
    assert [[token.text for token in doc] for doc in docs] == [["Jan"], ["Jan"]]


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n\ufeff\0"))), st.sampled_from([*ENDS])
)
@example(["a\x85b", "", "\u2028c"], "CR")
def test_lines_come_back_with_any_end(lines: list[str], end: str) -> None:
    assert normalise(ENDS[end].join(lines)).split("\n") == (lines or [""])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_damaged_files_are_rejected_or_read(tmp_path: Path, encoding: str) -> None:
    chance = random.Random(0)
    n_read = 0
    intact = "Málaga B-LOC\n\nÖsterreich B-LOC\n".encode(encoding)
    for _ in range(300):
        damaged = bytearray(intact)
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path = write(tmp_path, "toy.conll", bytes(damaged))
        with suppress(ValueError):
            text = read_text(path)
            assert "\0" not in text
            n_read += 1
    assert 0 < n_read < 300
