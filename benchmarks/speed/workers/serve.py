"""How a side of a comparison is asked for one measurement after the other.

A worker is a process that loads what it needs once, and then answers each line on its standard
input with the seconds that one run took.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO


def serve(run: Callable[[], float], words: int, **about: Any) -> None:
    """Warm up, say hello, and measure as often as asked.

    run: does the work once and returns the seconds that count.
    words: how many words that is.
    about: versions and settings, for the file of results.
    """
    out = own_output()
    run()
    print(json.dumps({"words": words, **about}), file=out, flush=True)
    for _ in sys.stdin:
        print(json.dumps(run()), file=out, flush=True)


def own_output() -> TextIO:
    """The standard output, which nothing but the measurements goes to from now on."""
    out, sys.stdout = sys.stdout, sys.stderr
    return out


def timed(work: Callable[[], Any]) -> float:
    """The seconds that some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def best(measure: Callable[[int], float], choices: list[int]) -> int:
    """The choice with the shortest time, each tried once to warm up and once in earnest."""
    for choice in choices:
        measure(choice)
    return min(choices, key=measure)
