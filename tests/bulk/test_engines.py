"""Processes that do tasks: all of them, a few at a time, and none left over."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from spacy_seqrnn.bulk.engines import (
    OBJECTS_BETWEEN_SEARCHES,
    QUEUED,
    SHAPES,
    THREADS,
    run_locally,
)

WORKERS = 2


def square(number: int) -> int:
    return number * number


def process_of(_task: int) -> tuple[int, int, str, str]:
    """The worker, its number of torch's threads, and settings that it has inherited."""
    time.sleep(0.1)  # so that both workers have some
    settings = [os.environ[name] for name in (THREADS[0], *SHAPES)]
    return os.getpid(), torch.get_num_threads(), settings[0], settings[1]


def searches_of(_task: int) -> int:
    return gc.get_threshold()[0]


def fail_at(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number


def die_at(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def write_process(folder: str) -> None:
    """Say which process this is, and work for longer than anybody waits."""
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)


def test_every_task_once() -> None:
    assert sorted(run_locally(square, range(50), workers=WORKERS)) == [n * n for n in range(50)]
    assert list(run_locally(square, [], workers=WORKERS)) == []


def test_workers_look_for_cycles_less_often_than_their_parent() -> None:
    before = gc.get_threshold()
    assert set(run_locally(searches_of, range(4), workers=WORKERS)) == {OBJECTS_BETWEEN_SEARCHES}
    assert gc.get_threshold() == before != (OBJECTS_BETWEEN_SEARCHES, *before[1:])


def test_workers_have_one_thread_each_and_few_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS[0], "7")
    monkeypatch.delenv(THREADS[1], raising=False)
    found = list(run_locally(process_of, range(8), workers=WORKERS))
    assert len({process for process, *_ in found}) == WORKERS
    assert {tuple(settings) for _, *settings in found} == {(1, "1", *SHAPES.values())}
    assert os.environ[THREADS[0]] == "7"
    assert not {THREADS[1], *SHAPES} & set(os.environ)


def test_tasks_are_taken_as_they_are_needed() -> None:
    taken = []

    def tasks() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = run_locally(square, tasks(), workers=WORKERS)
    next(results)
    assert len(taken) <= WORKERS * QUEUED + WORKERS
    results.close()
    assert not multiprocessing.active_children()


def test_errors_of_a_task_are_raised() -> None:
    with pytest.raises(ValueError, match="three"):
        list(run_locally(fail_at, range(100), workers=WORKERS))
    assert not multiprocessing.active_children()


def test_a_killed_worker() -> None:
    with pytest.raises(OSError, match="worker process was killed"):
        list(run_locally(die_at, range(100), workers=WORKERS))
    assert not multiprocessing.active_children()


def test_other_processes_are_left_alone() -> None:
    other = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    other.start()
    with pytest.raises(ValueError, match="three"):
        list(run_locally(fail_at, range(100), workers=WORKERS))
    assert other.is_alive()
    other.kill()
    other.join()


def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    code = (
        "from spacy_seqrnn.bulk.engines import run_locally\n"
        "from tests.bulk.test_engines import write_process\n"
        f"if __name__ == '__main__': list(run_locally(write_process, [{str(tmp_path)!r}] * 2, "
        "workers=2))"
    )
    script = tmp_path / "run.py"
    script.write_text(code)
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    with subprocess.Popen([sys.executable, str(script)], env=environment) as parent:
        workers: list[int] = []
        while len(workers) < WORKERS:
            time.sleep(0.1)
            assert parent.poll() is None
            workers = [int(path.name) for path in tmp_path.iterdir() if path.name.isdigit()]
        parent.kill()
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.1)
