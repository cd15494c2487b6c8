"""Processes forked from one that has used torch's threads, and processes that run beside it.

Each test is a separate program, since the state of a process can be tested only once.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

# One of our layers in a component of spaCy or of our own, and documents so long that torch uses its
# threads.
PARALLEL = """
import multiprocessing, sys
import numpy, spacy, torch
from spacy.training import Example

ENCODER = {"@architectures": "spacy-seqrnn.HashEmbedRNN.v1", "width": 64}
MODELS = {
    "seqrnn_ner": {"spans_key": "found"},
    "tagger": {"model": {"@architectures": "spacy.Tagger.v2", "tok2vec": ENCODER}},
    "textcat": {
        "model": {"@architectures": "spacy.TextCatReduce.v1", "exclusive_classes": True,
            "use_reduce_first": False, "use_reduce_last": False, "use_reduce_max": False,
            "use_reduce_mean": True, "tok2vec": ENCODER}
    },
}
TEXTS = ["Otto left Oslo . " * size for size in (200, 1, 150, 300, 7)]
GOLD = {
    "entities": [(0, 4, "PERSON"), (10, 14, "CITY")],
    "tags": ["NOUN", "VERB", "NOUN", "PUNCT"] * 100,
    "cats": {"far": 1.0, "near": 0.0},
}


def assert_same(docs, others):
    for doc, other in zip(docs, others, strict=True):
        assert [(e.start, e.end, e.label) for e in doc.ents] == [
            (e.start, e.end, e.label) for e in other.ents
        ]
        assert [token.tag for token in doc] == [token.tag for token in other]
        for numbers, same in zip(scores(doc), scores(other), strict=True):
            assert abs(numbers - same).max(initial=0) < 1e-5


def scores(doc):
    yield numpy.asarray([doc.cats[name] for name in sorted(doc.cats)])
    if "found" in doc.spans:
        yield doc.spans["found"].attrs["scores"]


def count_threads(queue):
    queue.put(torch.get_num_threads())


def child_threads(target, *arguments):
    queue = multiprocessing.Queue()
    child = multiprocessing.Process(target=target, args=(queue, *arguments))
    child.start()
    number = queue.get()
    child.join()
    return number


def work_and_count(queue, nlp):
    list(nlp.pipe(TEXTS))
    queue.put(torch.get_num_threads())


def main():
    method, name = sys.argv[1:]
    multiprocessing.set_start_method(method)
    assert torch.get_num_threads() == 2
    nlp = spacy.blank("xx")
    nlp.add_pipe(name, config=MODELS[name])
    example = Example.from_dict(nlp.make_doc("Otto left Oslo . " * 100), GOLD)
    if name != "tagger":
        GOLD.pop("tags")
    nlp.initialize(lambda: [example])
    here = list(nlp.pipe(TEXTS))
    torch.ones(3000, 3000) @ torch.ones(3000, 300)  # so that the pool is there in any case
    assert_same(here, nlp.pipe(TEXTS, n_process=2, batch_size=2))
    print("workers", child_threads(work_and_count, nlp))
    print("unrelated", child_threads(count_threads))
    print("parent", torch.get_num_threads())


if __name__ == "__main__":
    main()
"""

IMPORTS = """
import os, sys
asked = []
register = os.register_at_fork

def watched(**callbacks):
    asked.append(sys._getframe(1).f_globals["__name__"])
    register(**callbacks)

os.register_at_fork = watched
import torch
threads = torch.get_num_threads()
import importlib, pkgutil, spacy_seqrnn
for module in pkgutil.walk_packages(spacy_seqrnn.__path__, "spacy_seqrnn."):
    importlib.import_module(module.name)
print(sorted(name for name in asked if name.startswith("spacy_seqrnn")), bool(asked))
print(torch.get_num_threads() - threads)
"""


def run(tmp_path: Path, program: str, *arguments: str) -> list[str]:
    """Run a program with two threads, and no longer than two minutes. Returns what it prints."""
    path = tmp_path / "program.py"
    path.write_text(program)
    # A separate session, so that no process remains if they wait for each other.
    with subprocess.Popen(
        [sys.executable, path, *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            stdout, _ = process.communicate(timeout=120)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return stdout.splitlines()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no process can be forked here")
@pytest.mark.parametrize(
    "name",
    ["seqrnn_ner", "tagger", pytest.param("textcat", marks=pytest.mark.slow)],
)
def test_a_forked_worker_has_one_thread_and_nobody_else(tmp_path: Path, name: str) -> None:
    assert run(tmp_path, PARALLEL, "fork", name) == ["workers 1", "unrelated 2", "parent 2"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["seqrnn_ner", "tagger"])
def test_a_spawned_worker_has_its_own_threads(tmp_path: Path, name: str) -> None:
    assert run(tmp_path, PARALLEL, "spawn", name) == ["workers 2", "unrelated 2", "parent 2"]


def test_importing_the_package_changes_nothing_for_the_process(tmp_path: Path) -> None:
    assert run(tmp_path, IMPORTS) == ["[] True", "0"]
