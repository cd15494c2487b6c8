"""Torch's threads in processes that were forked, as by `nlp.pipe(n_process=2)`.

A fork has none of the threads of torch's pool but believes that it has them: with GNU's OpenMP, its
first parallel region waits for them forever. Torch's own `DataLoader` sets its workers to one
thread for that reason, and so does each recurrent layer before it calls torch in such a process.
"""

import os
import threading

import torch


class _Process(threading.local):
    """The process whose threads torch may use, as far as a thread knows.

    Each thread has its own, because torch keeps the number of threads for each of them.
    """

    pid = os.getpid()  # when this was imported: a process that is spawned imports it anew


_process = _Process()


def leave_parents_threads() -> None:
    """Let torch use one thread, once, in a process forked since this was imported."""
    pid = os.getpid()
    if pid != _process.pid:
        _process.pid = pid
        torch.set_num_threads(1)
