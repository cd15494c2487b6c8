"""Converting CoNLL columns: every sentence, token and entity arrives."""

import re
from collections import Counter
from pathlib import Path

import pytest
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from .conftest import DATA, Project, needs_data

CONVERT = "scripts/convert_conll.py"
SPLITS = ("train", "dev", "test")
CORPORA = {
    "wnut17": ("wnut17train.conll", "emerging.dev.conll", "emerging.test.annotated"),
    "conll2002": ("esp.train", "esp.testa", "esp.testb"),
    "conll2003": ("train.txt", "valid.txt", "test.txt"),
}


def convert(project: Project, *files: Path) -> dict[str, DocBin]:
    """Convert a corpus as `project.yml` does."""
    project.succeeds(CONVERT, *files, "corpus")
    return {split: DocBin().from_disk(project.folder / f"corpus/{split}.spacy") for split in SPLITS}


@pytest.mark.parametrize(
    "content",
    [
        "Ann\tB-PER\nLee\tI-PER\nsat\tO\n\nOslo\tB-LOC\n\n",
        # Lines with a tab between sentences, as in WNUT-17's training data, and no last line end.
        "Ann\tB-PER\nLee\tI-PER\nsat\tO\n\t\nOslo\tB-LOC",
        # Parts of speech in between, as in CoNLL-2002.
        "Ann NN B-PER\nLee NN I-PER\nsat VB O\n\nOslo NN B-LOC\n",
        # Four columns, documents and the first edition of IOB, as in CoNLL-2003's distribution.
        "-DOCSTART- -X- -X- O\n\nAnn a b I-PER\nLee a b I-PER\nsat a b O\n\n"
        "-DOCSTART- -X- -X- O\n\nOslo a b I-LOC\n",
        "Ann B-PER\r\nLee I-PER\r\nsat O\r\n\r\n\r\n\r\nOslo B-LOC\r\n",
    ],
)
def test_forms_of_columns(project: Project, content: str) -> None:
    path = project.write("toy.testa", content.encode())
    docs = convert(project, path, path, path)["train"]
    found = [
        [(ent.text, ent.label_) for ent in doc.ents] + [len(doc)] for doc in docs.get_docs(Vocab())
    ]
    assert found == [[("Ann Lee", "PER"), 3], [("Oslo", "LOC"), 1]]


@pytest.mark.parametrize(
    ("content", "tags"),
    [
        ("Ann NN B-PER\nsat VB O\n", ["NN", "VB"]),
        ("Ann NN a B-PER\nsat VB a O\n", ["NN", "VB"]),
        ("Ann B-PER\nsat O\n", ["-", "-"]),
    ],
)
def test_parts_of_speech_are_tags(project: Project, content: str, tags: list[str]) -> None:
    path = project.write("toy.conll", content.encode())
    docs = convert(project, path, path, path)["train"]
    (doc,) = docs.get_docs(Vocab())
    assert [token.tag_ for token in doc] == tags


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"Ann B-PER\nLee\n", "toy.conll, line 2: no token and IOB tag in 'Lee'."),
        (b"Ann B-PER\nLee L-PER\n", "toy.conll, line 2: no token and IOB tag in 'Lee L-PER'."),
        (b"<html>\n", "toy.conll, line 1: no token and IOB tag in '<html>'."),
        ("Málaga B-LOC\n".encode("latin1"), "toy.conll is not UTF-8 text: "),
        (b"\n\n", "toy.conll holds no sentence."),
    ],
)
def test_bad_columns_leave_no_file(project: Project, content: bytes, reason: str) -> None:
    project.write("toy.conll", content)
    project.write("fine.conll", b"Ann B-PER\n")
    assert reason in project.fails(CONVERT, "fine.conll", "fine.conll", "toy.conll", "corpus")
    assert not (project.folder / "corpus").exists()


def test_the_result_is_that_of_spacys_converter(project: Project) -> None:
    columns = project.write("columns/train.conll", b"Ann\tB-PER\nsat\tO\n\nOslo\tB-LOC\n\n")
    (project.folder / "spacy").mkdir()
    options = ("--converter", "conll", "--n-sents", "1")
    project.succeeds("-m", "spacy", "convert", columns, "spacy", *options)
    convert(project, columns, columns, columns)
    for split in SPLITS:
        ours = project.folder / f"corpus/{split}.spacy"
        assert ours.read_bytes() == (project.folder / "spacy/train.spacy").read_bytes()


def count(path: Path) -> tuple[int, int, Counter[str]]:
    """Count sentences, tokens and entities per type, in a way of its own.

    An entity begins at every B- tag, and at an I- tag that does not go on with the same type.
    """
    text = path.read_text(encoding="utf8")
    sentences = [s for s in re.split(r"\n\s*\n", text.strip()) if s.strip()]
    tags = [[line.split()[-1] for line in sentence.splitlines()] for sentence in sentences]
    starts = (
        tag[2:]
        for sentence in tags
        for previous, tag in zip(["O", *sentence], sentence, strict=False)
        if tag[0] == "B" or (tag[0] == "I" and previous[2:] != tag[2:])
    )
    return len(sentences), sum(map(len, tags)), Counter(starts)


@needs_data
@pytest.mark.parametrize(
    ("corpus", "sentences"),
    [
        ("wnut17", (3394, 1009, 1287)),
        pytest.param("conll2002", (8323, 1915, 1517), marks=pytest.mark.slow),
        pytest.param("conll2003", (14041, 3250, 3453), marks=pytest.mark.slow),
    ],
)
def test_real_corpora_arrive_whole(
    project: Project, corpus: str, sentences: tuple[int, ...]
) -> None:
    files = [DATA / corpus / name for name in CORPORA[corpus]]
    converted = convert(project, *files)
    for path, docbin, n_sentences in zip(files, converted.values(), sentences, strict=True):
        docs = list(docbin.get_docs(Vocab()))
        entities = Counter(ent.label_ for doc in docs for ent in doc.ents)
        assert (len(docs), sum(map(len, docs)), entities) == count(path)
        assert len(docs) == n_sentences
