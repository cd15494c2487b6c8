"""Texts with categories, in the formats of other programs."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_seqrnn.convert.records import read_rows

from ..cli.conftest import invoke, succeed
from .conftest import Convert, Fail, read, write

ONE = ["--task", "textcat"]
SEVERAL = ["--task", "textcat_multilabel"]
FOUND = [("Ann sat.", {"a"}), ("Oh, no", {"b"}), ("Why?", {"a"}), ("So", {"b"})]


def texts(docs: list[Doc]) -> list[tuple[str, set[str]]]:
    """Each text with its labels; every document has a score for every label."""
    assert len({tuple(doc.cats) for doc in docs}) == 1
    return [(doc.text, {label for label, score in doc.cats.items() if score > 0.5}) for doc in docs]


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("toy.tsv", "Ann sat.\ta\nOh, no\tb\nWhy?\ta\nSo\tb\n", []),
        ("toy.tsv", "sentence\tlabel\nAnn sat.\ta\nOh, no\tb\nWhy?\ta\nSo\tb", []),
        # The label first and no suffix, as in collections of SMS
        ("SMSCollection", "a\tAnn sat.\nb\tOh, no\na\tWhy?\nb\tSo\n", []),
        # A third column with names, as in GoEmotions
        ("toy.tsv", "Ann sat.\ta\teeb\nOh, no\tb\ted0\nWhy?\ta\ted1\nSo\tb\tj\n", []),
        ("toy.csv", 'text,label\nAnn sat.,a\n"Oh, no",b\nWhy?,a\nSo,b\n', []),
        ("toy.csv", "id;Category;Text\n1;a;Ann sat.\n2;b;Oh, no\n3;a;Why?\n4;b;So\n", []),
        ("toy.csv", '"a","Ann sat."\n"b","Oh, no"\n"a","Why?"\n"b","So"\n', []),
        # Columns without a name, as spreadsheets write them
        (
            "toy.csv",
            'v1,v2,,\na,Ann sat.,,\nb,"Oh, no",,\na,Why?,,\nb,So,,\n',
            ["--text-field", "v2", "--label-field", "v1"],
        ),
        (
            "toy.csv",
            'x,y\nAnn sat.,a\n"Oh, no",b\nWhy?,a\nSo,b\n',
            ["--header", "--text-field", "1", "--label-field", "2"],
        ),
        # The label and a space, as in TREC
        ("train.label", "a:x Ann sat.\nb:y Oh, no\na:x Why?\nb:y So\n", ["--label-until", ":"]),
        ("toy.txt", "__label__a Ann sat.\n__label__b Oh, no\n__label__a Why?\nSo __label__b\n", []),
        ("toy.json", json.dumps([{"text": t, "label": [*lb]} for t, lb in FOUND]), []),
        ("toy", "\n".join(json.dumps({"text": t, "label": [*lb]}) for t, lb in FOUND), []),
        (
            "toy.ndjson",
            "\n\n".join(
                json.dumps({"cats": {x: x in lb for x in "ab"}, "text": t}) for t, lb in FOUND
            ),
            [],
        ),
        (
            "toy.jsonl",
            "\n".join(json.dumps({"q": t, "k": next(iter(lb))}) for t, lb in FOUND),
            ["--text-field", "q", "--label-field", "k"],
        ),
    ],
)
def test_forms(convert: Convert, name: str, content: str, options: list[str]) -> None:
    assert texts(convert(content, *ONE, *options, name=name)) == FOUND
    packed = gzip.compress(content.encode())
    assert texts(convert(packed, *ONE, *options, name=f"{name}.gz")) == FOUND


@pytest.mark.parametrize(
    ("value", "options", "labels"),
    [
        ("a", [], {"a"}),
        ("a,b", ["--label-separator", ","], {"a", "b"}),
        ("a, b,", ["--label-separator", ","], {"a", "b"}),
        ("a,b", ["--label-separator", ""], {"a,b"}),
        ("", [], set()),
        ("['a', 'b']", [], {"a", "b"}),
        (["a", "b"], [], {"a", "b"}),
        ([], [], set()),
        (3, [], {"3"}),
        ([1, 2], ["--rename", "1=a"], {"a", "2"}),
        ({"a": 1, "b": 0.2, "c": True}, [], {"a", "c"}),
    ],
)
def test_several_labels(
    convert: Convert, value: object, options: list[str], labels: set[str]
) -> None:
    records = [{"text": "Hi", "label": value}, {"text": "Ho", "label": "z"}]
    docs = convert("\n".join(map(json.dumps, records)), *SEVERAL, *options, name="toy.jsonl")
    assert texts(docs) == [("Hi", labels), ("Ho", {"z"})]


def test_scores_are_kept(convert: Convert) -> None:
    content = json.dumps({"text": "Hi", "cats": {"a": 0.7, "b": 0}})
    assert convert(content, *ONE, name="toy.jsonl")[0].cats == {"a": 0.7, "b": 0.0}


def test_a_column_for_each_label(convert: Convert, fail: Fail) -> None:
    content = "id,comment_text,rude,kind\n1,Hi,0,1\n2,Ho,1,1.0\n3,Oh,0,\n"
    options = [*SEVERAL, "--label-field", "rude", "--label-field", "kind"]
    docs = convert(content, *options, name="toy.csv")
    assert texts(docs) == [("Hi", {"kind"}), ("Ho", {"rude", "kind"}), ("Oh", set())]
    part = "line 2: 'x' is not a score: use a number from 0 to 1."
    assert part in fail(content.replace("Hi,0", "Hi,x"), *options, name="toy.csv")


def test_folders(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for label in ("pos", "neg"):
            for i in range(2):
                write(tmp_path, f"imdb/{split}/{label}/{i}.txt", f"{split} {label}\r\n{i}\n")
        write(tmp_path, f"imdb/{split}/urls.txt", "none")
        write(tmp_path, f"imdb/{split}/.hidden/x.txt", "none")
    folders = [tmp_path / "imdb" / split for split in ("train", "test")]
    succeed("seqrnn", "convert", *folders, tmp_path / "out", *ONE)
    assert texts(read(tmp_path / "out/test.spacy")) == [
        (f"test {label}\n{i}", {label}) for label in ("neg", "pos") for i in range(2)
    ]
    result = invoke("seqrnn", "convert", tmp_path / "imdb", tmp_path / "other", *ONE)
    assert result.exit_code == 1
    assert "is a folder in" in " ".join(result.output.split())
    assert not (tmp_path / "other").exists()


def test_labels_of_all_inputs(tmp_path: Path) -> None:
    train = write(tmp_path, "train.tsv", "Hi\ta\nHo\tb\nHa\tb\n")
    dev = write(tmp_path, "dev.tsv", "Hi\tc\nHo\ta\nHa\ta\n")
    printed = succeed("seqrnn", "convert", train, dev, tmp_path / "out", *ONE)
    assert "does not have: c" in " ".join(printed.split())
    for split in ("train", "dev"):
        assert list(read(tmp_path / f"out/{split}.spacy")[0].cats) == ["a", "b", "c"]


def test_tokens(convert: Convert) -> None:
    content = "do n't , or don't\ta\nHi\tb\nHo\tb\n"
    docs = convert(content, *ONE, "--tokenised", name="toy.tsv")
    assert [token.text for token in docs[0]] == ["do", "n't", ",", "or", "don't"]
    docs = convert("aujourd'hui\ta\nHi\tb\nHo\tb\n", *ONE, "--lang", "fr", name="toy.tsv")
    assert [token.text for token in docs[0]] == ["aujourd'hui"]


def test_texts_may_be_long(convert: Convert) -> None:
    text = "word " * 300_000
    (doc,) = convert(json.dumps({"text": text, "label": "a"}), *ONE, name="toy.jsonl")
    assert len(doc) > 299_999
    (doc,) = convert(f'text,label\n"{text}",a\n', *ONE, name="toy.csv")
    assert len(doc) > 299_999
    assert csv.field_size_limit() == 131_072


CELLS = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), min_size=1)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1), st.sampled_from(",\t"), st.booleans())
def test_tables_come_back(rows: list[tuple[str, str]], delimiter: str, all_quoted: bool) -> None:
    """As written by `csv`, and so by pandas and spreadsheets."""
    rows = [("x, y\t", 'z"'), *rows]  # so that some cells need quotation marks
    quoting: Literal[0, 1] = csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerows(rows)
    found = read_rows(file.getvalue(), Path("toy"), delimiter, '"')
    blank = [row for row in rows if any(cell.strip() for cell in row)]
    assert [tuple(record.fields.values()) for record in found] == blank


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # Quotation marks in the text
        ('"Hi" he said\ta\nHo\tb\n', ['"Hi" he said', "Ho"]),
        ('"Hi"\ta\nHo\tb\n', ['"Hi"', "Ho"]),
        ('"Hi\ta\nHo"\tb\n', ['"Hi', 'Ho"']),
        # and those written by a program
        ('"""Hi"" he said"\ta\nHo\tb\n', ['"Hi" he said', "Ho"]),
        ('"Hi"\t"a"\n"Ho"\t"b"\n', ["Hi", "Ho"]),
    ],
)
def test_quotation_marks_in_tables_with_tabs(text: str, found: list[str]) -> None:
    records = read_rows(text, Path("toy"), "\t", None)
    assert [record.fields["1"] for record in records] == found


