"""Processes that are killed, as by `kill -9`, and so cannot clean up after themselves."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

# What changes files or folders; Python reports it to audit hooks beforehand.
CHANGES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir"}


def run_and_kill(work: Callable[[], Any], *, seconds: float | None = None) -> bool:
    """Do some work in a process forked from this one, and kill it after some time.

    seconds: how long it may take; None waits for its end.

    Returns whether it was killed. If the work itself fails, the test fails.
    """
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL), "the work failed, see its traceback"
    return process.exitcode != 0


def kill_at_change(work: Callable[[], Any], n: int) -> bool:
    """Do some work in a forked process, and kill it just before its n-th change of the disk.

    A change is a file opened for writing, removed or renamed, or a folder made or removed.
    Returns whether there were that many.
    """
    return run_and_kill(partial(_kill_oneself_at_change, work, n))


def _kill_oneself_at_change(work: Callable[[], Any], n: int) -> None:
    left = n

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event in CHANGES or (event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    work()
