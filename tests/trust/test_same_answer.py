"""A document's result depends on nothing but the document and the model."""

import pickle
import random
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import DocBin

from ..conftest import CLAUSES
from ..integration.components import assert_same, initialize, make_pipeline, train

OURS = ["seqrnn_ner", "seqrnn_textcat", "tagger"]
KNOWN_WORDS = sorted({word for clause in CLAUSES for word in " ".join(clause).split()})
SPACES = [" ", "  ", "\n", "\t", "\u00a0", "\u3000"]
Pipelines = tuple[Language, Callable[[], Language]]  # one in use, and a function for fresh copies
GIANT = 12_000  # tokens, more than one prediction takes in one window
N_THREADS = 8


def trained(*, shared: bool) -> Language:
    nlp = make_pipeline(*OURS, shared=shared, vectors=True)
    train(nlp, initialize(nlp), steps=20)
    return nlp


def copy_of(nlp: Language, *, shared: bool) -> Language:
    """The same pipeline with empty tables."""
    return make_pipeline(*OURS, shared=shared, vectors=True).from_bytes(nlp.to_bytes())


@pytest.fixture(scope="module", params=[False, True], ids=["own", "shared"])
def pipelines(request: pytest.FixtureRequest) -> Pipelines:
    """A trained pipeline that all tests keep using, and a function for fresh copies of it."""
    nlp = trained(shared=request.param)
    return nlp, lambda: copy_of(nlp, shared=request.param)


def long_text(seed: int, n_words: int) -> str:
    """Words of the training data, invented ones and any characters at all, with odd spaces."""
    chance = random.Random(seed)
    parts = []
    for _ in range(n_words):
        kind = chance.random()
        if kind < 0.6:
            parts.append(chance.choice(KNOWN_WORDS))
        elif kind < 0.8:
            parts.append(f"w{chance.randrange(10**6)}")
        else:
            parts.append("".join(any_character(chance) for _ in range(chance.randint(1, 8))))
        parts.append(" " if chance.random() < 0.9 else chance.choice(SPACES))
    return "".join(parts)


def any_character(chance: random.Random) -> str:
    """Any except surrogates, which no text can have."""
    code = chance.randrange(0x110000 - 0x800)
    return chr(code if code < 0xD800 else code + 0x800)


short_texts = st.one_of(
    st.text(max_size=60), st.lists(st.sampled_from([*KNOWN_WORDS, *SPACES])).map(" ".join)
)
seeds = st.integers(0, 2**32 - 1)
lengths = st.one_of(st.integers(0, 60), st.integers(0, 60), st.integers(0, 2000))
texts_of_any_length = st.one_of(short_texts, short_texts, st.builds(long_text, seeds, lengths))
corpora = st.lists(texts_of_any_length, min_size=1, max_size=8)


def random_texts(n: int, seed: int = 0) -> list[str]:
    """Texts, some of them long."""
    chance = random.Random(seed)
    lengths = [chance.choice([0, 1, 2, 5, 10, 20, 40, 200]) for _ in range(n)]
    return [long_text(seed * n + i, length) for i, length in enumerate(lengths)]


def check_many(n_cases: int, pipelines: Pipelines) -> None:
    """Compare random documents alone with the same ones in other batches."""
    nlp, copy = pipelines
    # One that reads every document alone, and one whose tables are emptied every few cases.
    alone = copy()
    other: dict[str, Any] = {"nlp": copy(), "uses": 0}

    @settings(
        max_examples=n_cases,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(corpora, st.integers(1, 10), st.randoms(use_true_random=False))
    def compare(texts: list[str], batch_size: int, chance: random.Random) -> None:
        if other["uses"] % 10 == 0:
            other["nlp"] = copy()
        other["uses"] += 1
        expected = [alone(text) for text in texts]
        assert_same(nlp.pipe(texts, batch_size=batch_size), expected)
        order = chance.sample(range(len(texts)), len(texts))
        shuffled = other["nlp"].pipe([texts[i] for i in order], batch_size=batch_size)
        assert_same(shuffled, [expected[i] for i in order])
        assert_same(nlp.pipe(texts * 2), expected * 2)

    compare()


def test_alone_or_in_any_batch(pipelines: Pipelines) -> None:
    check_many(20, pipelines)


@pytest.mark.slow
def test_alone_or_in_any_batch_many_times(pipelines: Pipelines) -> None:
    check_many(250, pipelines)  # more than 1,000 documents for each pipeline, each four times


def test_a_long_document_among_short_ones(pipelines: Pipelines) -> None:
    nlp, copy = pipelines
    giant = " ".join(random.Random(0).choices(KNOWN_WORDS, k=GIANT))
    texts = [*random_texts(20), giant, *random_texts(20, seed=1)]
    assert_same(nlp.pipe(texts), map(copy(), texts))


def test_threads_that_share_a_pipeline(pipelines: Pipelines) -> None:
    nlp, copy = pipelines
    texts = random_texts(100)
    for start in (copy(), nlp):  # tables empty, and filled
        with ThreadPoolExecutor(N_THREADS) as pool:
            assert_same(pool.map(start, texts), map(copy(), texts))


def test_round_trips(pipelines: Pipelines, tmp_path: Path) -> None:
    nlp, copy = pipelines
    texts = random_texts(200)
    expected = list(nlp.pipe(texts))
    nlp.to_disk(tmp_path / "saved")
    loaded = spacy.load(tmp_path / "saved")
    ways = {"bytes": copy(), "disk": loaded, "pickle": pickle.loads(pickle.dumps(loaded))}
    for other in ways.values():
        assert_same(other.pipe(texts), expected, tolerance=0)
        assert other.to_bytes() == loaded.to_bytes()


PROCESSES = """
import multiprocessing, sys
import spacy, srsly

def main():
    method, pipeline, texts, output = sys.argv[1:]
    multiprocessing.set_start_method(method)
    nlp = spacy.load(pipeline)
    docs = list(nlp.pipe(srsly.read_json(texts), n_process=2, batch_size=7))
    spacy.tokens.DocBin(docs=docs, store_user_data=True).to_disk(output)

if __name__ == "__main__":
    main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes(pipelines: Pipelines, method: str, tmp_path: Path) -> None:
    nlp, _ = pipelines
    texts = random_texts(200)
    nlp.to_disk(tmp_path / "saved")
    program, data, output = (tmp_path / name for name in ("run.py", "texts.json", "docs.spacy"))
    program.write_text(PROCESSES, encoding="utf8")
    srsly.write_json(data, texts)
    command: list[str | Path] = [sys.executable, program, method, tmp_path / "saved", data, output]
    subprocess.run(command, check=True)
    docs = DocBin().from_disk(output).get_docs(nlp.vocab)
    # What a DocBin does not keep is compared in the test of processes under tests/integration.
    for doc, other in zip(docs, nlp.pipe(texts), strict=True):
        assert doc.text == other.text
        assert [(e.start, e.end, e.label_) for e in doc.ents] == [
            (e.start, e.end, e.label_) for e in other.ents
        ]
        assert doc.cats == pytest.approx(other.cats, abs=1e-5)
        assert [token.tag_ for token in doc] == [token.tag_ for token in other]


@pytest.mark.parametrize("shared", [False, True])
def test_two_trainings_with_the_same_seed_give_the_same_weights(shared: bool) -> None:
    first, second = (trained(shared=shared) for _ in range(2))
    assert first.to_bytes() == second.to_bytes()