def test_what_was_not_accepted_is_left_out(tmp_path: Path) -> None:
    """As written by Prodigy, with one label or with several chosen ones."""
    answers = ["accept", "reject", "accept", "ignore"]
    for name in ("label", "accept"):
        lines = [
            json.dumps({"text": f"{i}", name: label if name == "label" else [label], "answer": a})
            for i, (a, label) in enumerate(zip(answers, "abba", strict=True))
        ]
        path = write(tmp_path, f"{name}.jsonl", "\n".join(lines))
        printed = " ".join(succeed("seqrnn", "convert", path, tmp_path / "out", *ONE).split())
        assert "2 records" in printed
        assert "were not accepted and are skipped, the first in line 2" in printed
        assert texts(read(tmp_path / f"out/{name}.spacy")) == [("0", {"a"}), ("2", {"b"})]


def test_answers_of_another_kind_are_labels(convert: Convert) -> None:
    content = '{"text": "So?", "answer": "yes"}\n{"text": "Or?", "answer": "no"}\n'
    assert texts(convert(content, *ONE, name="toy.jsonl")) == [("So?", {"yes"}), ("Or?", {"no"})]


def test_ids_longer_than_texts_are_no_texts(convert: Convert) -> None:
    content = "Oh no\t2\ted00q6iklm\nBy me\t3\teezlygjklm\nA b\t2\teebbqejkl\n"
    found = texts(convert(content, *ONE, name="toy.tsv"))
    assert found == [("Oh no", {"2"}), ("By me", {"3"}), ("A b", {"2"})]


