"""Whether the verb agrees with a subject far away: `python -m benchmarks.agreement`.

Language models with each cell learn sentences of a small grammar, and are asked for the verb of new
ones in which all nouns between subject and verb are of the other number. Each model of the first
kind is trained on sentences of one distance between subject and verb only, so that nothing short
teaches it what to remember; models of the second kind are trained on all distances, of which short
ones are more frequent. The results are saved, and page and picture written from them; `--write`
does that alone. It takes about ten minutes on one core.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from spacy.language import Language
from wasabi import msg

from ..environment import describe_environment
from .grammar import WORDS_PER_MODIFIER, make_sentence
from .models import n_weights, share_right, train
from .table import ALL, ONE, keep, write_page

CELLS = ["rnn", "gru", "lstm"]
MODIFIERS = [1, 2, 4, 6, 8]
SEEDS = [0, 1, 2, 3]
N_ASKED, SEED_OF_ASKED = 200, 99
MORE = 0.5  # the probability of one more modifier, in sentences of all distances


def main() -> None:
    """Train all models and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="only write the page and the picture")
    if not parser.parse_args().write:
        results = []
        for result in measure():
            results.append(result)
            msg.text(str(result))
        keep({"results": results, "environment": describe_environment()})
    write_page()


def measure() -> Iterator[dict[str, Any]]:
    """Each model's share of right verbs, in percent, at each distance it is asked about."""
    for seed in SEEDS:
        for cell in CELLS:
            for number in MODIFIERS:
                yield run(ONE, cell, seed, partial(always, number), [number])
            yield run(ALL, cell, seed, halving, MODIFIERS)


def run(
    kind: str,
    cell: str,
    seed: int,
    n_modifiers: Callable[[random.Random], int],
    asked: Sequence[int],
) -> dict[str, Any]:
    """Train one model, and ask it."""
    start = time.process_time()
    nlp = train(cell, seed, n_modifiers)
    return {
        "trained on": kind,
        "cell": cell,
        "seed": seed,
        "weights": n_weights(nlp),
        "seconds": round(time.process_time() - start, 1),
        "right": {str(n * WORDS_PER_MODIFIER): ask(nlp, n) for n in asked},
    }


def ask(nlp: Language, number: int) -> float:
    """The share of right verbs behind so many modifiers whose nouns have the other number."""
    chance = random.Random(SEED_OF_ASKED)
    return share_right(nlp, [make_sentence(chance, number, attracts=True) for _ in range(N_ASKED)])


def always(number: int, chance: random.Random) -> int:
    """The same number of modifiers in each sentence."""
    return number


def halving(chance: random.Random) -> int:
    """Any number of modifiers, each half as frequent as the one before."""
    number = 0
    while number < max(MODIFIERS) and chance.random() < MORE:
        number += 1
    return number


if __name__ == "__main__":
    main()
