"""Which files are read, and how their outputs are called."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from spacy_seqrnn.bulk.parts import find_inputs, name_outputs, name_part


def touch(folder: Path, *names: str) -> None:
    """Make empty files."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def find(monkeypatch: pytest.MonkeyPatch, folder: Path, *paths: str) -> list[str]:
    """The inputs of paths in a folder."""
    monkeypatch.chdir(folder)
    return find_inputs(paths)


def test_folders_are_searched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = ["b.jsonl", "a/x.csv.gz", "a/b/y.parquet", "a/z.spacy", "c.TSV.ZST", "d.ndjson.bz2"]
    touch(tmp_path / "in", *data, "texts/a.txt", "texts/b/c.txt", "_SUCCESS", ".b.crc", ".x/a.b")
    expected = sorted([f"in/{name}" for name in data] + ["in/texts"])
    assert find(monkeypatch, tmp_path, "in") == expected
    assert find(monkeypatch, tmp_path, "in/texts", "in/b.jsonl") == ["in/b.jsonl", "in/texts"]
    assert find(monkeypatch, tmp_path, "in/texts/") == ["in/texts"]


def test_urls_are_taken_as_they_are() -> None:
    urls = ["s3://bucket/a.jsonl.gz", "https://host/b.csv?key=1"]
    assert find_inputs(urls) == sorted(urls)


@pytest.mark.parametrize(
    ("names", "paths", "message"),
    [
        ([], [], "There are no inputs"),
        ([], ["missing.csv"], "'missing.csv' does not exist"),
        (["in/.hidden"], ["in"], "'in' has no files"),
        (["a.doc"], ["a.doc"], r"'a.doc' has none of the suffixes .csv, .jsonl, .*, .tsv: name"),
        (["a.txt"], ["a.txt"], "'a.txt' has none of the suffixes .* a folder of .txt files only"),
        (["in/a.doc", "in/b.csv"], ["in"], "'in/a.doc' has none"),
        (["in/a.txt", "in/b.csv"], ["in"], "'in/a.txt' has none"),
        (["a.parquet.gz"], ["a.parquet.gz"], "'a.parquet.gz' has none"),
        ([], ["http://host/a"], "'http://host/a' has none"),
        (["a.csv"], ["a.csv", "./a.csv"], "a.csv' is given twice"),
        (["in/a.csv"], ["in", "in/a.csv"], "'in/a.csv' is given twice"),
        (["in/b/a.txt"], ["in", "in/b"], "'in/b' is given twice"),
        ([], ["http://host/a.csv"] * 2, "'http://host/a.csv' is given twice"),
    ],
)
def test_wrong_inputs(
    names: Sequence[str],
    paths: Sequence[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    touch(tmp_path, *names)
    with pytest.raises(ValueError, match=message):
        find(monkeypatch, tmp_path, *paths)


@pytest.mark.parametrize(
    ("inputs", "stems"),
    [
        (["in/a.jsonl.gz"], ["a"]),
        (["in/2020/a.jsonl", "in/2021/a.jsonl"], ["2020/a", "2021/a"]),
        (["in/a.jsonl", "in/b/c/a.csv"], ["a", "b/c/a"]),
        (["in/a.jsonl", "/x/b.csv"], None),
        (["a.b.csv", "a.c.csv"], ["a.b", "a.c"]),
        (["http://host/a/x.csv?k=1", "http://host/b/x.csv"], ["a/x", "b/x"]),
        (["http://one/x.csv", "http://two/../x.csv"], None),
        (["s3://bucket/x.csv", "y.csv"], ["x", "y"]),
    ],
)
def test_outputs_are_called_like_inputs(inputs: list[str], stems: list[str] | None) -> None:
    found = name_outputs(inputs)
    assert list(found) == inputs
    assert stems is None or list(found.values()) == stems
    assert not any(".." in stem.split("/") or stem.startswith("/") for stem in found.values())


def test_outputs_of_folders(tmp_path: Path) -> None:
    touch(tmp_path, "a.b/x.txt", "c/x.txt")
    one, other = str(tmp_path / "a.b"), str(tmp_path / "c")
    assert name_outputs([one]) == {one: "a.b"}
    assert name_outputs([one, other]) == {one: "a.b", other: "c"}


@pytest.mark.parametrize("other", ["x.jsonl", "x.csv.gz", "X.csv", "http://host/x.csv"])
def test_outputs_with_the_same_name(other: str) -> None:
    with pytest.raises(ValueError, match=rf"'x.csv' and '{other}' would both become '[xX]'"):
        name_outputs(["x.csv", other])


def test_parts_are_numbered() -> None:
    assert name_part("a/b", 3, 12, ".parquet") == "a/b-00003-of-00012.parquet"