def test_delimiters_are_asked_for(convert: Convert, fail: Fail) -> None:
    content = "good, really;pos\nbad, really;neg\nso, so;pos\n"
    sentence = fail(content, *ONE, name="toy.csv")
    assert "'toy.csv' could have ',' and ';' between its cells: set `--delimiter`" in sentence
    docs = convert(content, *ONE, "--delimiter", ";", name="toy.csv")
    assert texts(docs)[0] == ("good, really", {"pos"})
    docs = convert("a b\tx\nc d\ty\n", *ONE, "--delimiter", "tab", name="toy.csv")
    assert texts(docs) == [("a b", {"x"}), ("c d", {"y"})]
    assert "`--delimiter ab` is not one character" in fail(content, *ONE, "--delimiter", "ab")


def test_control_characters_within_json(convert: Convert) -> None:
    content = '{"text": "a\tb\x0bc", "label": "x"}\n'
    assert texts(convert(content, *ONE, name="toy.jsonl")) == [("a\tb\x0bc", {"x"})]


def test_names_of_columns_of_spreadsheets(convert: Convert) -> None:
    content = "v1,v2,,\nham,Go on,,\nspam,Win it,,\n"
    found = texts(convert(content, *ONE, name="spam.csv"))
    assert found == [("Go on", {"ham"}), ("Win it", {"spam"})]


