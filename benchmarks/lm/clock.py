"""Training until the minutes are spent."""

import time
from collections.abc import Callable, Iterator
from typing import Any


def processor_seconds(work: Callable[[], Any]) -> float:
    """The seconds of the processor that some work takes, whatever else the machine does."""
    start = time.process_time()
    work()
    return time.process_time() - start


class Budget:
    """Some seconds of the processor. Only the work that is handed over spends them."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.spent = 0.0

    @property
    def share(self) -> float:
        """How much of it is spent, from 0 to 1."""
        return min(self.spent / self.seconds, 1.0)

    def spend(self, work: Callable[[], Any]) -> None:
        """Do some work."""
        self.spent += processor_seconds(work)

    def left(self) -> Iterator[float]:
        """Yield the share until all is spent."""
        while self.spent < self.seconds:
            yield self.share
