"""What the search writes: the units of each time step, and the hypotheses that have ended.

Shapes: D documents of a chunk, n of them that are being written, B places in a beam, T units of the
longest output.
"""

from dataclasses import dataclass

import numpy as np
import torch

from .vocab import END


@dataclass(frozen=True)
class Hypothesis:
    """An output that the search has found.

    units: the numbers of its units, without the end.
    log_probability: of the units and the end, in nats.
    score: that divided by the length penalty, by which outputs are compared.
    """

    units: list[int]
    log_probability: float
    score: float


class Written:
    """The units of all beginnings, each as one unit more than the beginning that it continues.

    A beginning has a row at each time step, which differs from step to step.
    """

    def __init__(self) -> None:
        self._units: list[torch.Tensor] = []  # (n * B,) for each time step
        self._origins: list[torch.Tensor] = []  # rows of the step before, (n * B,)

    def add(self, units: torch.Tensor, origins: torch.Tensor) -> None:
        """Add a time step. units: (n * B,). origins: the rows that they continue. (n * B,)."""
        self._units.append(units)
        self._origins.append(origins)

    def read(self, rows: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """The units of some beginnings, with anything behind their ends. Shape (N, T).

        rows: of each at the time step of its last unit. Shape (N,). lengths: Shape (N,).
        """
        units = lengths.new_full((len(lengths), int(lengths.max())), END)
        for step in reversed(range(units.shape[1])):
            is_long = lengths > step
            at = rows.where(is_long, 0)
            units[:, step] = self._units[step][at]
            rows = self._origins[step][at].where(is_long, rows)
        return units


class Ended:
    """The hypotheses that have ended, in arrays over all documents and places of their beams."""

    def __init__(self, totals: torch.Tensor) -> None:
        """totals: an array like those to keep. Shape (D, B)."""
        self.totals = torch.full_like(totals, -torch.inf)
        self.scores = self.totals.clone()
        self.rows = torch.zeros_like(totals, dtype=torch.int64)
        self.lengths = torch.zeros_like(self.rows)
        self.counts = self.rows.new_zeros(len(totals))

    def add(
        self,
        docs: torch.Tensor,
        ends: torch.Tensor,
        rows: torch.Tensor,
        totals: torch.Tensor,
        scores: torch.Tensor,
        length: int,
    ) -> None:
        """Add the hypotheses that end at a time step.

        docs: Shape (n,).
        ends: which continuations do. Shape (n, B).
        rows: the beginnings that they continue, as `Written.read` takes them. Shape (n, B).
        totals, scores: Shape (n, B).
        length: how many units they have.
        """
        which = ends.nonzero(as_tuple=True)
        if not len(which[0]):
            return
        places = self.counts[docs].unsqueeze(1) + ends.cumsum(1) - 1
        at = docs[which[0]], places[which]
        self.rows[at], self.totals[at], self.scores[at] = rows[which], totals[which], scores[which]
        self.lengths[at] = torch.full_like(at[0], length)
        self.counts[docs] += ends.sum(1)

    def worst_of_best(self, docs: torch.Tensor, k: int) -> torch.Tensor:
        """The score of the k-th best hypothesis of documents, -inf if there are fewer. (n,)"""
        return self.scores[docs].topk(k, dim=1).values[:, -1]

    def best(self, k: int, written: Written) -> list[list[Hypothesis]]:
        """The k best hypotheses of each document."""
        scores, order = self.scores.topk(k, dim=1)  # (D, k)
        lengths, totals = self.lengths.gather(1, order), self.totals.gather(1, order)
        units = written.read(self.rows.gather(1, order).view(-1), lengths.view(-1))
        units = units.view(*lengths.shape, units.shape[1])
        parts = [array.tolist() for array in (units, lengths, totals, scores)]
        return [
            [
                Hypothesis(numbers[:length], total, score)
                for numbers, length, total, score in zip(*of_doc, strict=True)
                if score > -np.inf
            ]
            for of_doc in zip(*parts, strict=True)
        ]