@pytest.mark.parametrize(
    ("name", "content", "options", "part"),
    [
        ("toy.jsonl", '{"text": "a", "label": "b"}\n{"text": "half of a l', ONE, "line 2: "),
        ("toy.jsonl", "[1]\n[2]\n", ONE, "'toy.jsonl'"),
        ("toy.json", '[{"text": "a", "label": 1}, 2]', ONE, "'toy.json', object 2: '2' is no"),
        ("toy.json", '[{"text": "a", "label": 1.5}]', ONE, "object 1: 1.5 is not a label"),
        ("toy.jsonl", "[" * 100_000, ONE, "is not JSON (maximum recursion depth exceeded"),
        ("toy.jsonl", r'{"text": "\ud800", "label": "a"}', ONE, "line 1: '\\ud800' is half of a"),
        ("toy.jsonl", '"a"\n', ONE, "line 1: 'a' is not an object with a text and a label."),
        (
            "toy.jsonl",
            '{"text": "a"}',
            ONE,
            "Cannot tell which field of 'toy.jsonl' has the labels",
        ),
        (
            "toy.jsonl",
            '{"text": "a", "label": "x"}\n{"text": "b"}',
            ONE,
            "line 2: the field 'label'",
        ),
        ("toy.jsonl", '{"x": "a", "label": "b"}', ONE, "no field with a usual name for texts"),
        ("toy.jsonl", '{"text": 1, "label": "b"}', ONE, "line 1: the text 1 is not a string"),
        ("toy.jsonl", '{"text": "a", "label": null}', ONE, "line 1: the field 'label' is missing"),
        ("toy.jsonl", '{"text": "a", "label": 1.5}', ONE, "line 1: 1.5 is not a label"),
        ("toy.jsonl", '{"text": "a", "label": {"b": 2}}', SEVERAL, "line 1: 2 is not a score"),
        (
            "toy.jsonl",
            '{"text": "a", "label": ["b", "c"]}',
            ONE,
            "has 2: correct it, or set `--task",
        ),
        ("toy.jsonl", '{"text": "a", "label": ""}', ONE, "has 0: correct it, or set `--task"),
        ("toy.jsonl", '{"text": " ", "label": "b"}', ONE, "'toy.jsonl' contains no text."),
        ("toy.jsonl", '{"text": "a", "label": "b,c"}', SEVERAL, "could be one label or several"),
        (
            "toy.jsonl",
            '{"text": "a", "label": "[ 2 4]"}',
            SEVERAL,
            "'[ 2 4]' is not a list of labels",
        ),
        ("toy.tsv", "Hi there\ta\nhalf a line\n", ONE, "line 2: 1 cells, but 2 in the first row"),
        ("toy.tsv", "a b\tx\nc d\te f\tx\n", ONE, "line 2: 3 cells, but 2 in the first row"),
        ("toy.csv", 'text,label\n"Hi,a\n', ONE, "line 2: unexpected end of data. If the quotation"),
        ("toy.csv", "x,y\nHi,a\nHo,b\nHa,a\nHe,b\n", ONE, "may have a header, since the label"),
        (
            "toy.csv",
            "text,label\nHi,a\n",
            [*ONE, "--label-field", "topic"],
            "no field 'topic'",
        ),
        ("toy.txt", "The film is good.\nIt is bad.\n", ONE, "Cannot tell the format of 'toy.txt'"),
        ("toy.csv", "text,text,label\nHi,Ho,a\n", ONE, "has two fields 'text' in its header"),
        ("toy.csv", "text,label\n", ONE, "'toy.csv' contains a header, but no text."),
        ("toy.txt", "", ONE, "'toy.txt' contains no text."),
        ("toy.jsonl", "{}", [*ONE, "--lang", "q"], "`--lang q` is unknown to spaCy"),
        ("toy.jsonl", "{}", [*ONE, "--rename", "a"], "`--rename a` is not a pair of labels"),
        (
            "toy.jsonl",
            "{}",
            [*ONE, "--scheme", "io"],
            "`--scheme` is for ner, but",
        ),
        ("toy.jsonl", "{}", ["--text-field", "x"], "`--text-field` is for textcat and textcat_mul"),
    ],
)
def test_what_cannot_be_read(
    fail: Fail, name: str, content: str, options: list[str], part: str
) -> None:
    assert part in fail(content, *options, name=name)


def test_records_without_a_text_are_counted(tmp_path: Path) -> None:
    path = write(tmp_path, "toy.csv", "text,label\nHi,a\n,b\n  ,a\n")
    printed = " ".join(succeed("seqrnn", "convert", path, tmp_path / "out", *ONE).split())
    assert "2 records without a text are skipped" in printed
    assert len(read(tmp_path / "out/toy.spacy")) == 1
