"""Word vectors that are learned from the user's own text."""

import gzip
import random
import sys
from importlib.util import find_spec
from pathlib import Path
from unittest import mock

import numpy
import pytest
import spacy
from spacy.vectors import Vectors

from spacy_seqrnn.types import Floats2d

from .conftest import Project

pytestmark = pytest.mark.skipif(not find_spec("gensim"), reason="gensim is not installed")

SCRIPT = "scripts/own_vectors.py"
TEXT, BASE, TARGET = "corpus/own/train.txt.gz", "training/vectors/base", "training/vectors/own"
CITIES, FRUIT = ["Oslo", "Bergen", "Hamar"], ["apple", "pear", "plum"]
WIDTH = 16
OPTIONS = ("--width", str(WIDTH), "--epochs", "20")


def sentences() -> list[str]:
    """Sentences in which cities stand among other words than fruit."""
    chosen = random.Random(0)
    kinds = [(CITIES, "trains went north to {} from the station"), (FRUIT, "she ate a ripe {} pie")]
    lines = []
    for _ in range(600):
        names, line = chosen.choice(kinds)
        lines.append(line.format(chosen.choice(names)))
    return lines


def write_text(project: Project, lines: list[str]) -> None:
    project.write(TEXT, gzip.compress("".join(f"{line}\n" for line in lines).encode()))


@pytest.fixture
def own(project: Project) -> Project:
    """A project with text, and with vectors that know one of its words and one more."""
    write_text(project, sentences())
    write_base(project, ["oslo", "unseen"], [[3.0, 4.0], [5.0, 6.0]])
    return project


def write_base(project: Project, words: list[str], rows: list[list[float]]) -> None:
    nlp = spacy.blank("en")
    nlp.vocab.vectors = Vectors(
        strings=nlp.vocab.strings,
        data=numpy.asarray(rows, dtype="float32"),
        keys=words,
        name="base",
    )
    for word in words:
        nlp.vocab.strings.add(word)
    (project.folder / BASE).mkdir(parents=True, exist_ok=True)
    nlp.to_disk(project.folder / BASE)


def learn(project: Project, *options: str) -> str:
    return project.succeeds(SCRIPT, TEXT, TARGET, "--onto", BASE, *OPTIONS, *options)


def read(project: Project) -> dict[str, numpy.ndarray]:
    """The vector of each word, as a pipeline that was saved once more has it."""
    vocab = spacy.load(project.folder / TARGET).vocab
    rows: Floats2d = vocab.vectors.data
    return {vocab.strings[key]: rows[row] for key, row in vocab.vectors.key2row.items()}


def cosine(one: numpy.ndarray, other: numpy.ndarray) -> float:
    return float(one @ other / numpy.linalg.norm(one) / numpy.linalg.norm(other))


def test_words_in_the_same_places_have_similar_vectors(own: Project) -> None:
    learn(own, "--epochs", "300")  # frequent words, as all are here, are mostly skipped
    vectors = {word: row[2:] for word, row in read(own).items()}
    alike = [cosine(vectors["bergen"], vectors[other]) for other in ("oslo", "hamar")]
    others = [cosine(vectors["bergen"], vectors[other]) for other in FRUIT]
    assert min(alike) > max(others) + 0.1


def test_they_stand_behind_the_others(own: Project) -> None:
    printed = learn(own)
    vectors = read(own)
    width = 2 + WIDTH
    assert f"{len(vectors)} vectors of {width} dimensions" in " ".join(printed.split())
    assert {len(row) for row in vectors.values()} == {width}
    assert vectors["oslo"][:2].tolist() == [3.0, 4.0]
    assert vectors["unseen"].tolist() == [5.0, 6.0, *[0.0] * WIDTH]
    assert not vectors["plum"][:2].any()
    learned = numpy.stack([row[2:] for row in vectors.values()])
    known = learned[learned.any(axis=1)]
    # As large as the others: the root of the mean of 9, 16, 25 and 36
    assert numpy.sqrt((known**2).mean()) == pytest.approx(numpy.sqrt(86 / 4), rel=1e-5)


def test_words_of_any_case_are_found(own: Project) -> None:
    learn(own)
    vocab = spacy.load(own.folder / TARGET).vocab
    numpy.testing.assert_array_equal(vocab.get_vector("OSLO"), vocab.get_vector("oslo"))
    assert vocab.get_vector("Bergen").any()


def test_the_same_vectors_in_every_process(own: Project) -> None:
    found = []
    for seed in ("1", "2"):
        with mock.patch.dict("os.environ", {"PYTHONHASHSEED": seed}):
            result = own.run_apart(SCRIPT, TEXT, TARGET, "--onto", BASE, *OPTIONS)
        assert result.returncode == 0, result.stderr
        found.append(read(own))
    one, other = found
    assert one.keys() == other.keys()
    for word, row in one.items():
        numpy.testing.assert_array_equal(row, other[word])


def test_width_and_epochs_have_an_effect(own: Project) -> None:
    learn(own)
    before = read(own)["bergen"]
    learn(own, "--epochs", "1")
    assert not numpy.allclose(read(own)["bergen"], before)
    learn(own, "--width", "3")
    assert len(read(own)["bergen"]) == 2 + 3


def fails(project: Project) -> str:
    return project.fails(SCRIPT, TEXT, TARGET, "--onto", BASE, *OPTIONS)


def test_rare_words_have_no_vector(own: Project) -> None:
    write_text(own, [*sentences(), *["rare words are left out"] * 4])
    learn(own)
    assert "rare" not in read(own)
    write_text(own, ["a few words"] * 4)
    assert fails(own) == "Error: No word of the text occurs 5 times: put more text there."


def test_damaged_text_is_named(own: Project) -> None:
    path = own.folder / TEXT
    for content in (b"no gzip", path.read_bytes()[:-20], gzip.compress(b"\xff\xfe")):
        path.write_bytes(content)
        assert fails(own) == f"Error: {TEXT} is damaged: delete it and make it again."
    path.unlink()
    assert TEXT in fails(own)


def test_vectors_that_are_no_vectors_are_named(own: Project, tmp_path: Path) -> None:
    spacy.blank("en").to_disk(own.folder / BASE)
    message = f"Error: {BASE} has no vectors of words: name a pipeline that has some."
    assert fails(own) == message
    write_base(own, ["oslo"], [[0.0, 0.0]])
    assert fails(own) == message
    write_base(own, ["oslo", "Oslo"], [[1.0, 0.0], [2.0, 0.0]])
    assert fails(own) == (
        f"Error: {BASE} has vectors of words with capitals, such as 'Oslo': name vectors of words "
        "in lower case, as scripts/vectors.py makes them."
    )
    data = numpy.ones((50, 2), dtype="float32")
    floret = Vectors(mode="floret", data=data, hash_count=1, minn=2, maxn=3, name="base")
    nlp = spacy.blank("en")
    nlp.vocab.vectors = floret
    nlp.to_disk(own.folder / BASE)
    assert fails(own) == message
    line = own.fails(SCRIPT, TEXT, TARGET, "--onto", "nowhere")
    assert line.startswith("Error: nowhere cannot be loaded as a pipeline with vectors: [E052]")


def test_without_gensim_a_message_says_what_to_install(own: Project) -> None:
    with mock.patch.dict(sys.modules, {"gensim.models": None}):
        assert fails(own) == (
            "Error: The package gensim is missing: install this project with its extra `vectors`, "
            'as in `pip install -e ".[vectors]"`.'
        )
    assert not (own.folder / TARGET).exists()
