"""What a CRF has learned about which tag follows which."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from spacy.language import Language

from ..ner.biluo import tag_names
from ..ner.component import RecurrentNER

START, END = "(start)", "(end)"


@dataclass(frozen=True)
class Transitions:
    """Scores of one tag after another, in nats; None where the BILUO scheme forbids it.

    rows: the tag before; the first is the start of the document.
    columns: the tag after; the last is the end of the document.
    scores: shape (n_rows, n_columns).
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    scores: tuple[tuple[float | None, ...], ...]


def transitions(nlp: Language, pipe: RecurrentNER) -> Transitions | None:
    """A recogniser's transitions, the members' mean for an ensemble; None without a CRF."""
    if not any(node.name == "crf" for node in pipe.model.walk()):
        return None
    # Any document will do: the transitions are the same for all.
    chain = pipe.chains([nlp("a")])
    ops, names = pipe.model.ops, tag_names(pipe.labels)
    values = np.full((len(names) + 1, len(names) + 1), -np.inf)
    values[0, -1] = 0.0  # a document without tokens
    values[0, :-1] = ops.to_numpy(chain.start)
    values[1:, :-1] = ops.to_numpy(chain.transitions)
    values[1:, -1] = ops.to_numpy(chain.end)
    rows = tuple(tuple(_finite(value) for value in row) for row in values.tolist())
    return Transitions((START, *names), (*names, END), rows)


def _finite(value: Any) -> float | None:
    return value if np.isfinite(value) else None
