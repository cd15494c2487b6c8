"""Memory zones, threads and processes."""

import os
import pickle
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from .components import TEXTS, assert_same, initialize, make_pipeline, train

OURS = ["seqrnn_ner", "seqrnn_textcat", "tagger"]

# Docs so long and layers so wide that torch uses its threads before the processes part.
PARALLEL = """
import multiprocessing, sys
import spacy, torch
from spacy.training import Example

def main():
    multiprocessing.set_start_method(sys.argv[1])
    torch.set_num_threads(2)
    nlp = spacy.blank("xx")
    nlp.add_pipe("seqrnn_ner", config={"spans_key": "found"})
    doc = nlp.make_doc("Otto left Oslo . " * 100)
    gold = {"entities": [(0, 4, "PERSON"), (10, 14, "CITY")]}
    nlp.initialize(lambda: [Example.from_dict(doc, gold)])
    texts = ["Otto left Oslo . " * size for size in (200, 1, 0, 150, 300, 7)]
    here = list(nlp.pipe(texts))
    there = list(nlp.pipe(texts, n_process=2, batch_size=2))
    for doc, other in zip(here, there, strict=True):
        spans = [doc.spans["found"], other.spans["found"]]
        first, second = ([(s.start, s.end, s.label_) for s in group] for group in spans)
        assert first == second
        assert abs(spans[0].attrs["scores"] - spans[1].attrs["scores"]).max(initial=0) < 1e-5
    print("same")

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_processes_part_from_one_that_has_used_threads(method: str, tmp_path: Path) -> None:
    program = tmp_path / "parallel.py"
    program.write_text(PARALLEL)
    # A session of its own, so that none of its processes is left if they wait for each other.
    with subprocess.Popen(
        [sys.executable, program, method],
        env={**os.environ, "OMP_WAIT_POLICY": "passive"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            stdout, _ = process.communicate(timeout=120)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert stdout == "same\n"


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("vectors", [False, True])
def test_memory_zones_leave_nothing_behind(shared: bool, vectors: bool) -> None:
    nlp = make_pipeline(*OURS, shared=shared, vectors=vectors)
    train(nlp, initialize(nlp), steps=20)
    fresh = make_pipeline(*OURS, shared=shared, vectors=vectors).from_bytes(nlp.to_bytes())
    zones = [[f"{text} Zone{i} novel{i}" for text in TEXTS] for i in range(3)]
    expected = [list(fresh.pipe(texts)) for texts in zones]
    for i, texts in enumerate(zones):
        with nlp.memory_zone():
            assert_same(nlp.pipe(texts), expected[i])
        assert f"novel{i}" not in nlp.vocab.strings
    assert_same(nlp.pipe(zones[0]), expected[0])


def test_labels_outlast_the_memory_zone_of_their_first_use() -> None:
    nlp = make_pipeline("seqrnn_ner", shared=False)
    train(nlp, initialize(nlp))
    # Without the strings of the vocabulary that the labels were learnt in
    data = nlp.get_pipe("seqrnn_ner").to_bytes(exclude=["vocab"])
    loaded = make_pipeline("seqrnn_ner", shared=False)
    loaded.get_pipe("seqrnn_ner").from_bytes(data)
    with loaded.memory_zone():
        assert any(doc.ents for doc in loaded.pipe(TEXTS))
    assert_same(loaded.pipe(TEXTS), nlp.pipe(TEXTS))


@pytest.mark.parametrize("shared", [False, True])
def test_word_vectors_reach_other_processes(shared: bool) -> None:
    nlp = make_pipeline(*OURS, shared=shared, vectors=True)
    train(nlp, initialize(nlp), steps=20)
    expected = list(nlp.pipe(TEXTS))
    assert_same(nlp.pipe(TEXTS, batch_size=3, n_process=2), expected)
    loaded = make_pipeline(*OURS, shared=shared, vectors=True).from_bytes(nlp.to_bytes())
    assert_same(pickle.loads(pickle.dumps(loaded)).pipe(TEXTS), expected)


def test_threads_can_share_a_pipeline() -> None:
    nlp = make_pipeline(*OURS, shared=False)
    train(nlp, initialize(nlp), steps=20)
    texts = [f"{text} and word{i}" for i in range(5) for text in TEXTS]
    expected = list(make_pipeline(*OURS, shared=False).from_bytes(nlp.to_bytes()).pipe(texts))
    with ThreadPoolExecutor(4) as pool:
        assert_same(pool.map(nlp, texts), expected)
