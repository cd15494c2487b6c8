"""Write with decoders: greedy and beam search, for all documents and hypotheses at once.

The only loop is that over time steps. A document has a beam of the most probable beginnings. At
each step they are continued by every unit, and the most probable of all continuations stay; one
that ends leaves the beam, which has a place less from then on. With one place, that is greedy
search. A document leaves the batch when its beam is empty, or when nothing in it can become better
than what has ended. Several decoders write together: the probability of a unit is the mean of
theirs.

Shapes: n documents that are being written, B places in a beam.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..batch.packed import Packed
from ..rnn.tensors import to_torch
from .batches import in_chunks, lay_out_copied
from .choosing import choose
from .decoder import DecoderModel, Weights, weights_of
from .hypotheses import Ended, Hypothesis, Written
from .memory import Places, close_gaps, find_places
from .reader import Reader
from .source import read_source
from .vocab import END

SHORTEST = 16  # shorter sources count as this many tokens when documents are put into chunks


@dataclass(frozen=True)
class Search:
    """How to search.

    beam: how many beginnings are continued at a time; 1 for greedy search.
    length_penalty: α of Wu et al. (2016), at least 0: log probabilities are divided by
        ((5 + n) / 6)^α for n units, the end among them. With 0, shorter outputs have an advantage.
    k: the most outputs for each document, at most `beam`.
    """

    beam: int = 1
    length_penalty: float = 0.6
    k: int = 1

    def penalty(self, n_units: Any) -> Any:
        """What the log probability of outputs of this many units, or an array, is divided by."""
        return ((5.0 + n_units) / 6.0) ** self.length_penalty


def search(
    members: Sequence[tuple[DecoderModel, Packed]],
    most: np.ndarray,
    how: Search,
    copied: np.ndarray | None = None,
) -> list[list[Hypothesis]]:
    """The best outputs of each document that beam search finds.

    members: decoders of the same units, and for each the states of its encoder, all of which have
        read the same sources. The probability of a unit is the mean of theirs.
    most: how many units the output of each document may have; then it has to end. Shape (n_docs,).
    copied: for decoders that copy, the unit of each source token, one document after the other.
        Shape (n_tokens,).

    Returns up to `how.k` hypotheses for each document, the best first.
    """
    weights = [weights_of(model) for model, _ in members]
    packing = members[0][1].packing
    found: dict[int, list[Hypothesis]] = {}
    places_of = np.maximum(packing.lengths, SHORTEST) * (how.beam * len(members))
    with torch.inference_mode():
        for docs in in_chunks(places_of):
            places = find_places(packing, docs)
            numbers = lay_out_copied(packing, places, copied)
            rows = [to_torch(model.ops, source.rows(places.rows)) for model, source in members]
            device = rows[0].device
            of_tokens = None if numbers is None else torch.from_numpy(numbers).to(device)
            readers = [
                _reader(*each, places, of_tokens, how) for each in zip(weights, rows, strict=True)
            ]
            beams = _Beams(readers, torch.from_numpy(most[docs]).to(device), how)
            found |= dict(zip(docs.tolist(), beams.write(), strict=True))
    return [found[doc] for doc in range(len(packing.lengths))]


def _reader(
    weights: Weights, rows: torch.Tensor, places: Places, copied: torch.Tensor | None, how: Search
) -> Reader:
    """rows: the states of the source tokens, in the order of `places`. Shape (n_tokens, V)."""
    memory, states, _ = read_source(weights, rows, places)
    return Reader(weights, memory, states, copied, how.beam)


class _Beams:
    """The beginnings of some documents that are being written, and what has come of others."""

    def __init__(self, readers: list[Reader], most: torch.Tensor, how: Search) -> None:
        """One empty beginning for each document. most: how many units each may have. Shape (n,)."""
        self._readers, self._how = readers, how
        self._docs = torch.arange(len(most), device=most.device)
        self._most = most
        # The last unit of each beginning, and its log probability: -inf where a place has none.
        self._units = self._docs.new_full((len(most), how.beam), END)
        self._totals = torch.full_like(self._units, -torch.inf, dtype=torch.float32)
        self._totals[:, 0] = 0.0
        self._written, self._ended = Written(), Ended(self._totals)

    def write(self) -> list[list[Hypothesis]]:
        """Write until all documents are finished. Returns the best hypotheses of each."""
        step = 0
        while len(self._docs):
            outputs = [reader.read(self._units) for reader in self._readers]
            self._continue(step, *choose(outputs, self._totals, self._most == step))
            step += 1
        return self._ended.best(self._how.k, self._written)

    def _continue(
        self, step: int, totals: torch.Tensor, places: torch.Tensor, units: torch.Tensor
    ) -> None:
        """Continue the beginnings by the best units.

        totals, places, units: the best continuations, as `choose` gives them. Shape (n, B) each.
        """
        how, ended = self._how, self._ended
        rows = torch.arange(len(places), device=places.device).unsqueeze(1) * how.beam
        origins = rows + places
        room = (how.beam - ended.counts[self._docs]).unsqueeze(1)
        ranks = torch.arange(how.beam, device=room.device)
        stays = (ranks < room) & (totals > -torch.inf)
        is_end = stays & (units == END)
        ended.add(self._docs, is_end, origins, totals, totals / how.penalty(step + 1), step)
        totals = totals.masked_fill(~stays | is_end, -torch.inf)
        # Log probabilities only fall, and the longest output has the mildest penalty.
        within_reach = totals.amax(1) / how.penalty(self._most + 1)
        docs = close_gaps(within_reach > ended.worst_of_best(self._docs, how.k))
        origins = origins[docs].view(-1)
        self._docs, self._most = self._docs[docs], self._most[docs]
        self._units, self._totals = units[docs], totals[docs]
        self._written.add(self._units.view(-1), origins)
        for reader in self._readers:
            reader.keep(docs, origins)
