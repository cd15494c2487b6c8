"""Sentences of raw text for a language model."""

import gzip
import lzma
import tarfile
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, DocBin

from .conftest import Project

SCRIPT = "scripts/sentences.py"
LINES = [f"The {i}th well-known line is here. It's the {i}th, of many." for i in range(1100)]
TEXT = "\n".join(LINES)


def read(project: Project, name: str) -> list[str]:
    content = (project.folder / f"corpus/news/{name}.txt.gz").read_bytes()
    return gzip.decompress(content).decode("utf8").splitlines()


def make(project: Project, *options: str) -> str:
    return project.succeeds(SCRIPT, "assets/news", "corpus/news", *options)


def test_sentences_of_all_formats(project: Project, tmp_path: Path) -> None:
    project.write("assets/news/a.txt", TEXT.encode())
    project.write("assets/news/b.txt.gz", gzip.compress(b"From a gzip file.\nFrom a gzip file."))
    project.write("assets/news/deep/c.txt.xz", lzma.compress(b"From a xz file."))
    inner = project.write("inner.txt", b"From within an archive.")
    with tarfile.open(project.folder / "assets/news/d.tar", "w") as archive:
        archive.add(inner, "folder/inner.txt")
    make(project)
    dev, train = read(project, "dev"), read(project, "train")
    assert len(dev) == 1000
    found = {*dev, *train}
    assert len(found) == len(dev) + len(train) == 2203
    expected = {"From a gzip file .", "From a xz file .", "From within an archive ."}
    assert expected | {"The 7th well-known line is here .", "It 's the 7th , of many ."} <= found
    make(project)
    assert [dev, train] == [read(project, "dev"), read(project, "train")]


def test_what_is_evaluated_on_is_left_out(project: Project) -> None:
    project.write("assets/news/a.txt", TEXT.encode())
    vocab = spacy.blank("en").vocab
    known = [
        "the 3th WELL-KNOWN line is here .",  # the same sentence
        "It 's the 5th , of many . And then more",  # eight words of it
        "Many . The 9th well-known line",  # fewer
    ]
    docs = [Doc(vocab, words=sentence.split()) for sentence in known]
    DocBin(docs=docs).to_disk(project.folder / "dev.spacy")
    assert "2 left out" in make(project, "--without", "dev.spacy")
    found = {*read(project, "dev"), *read(project, "train")}
    assert "The 3th well-known line is here ." not in found
    assert "It 's the 5th , of many ." not in found
    assert "The 9th well-known line is here ." in found


def test_messages_are_kept_whole(project: Project) -> None:
    long = " ".join(["Very long."] * 60)
    project.write("assets/news/a.txt", f"{TEXT}\nSo #happy today! Yes @all :)\n{long}".encode())
    make(project, "--lines")
    found = {*read(project, "dev"), *read(project, "train")}
    assert "So #happy today ! Yes @all :)" in found
    assert "Very long ." in found
    assert all(len(line.split()) <= 100 for line in found)


@pytest.mark.parametrize(
    ("content", "message"), [(None, "has no text"), (b"Only one line.", "has 1 sentences")]
)
def test_too_little_text(project: Project, content: bytes | None, message: str) -> None:
    (project.folder / "assets/news").mkdir(parents=True)
    if content:
        project.write("assets/news/a.txt", content)
    assert message in project.fails(SCRIPT, "assets/news", "corpus/news")
    assert not (project.folder / "corpus").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt.gz", gzip.compress(TEXT.encode())[:-100]),
        ("a.txt.xz", lzma.compress(TEXT.encode())[:-100]),
        ("a.tar", b"no archive"),
    ],
)
def test_damaged_text(project: Project, name: str, content: bytes) -> None:
    project.write(f"assets/news/{name}", content)
    assert f"{name} is truncated or damaged" in project.fails(SCRIPT, "assets/news", "corpus/news")
