"""The sentiment corpora: the usual splits, the corpus' own tokens, two labels."""

import shlex
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import pytest
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from ..cli.conftest import succeed
from .conftest import DATA, Project, needs_data
from .test_conll import COMMANDS
from .zips import make_zip

SPLIT = "scripts/split_reviews.py"
SPLITS = ("train", "dev", "test")
POSITIVE = {"positive": 1.0, "negative": 0.0}
NEGATIVE = {"positive": 0.0, "negative": 1.0}


def convert(project: Project, corpus: str, source: Path) -> dict[str, list[Doc]]:
    """Convert a corpus as `project.yml` does, from another folder than its own."""
    with chdir(project.folder):
        for line in COMMANDS[f"convert-{corpus}"]:
            words = [word.replace(f"assets/{corpus}", str(source)) for word in shlex.split(line)]
            if words[1:3] == ["-m", "spacy"]:
                succeed(*words[3:])
            else:
                project.succeeds(*words[1:])
    vocab = Vocab()
    return {
        split: list(
            DocBin().from_disk(project.folder / f"corpus/{corpus}/{split}.spacy").get_docs(vocab)
        )
        for split in SPLITS
    }


def texts(docs: list[Doc]) -> list[tuple[str, bool]]:
    """Words and label of each doc."""
    assert all(doc.cats in (POSITIVE, NEGATIVE) for doc in docs)
    return [(" ".join(token.text for token in doc), doc.cats == POSITIVE) for doc in docs]


def write_rt_polarity(folder: Path) -> None:
    """Ten sentences of each class, with a character that only some programs treat as a line end."""
    members = {
        f"sentence_polarity/rt-polarity.{label}": "".join(
            f"{label} do n't \x85 well-made caf\xe9 {i} \n" for i in range(10)
        ).encode()
        for label in ("neg", "pos")
    }
    (folder / "sentence_polarity.zip").write_bytes(make_zip(members))


def write_movie_reviews(folder: Path) -> None:
    """One review of each class and split."""
    text = "{} it 's \nwell-made {} . \n"
    members = {
        f"movie_reviews/{label}/cv{hundred}01_123.txt": text.format(label, hundred).encode()
        for label in ("neg", "pos")
        for hundred in (0, 8, 9)
    }
    (folder / "movie_reviews.zip").write_bytes(make_zip({"movie_reviews/README": b"", **members}))


def test_rt_polarity_is_split_by_line_number(project: Project, tmp_path: Path) -> None:
    write_rt_polarity(tmp_path)
    docs = convert(project, "rt-polarity", tmp_path)
    assert [len(docs[split]) for split in SPLITS] == [16, 2, 2]
    for split, number in (("dev", 8), ("test", 9)):
        text = f"do n't well-made café {number}"
        assert texts(docs[split]) == [(f"neg {text}", False), (f"pos {text}", True)]


def test_movie_reviews_are_split_by_hundreds(project: Project, tmp_path: Path) -> None:
    write_movie_reviews(tmp_path)
    docs = convert(project, "movie-reviews", tmp_path)
    for split, hundred in (("train", 0), ("dev", 8), ("test", 9)):
        text = f"it 's well-made {hundred} ."
        assert texts(docs[split]) == [(f"neg {text}", False), (f"pos {text}", True)]


def break_zip(folder: Path) -> None:
    path = folder / "sentence_polarity.zip"
    path.write_bytes(path.read_bytes()[:-30])


def climb(folder: Path) -> None:
    (folder / "sentence_polarity.zip").write_bytes(make_zip({"../../evil": b""}))


def empty_zip(folder: Path) -> None:
    (folder / "sentence_polarity.zip").write_bytes(make_zip({}))


def encode_as_latin1(folder: Path) -> None:
    members = {f"sentence_polarity/rt-polarity.{lb}": b"caf\xe9\n" for lb in ("neg", "pos")}
    (folder / "sentence_polarity.zip").write_bytes(make_zip(members))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (break_zip, "is truncated or not a zip archive"),
        (climb, "leads out of the archive: '../../evil'"),
        (empty_zip, "has no member 'sentence_polarity/rt-polarity.neg'"),
        (encode_as_latin1, "is not UTF-8 text"),
    ],
)
def test_bad_archive_leaves_earlier_output_alone(
    project: Project, tmp_path: Path, damage: Callable[[Path], None], reason: str
) -> None:
    write_rt_polarity(tmp_path)
    damage(tmp_path)
    old = project.write("corpus/train.jsonl", b"old")
    line = project.fails(SPLIT, "rt-polarity", tmp_path, "corpus")
    assert reason in line
    assert "sentence_polarity.zip" in line
    assert [path.name for path in old.parent.iterdir()] == ["train.jsonl"]
    assert old.read_bytes() == b"old"
    assert not list(project.folder.rglob("evil"))


def test_empty_split_is_named(project: Project, tmp_path: Path) -> None:
    members = {f"sentence_polarity/rt-polarity.{lb}": b"one\n" for lb in ("neg", "pos")}
    (tmp_path / "sentence_polarity.zip").write_bytes(make_zip(members))
    line = project.fails(SPLIT, "rt-polarity", tmp_path, "corpus")
    assert line == f"Error: {tmp_path} contains no text for dev.jsonl."
    assert not (project.folder / "corpus").exists()


def test_unknown_corpus(project: Project, tmp_path: Path) -> None:
    assert "'imdb' is not supported" in project.fails(SPLIT, "imdb", tmp_path, "corpus")


@needs_data
@pytest.mark.parametrize(
    ("corpus", "sizes", "positive"),
    [
        ("rt-polarity", (8530, 1066, 1066), 5331),
        ("movie-reviews", (1600, 200, 200), 1000),
        ("sst2", (6920, 872, 1821), 3610 + 444 + 909),
    ],
)
def test_real_corpora_arrive_whole(
    project: Project, corpus: str, sizes: tuple[int, ...], positive: int
) -> None:
    docs = convert(project, corpus, DATA / corpus)
    assert tuple(len(docs[split]) for split in SPLITS) == sizes
    everything = [doc for split in SPLITS for doc in docs[split]]
    assert all(len(doc) for doc in everything)
    assert sum(label for _, label in texts(everything)) == positive
