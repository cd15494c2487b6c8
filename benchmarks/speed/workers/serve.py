"""How a worker process measures on request.

A worker loads what it needs once, and then answers each line on its standard input with the
seconds of one run.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

ANSWER = "ANSWER"


def serve(run: Callable[[], float], words: int, **about: Any) -> None:
    """Warm up, report readiness, and measure on request.

    run: does the work once and returns the seconds that count.
    words: how many words that is.
    about: versions and settings, for the file of results.
    """
    run()
    answer({"words": words, **about})
    for _ in sys.stdin:
        answer(run())


def answer(value: Any) -> None:
    """Say something that can be written as JSON.

    Some packages also print to the standard output, so answers are marked.
    """
    print(ANSWER, json.dumps(value), flush=True)


def timed(work: Callable[[], Any]) -> float:
    """The seconds that some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def best(measure: Callable[[int], float], choices: list[int]) -> int:
    """The choice with the shortest time, after one warm-up run each."""
    for choice in choices:
        measure(choice)
    return min(choices, key=measure)
