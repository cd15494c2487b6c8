"""Memory does not grow with the number of documents, and cached values stay correct."""

import sys
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language
from spacy.tokens import Doc

from benchmarks.trust import leaks

from ..integration.components import assert_same
from ..pipes import get_pipe

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def make_hoarder(config: str) -> Language:
    """A pipeline that stores something for every document."""
    nlp = leaks.make_tokenizer()
    kept: list[Any] = []

    @Language.component("hoarder")
    def hoard(doc: Doc) -> Doc:
        kept.append(bytearray(10_000))
        return doc

    nlp.add_pipe("hoarder")
    return nlp


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "n_docs"), [("short", 20_000), ("long", 100)])
def test_memory_does_not_grow(kind: str, n_docs: int) -> None:
    result = leaks.in_new_process(kind, n_docs, "spacy-seqrnn")
    assert result["words"] > 100_000
    assert result["growth"] <= leaks.LIMIT


def test_growing_memory_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(leaks.PIPELINES, "hoarder", make_hoarder)
    assert leaks.measure("short", 20_000, "hoarder")["growth"] > 2 * leaks.LIMIT


def test_growth_is_that_after_the_first_tenth() -> None:
    assert leaks.growth([50.0, 100.0, *[105.0] * 17, 110.0]) == pytest.approx(0.1)


def test_new_words_never_end() -> None:
    texts = list(islice(leaks.texts((3, 12)), 5000))
    assert all(3 <= len(text.split()) <= 12 for text in texts)
    counts = [len({word for text in texts[:n] for word in text.split()}) for n in (2500, 5000)]
    assert counts[1] - counts[0] > leaks.NEW_WORDS * 2500 * 7


def test_many_zones_change_no_prediction() -> None:
    """The words of a zone are freed at its end; their cached vectors must not go to other words.

    The table of words is so small that it is emptied many times, and every zone has new words
    beside repeated ones.
    """
    small = leaks.PIPELINE.replace("table_size = 16384", "table_size = 300")
    assert small != leaks.PIPELINE
    nlp, fresh = leaks.make_pipeline(small), leaks.make_pipeline(small)
    table = next(
        node.attrs["table"]
        for node in get_pipe(nlp, "tok2vec").model.walk()
        if node.name == "with_lexemes"
    )
    stream = leaks.texts((3, 12))
    sizes = []
    for _ in range(40):
        texts = list(islice(stream, 50))
        expected = fresh.from_bytes(nlp.to_bytes()).pipe(texts)  # with empty tables
        with nlp.memory_zone():
            assert_same(nlp.pipe(texts), expected)
        sizes.append(len(table))
    assert max(sizes) <= 300
    assert sum(after < before for before, after in pairwise(sizes)) > 10
