"""Where parts are annotated: in processes of this machine, or on a Ray cluster."""

import gc
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from itertools import islice
from multiprocessing.connection import wait as wait_for
from typing import Any, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")
# Processes side by side are faster with a thread each than with threads that wait for each other.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# oneDNN keeps what it has prepared for each shape of a matrix product, and each batch has others:
# by its default of 1,024, a worker grows for millions of texts.
SHAPES = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "16"}
KILLED = "A worker process was killed, perhaps because the memory was full: use fewer --workers."
SECONDS_TO_ANSWER = 10
OBJECTS_BETWEEN_SEARCHES = 10_000  # Python's own 700 takes a tenth of a worker's time
QUEUED = 2  # tasks that are sent to each worker ahead of its need


def run_locally(
    work: Callable[[Task], Result], tasks: Iterable[Task], *, workers: int
) -> Generator[Result]:
    """Do tasks in processes of this machine, each with one thread.

    work: a function that can be pickled.

    Returns the results as they come. Raises OSError if a process is killed, and whatever `work`
    raises.
    """
    context = multiprocessing.get_context("spawn")  # a forked process may inherit a held lock
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, context, initializer=_prepare_worker)
    with _settings_of_workers(), pool:
        try:
            yield from _as_completed(pool, work, iter(tasks), workers * QUEUED)
        except BaseException as error:
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()  # nobody needs what it is doing
            if isinstance(error, BrokenProcessPool):
                raise OSError(KILLED) from error
            raise


def _as_completed(
    pool: ProcessPoolExecutor,
    work: Callable[[Task], Result],
    tasks: Iterator[Task],
    at_once: int,
) -> Iterator[Result]:
    """Send a few tasks at a time, since all of them would not fit into memory."""
    waiting: set[Future[Result]] = set()
    while True:
        waiting |= {pool.submit(work, task) for task in islice(tasks, at_once - len(waiting))}
        if not waiting:
            return
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in done)


@contextmanager
def _settings_of_workers() -> Iterator[None]:
    """Set the environment that new processes inherit, and restore it."""
    settings = dict.fromkeys(THREADS, "1") | SHAPES
    before = {name: os.environ[name] for name in settings if name in os.environ}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name in settings:
            os.environ.pop(name)
        os.environ.update(before)


def _prepare_worker() -> None:
    """Leave Ctrl+C to the parent, and end with it: a killed parent cannot end its workers.

    Cycles of objects are looked for less often, since a whole pipeline is searched for them.
    """
    gc.set_threshold(OBJECTS_BETWEEN_SEARCHES)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        wait_for([parent.sentinel])
        os._exit(1)


def run_on_ray(
    work: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    workers: int | None,
    address: str | None,
    gpus: int,
) -> Generator[Result]:
    """Do tasks on a Ray cluster, which repeats those of machines that fail.

    workers: how many tasks run at a time; None for as many as the cluster has processors, or GPUs.
    address: of the cluster; None starts one on this machine.
    gpus: how many GPUs a task needs.

    Returns the results as they come. Raises ImportError if Ray is not installed, ConnectionError
    if nothing answers at the address, ValueError if the cluster lacks a GPU, and whatever `work`
    raises.
    """
    try:
        import ray  # noqa: PLC0415
    except ImportError:
        raise ImportError("`--engine ray` needs Ray: pip install 'spacy-seqrnn[ray]'.") from None
    _check_answers(address)
    ray.init(address=address, log_to_driver=False, ignore_reinit_error=True)
    try:
        remote = ray.remote(num_cpus=1, num_gpus=gpus)(_call).remote
        run = partial(remote, ray.put(work))
        capacity = _capacity(ray.cluster_resources(), gpus)
        yield from _as_ready(ray, run, iter(tasks), workers or capacity)
    finally:
        ray.shutdown()


def _check_answers(address: str | None) -> None:
    """Raise ConnectionError if nothing is at an address, for which Ray would wait without end."""
    host, colon, port = (address or "").rpartition("://")[2].rpartition(":")
    if not (colon and port.isdigit()):  # such as "auto"
        return
    try:
        socket.create_connection((host, int(port)), SECONDS_TO_ANSWER).close()
    except OSError as error:
        raise ConnectionError(
            f"No Ray cluster answers at `--address {address}` ({error}): name the address that "
            "`ray start --head` has printed, or omit it."
        ) from error


def _call(work: Callable[[Task], Result], task: Task) -> Result:
    return work(task)


def _as_ready(
    ray: Any, run: Callable[[Any], Any], tasks: Iterator[Any], at_once: int
) -> Iterator[Any]:
    waiting: list[Any] = []
    while True:
        waiting += [run(task) for task in islice(tasks, at_once - len(waiting))]
        if not waiting:
            return
        (ready,), waiting = ray.wait(waiting)
        yield ray.get(ready)


def _capacity(resources: dict[str, float], gpus: int) -> int:
    """How many tasks a cluster can do at a time."""
    if not gpus:
        return max(1, int(resources.get("CPU", 1)))
    if resources.get("GPU", 0) < gpus:
        raise ValueError("The Ray cluster has no GPU, for which tasks would wait: omit --gpu-id.")
    return int(resources["GPU"] / gpus)
