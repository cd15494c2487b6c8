"""A million distinct words through the lexeme table: `python -m benchmarks.speed.vocabulary`.

Words are drawn by Zipf's law, as in real text, until a million distinct ones have occurred. Each
batch runs in a memory zone, so that spaCy's own vocabulary does not grow.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import spacy
import srsly
import torch
from spacy.tokens import Doc
from wasabi import msg

from spacy_seqrnn.embed.lexeme_table import LexemeTable

from ..memory import MEGABYTE, memory
from .pipelines import pipeline
from .results import keep

DISTINCT = 1_000_000
BATCH_DOCS, DOC_TOKENS = 1000, 20
ZIPF_EXPONENT = 1.1


class Counter:
    """How many words were looked up in the tables, and how many were missing."""

    def __init__(self) -> None:
        self.asked = self.missing = self.largest = 0

    def watch(self) -> None:
        """Count lookups in every table from now on."""
        rows = LexemeTable.rows

        def counted(
            table: LexemeTable, keys: Any, sources: Any, compute: Callable[..., Any]
        ) -> Any:
            def count(missing: Any) -> Any:
                self.missing += len(missing)
                return compute(missing)

            self.asked += len(keys)
            result = rows(table, keys, sources, count)
            self.largest = max(self.largest, len(table))
            return result

        # Assigned to a class, so that what is measured knows nothing of it.
        LexemeTable.rows = counted  # type: ignore[assignment, method-assign]


def main() -> None:
    """Print and save hit rate, memory and speed."""
    torch.set_num_threads(1)
    nlp = spacy.load(pipeline("ner-efficiency"))
    counter = Counter()
    counter.watch()
    met: set[int] = set()
    n_tokens, first_tenth = 0, 0.0
    for batch in batches():
        with nlp.memory_zone():
            docs = [Doc(nlp.vocab, words=[f"w{number}" for number in row]) for row in batch]
            for _ in nlp.pipe(docs):
                pass
        met.update(batch.ravel().tolist())
        n_tokens += batch.size
        if not first_tenth and len(met) > DISTINCT / 10:
            first_tenth = memory("VmRSS")
        if len(met) >= DISTINCT:
            break
    result = {
        "distinct": len(met),
        "tokens": n_tokens,
        "hit_rate": round(1 - counter.missing / counter.asked, 3),
        "largest_table": counter.largest,
        "megabytes_after_first_tenth": round((memory("VmRSS") - first_tenth) / MEGABYTE),
    }
    msg.text(srsly.json_dumps(result))
    keep("vocabulary", result)


def batches() -> Iterator[np.ndarray]:
    """Infinite batches of word numbers, shape (BATCH_DOCS, DOC_TOKENS)."""
    random = np.random.default_rng(0)
    for _ in itertools.count():
        yield random.zipf(ZIPF_EXPONENT, (BATCH_DOCS, DOC_TOKENS))


if __name__ == "__main__":
    main()
