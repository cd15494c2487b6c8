"""Write with a decoder: greedy and beam search, for all documents and hypotheses at once.

The only loop is that over time steps. A document has a beam of the most probable beginnings. At
each step they are continued by every unit, and the most probable of all continuations stay; one
that ends leaves the beam, which has a place less from then on. With one place, that is greedy
search. A document leaves the batch when its beam is empty, or when nothing in it can become better
than what has ended.

Shapes: n documents that are being written, B places in a beam, T units of the longest output, S
source tokens, H the width of the decoder's states.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from ..batch.packed import Packed
from ..rnn.cells import Tensors
from ..rnn.states import scaled
from ..rnn.tensors import to_torch
from .attention import attend
from .batches import in_chunks, lay_out_copied
from .copying import all_log_probabilities
from .decoder import DecoderModel, Weights, weights_of
from .memory import Memory, find_places
from .recurrence import advance
from .softmax import log_probabilities
from .source import read_source
from .vocab import END, UNKNOWN

SHORTEST = 16  # shorter sources count as this many tokens when documents are put into chunks


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

    def penalty(self, n_units: torch.Tensor) -> torch.Tensor:
        """What the log probability of outputs of this many units is divided by."""
        return ((5.0 + n_units) / 6.0) ** self.length_penalty


def search(
    model: DecoderModel,
    source: Packed,
    most: np.ndarray,
    how: Search,
    copied: np.ndarray | None = None,
) -> list[list[Hypothesis]]:
    """The best outputs of each document that beam search finds.

    source: the encoder's states.
    most: how many units the output of each document may have; then it has to end. Shape (n_docs,).
    copied: for a decoder that copies, the unit of each source token, one document after the other.
        Shape (n_tokens,).

    Returns up to `how.k` hypotheses for each document, the best first.
    """
    weights = weights_of(model)
    found: dict[int, list[Hypothesis]] = {}
    places_of = np.maximum(source.packing.lengths, SHORTEST) * how.beam
    with torch.inference_mode():
        for docs in in_chunks(places_of):
            places = find_places(source.packing, docs)
            rows = to_torch(model.ops, source.rows(places.rows))
            memory, states, _ = read_source(weights, rows, places)
            bounds = torch.from_numpy(most[docs]).to(rows.device)
            numbers = lay_out_copied(source.packing, places, copied)
            of_tokens = None if numbers is None else torch.from_numpy(numbers).to(rows.device)
            beams = _begin(weights, memory, of_tokens, states, bounds, how)
            done = _write(weights, beams, how)
            found |= dict(zip(docs.tolist(), done.best(how.k), strict=True))
    return [found[doc] for doc in range(len(places_of))]


@dataclass(frozen=True)
class _Beams:
    """The beginnings of the documents that are being written.

    docs: their numbers. Shape (n,).
    most: how many units each may have. Shape (n,).
    memory: what they attend to.
    copied: the unit of each of its tokens, for a decoder that copies. Shape (n, S).
    states: of each layer, (1, n * B, H) each, as its steps keep them.
    fed: the attentional vectors before. Shape (n * B, H).
    units: what has been written. Shape (n, B, T).
    totals: the log probability of each beginning, -inf where a place has none. Shape (n, B).
    """

    docs: torch.Tensor
    most: torch.Tensor
    memory: Memory
    copied: torch.Tensor | None
    states: list[Tensors]
    fed: torch.Tensor
    units: torch.Tensor
    totals: torch.Tensor

    def take(self, docs: torch.Tensor, origins: torch.Tensor, totals: torch.Tensor) -> "_Beams":
        """The beginnings that go on.

        docs: rows of the documents that do. Shape (m,).
        origins: the place that each of their new beginnings had. Shape (m, B).
        totals: their log probabilities. Shape (m, B).
        """
        rows = (docs.unsqueeze(1) * origins.shape[1] + origins).view(-1)
        states = [{name: state[:, rows] for name, state in layer.items()} for layer in self.states]
        units = self.units.flatten(0, 1)[rows].view(*origins.shape, self.units.shape[2])
        memory, copied = self.memory, self.copied
        if len(docs) < len(self.docs):
            memory = memory.take(docs)
            copied = None if copied is None else copied[docs]
        most = self.most[docs]
        return _Beams(self.docs[docs], most, memory, copied, states, self.fed[rows], units, totals)


class _Ended:
    """The hypotheses that have ended, in arrays over all documents and places of their beams."""

    def __init__(self, beams: _Beams) -> None:
        self.units = torch.zeros_like(beams.units)
        self.lengths = torch.zeros_like(beams.totals, dtype=torch.int64)
        self.totals = torch.full_like(beams.totals, -torch.inf)
        self.scores = self.totals.clone()
        self.counts = torch.zeros_like(beams.docs)

    def add(
        self,
        docs: torch.Tensor,
        ends: torch.Tensor,
        totals: torch.Tensor,
        units: torch.Tensor,
        step: int,
        how: Search,
    ) -> None:
        """Add the hypotheses that end at a time step.

        docs: Shape (n,). ends: which continuations do. Shape (n, B). totals: Shape (n, B).
        units: those before the end. Shape (n, B, T).
        """
        places = self.counts[docs].unsqueeze(1) + ends.cumsum(1) - 1
        at = docs.unsqueeze(1).expand_as(ends)[ends], places[ends]
        length = torch.full_like(at[0], step + 1)
        self.units[at], self.lengths[at], self.totals[at] = units[ends], length - 1, totals[ends]
        self.scores[at] = totals[ends] / how.penalty(length)
        self.counts[docs] += ends.sum(1)

    def worst_of_best(self, docs: torch.Tensor, k: int) -> torch.Tensor:
        """The score of the k-th best hypothesis of documents, -inf if there are fewer. (n,)"""
        return self.scores[docs].topk(k, dim=1).values[:, -1]

    def best(self, k: int) -> list[list[Hypothesis]]:
        """The k best hypotheses of each document."""
        scores, order = self.scores.topk(k, dim=1)
        lengths, totals = self.lengths.gather(1, order).tolist(), self.totals.gather(1, order)
        units = self.units.gather(1, order.unsqueeze(2).expand(-1, -1, self.units.shape[2]))
        parts = zip(units.tolist(), lengths, totals.tolist(), scores.tolist(), strict=True)
        return [
            [
                Hypothesis(written[:length], total, score)
                for written, length, total, score in zip(*of_doc, strict=True)
                if score > -np.inf
            ]
            for of_doc in parts
        ]


def _begin(
    weights: Weights,
    memory: Memory,
    copied: torch.Tensor | None,
    states: list[Tensors],
    most: torch.Tensor,
    how: Search,
) -> _Beams:
    """One empty beginning for each document."""
    n_docs, beam = len(most), how.beam
    totals = memory.values.new_full((n_docs, beam), -torch.inf)
    totals[:, 0] = 0.0
    repeated = [
        {
            name: state.repeat_interleave(beam, dim=1)
            for name, state in scaled(weights.cell, layer, 1).items()
        }
        for layer in states
    ]
    docs = torch.arange(n_docs, device=most.device)
    units = docs.new_full((n_docs, beam, int(most.max()) if n_docs else 0), END)
    fed = totals.new_zeros(n_docs * beam, weights.width)
    return _Beams(docs, most, memory, copied, repeated, fed, units, totals)


def _write(weights: Weights, beams: _Beams, how: Search) -> _Ended:
    """Write until all documents are finished."""
    ended = _Ended(beams)
    step = 0
    while len(beams.docs):
        before = beams.units[:, :, step - 1] if step else torch.full_like(beams.totals, END).long()
        beams, scores = _read(weights, beams, before.reshape(-1))
        beams = _continue(beams, scores, ended, step, how)
        step += 1
    return ended


def _read(weights: Weights, beams: _Beams, units: torch.Tensor) -> tuple[_Beams, torch.Tensor]:
    """Let the decoder read the last units. units: Shape (n * B,).

    Returns the beams after it, and the log probability of each next unit: those of the vocabulary,
    and of the sources for a decoder that copies. Shape (n, B, nO or more).
    """
    arrays = weights.arrays
    units = torch.where(units < len(arrays["embed"]), units, UNKNOWN)
    x = torch.cat([arrays["embed"][units], beams.fed], dim=1)
    states = []
    for prepared, before in zip(weights.layers, beams.states, strict=True):
        x, after = advance(weights.cell, prepared, x, before)
        states.append(after)
    joint, shares = x, None
    if weights.attention is not None:
        queries = x.view(*beams.totals.shape, -1)
        shares, contexts = attend(weights.attention, arrays, beams.memory, queries)
        joint = torch.cat([contexts.flatten(0, 1), x], dim=1)
    fed = torch.addmm(arrays["combine_bias"], joint, arrays["combine_weights"].T).tanh_()
    scores = log_probabilities(arrays["output_weights"], arrays["output_bias"], fed)
    scores = scores.view(*beams.totals.shape, -1)
    if beams.copied is not None and shares is not None:
        gates = torch.addmv(arrays["gate_bias"], joint, arrays["gate_weights"])
        scores = all_log_probabilities(scores, gates.view(beams.totals.shape), shares, beams.copied)
    return replace(beams, states=states, fed=fed), scores


def _continue(beams: _Beams, scores: torch.Tensor, ended: _Ended, step: int, how: Search) -> _Beams:
    """Continue the beginnings by the best units.

    scores: the log probability of each next unit. Shape (n, B, nO).

    Returns the beams of the documents that go on.
    """
    n_units = scores.shape[2]
    scores += beams.totals.unsqueeze(2)
    scores[:, :, UNKNOWN] = -torch.inf
    must_end = beams.most == step
    ends = scores[must_end, :, END]
    scores[must_end] = -torch.inf
    scores[must_end, :, END] = ends
    totals, best = scores.flatten(1).topk(how.beam, dim=1)  # (n, B), in descending order
    origins, units = best // n_units, best % n_units
    room = (how.beam - ended.counts[beams.docs]).unsqueeze(1)
    places = torch.arange(how.beam, device=room.device)
    stays = (places < room) & (totals > -torch.inf)
    is_end = stays & (units == END)
    written = beams.units.gather(1, origins.unsqueeze(2).expand_as(beams.units))
    ended.add(beams.docs, is_end, totals, written, step, how)
    totals = totals.masked_fill(~stays | is_end, -torch.inf)
    # Log probabilities only fall, and the longest output has the mildest penalty.
    within_reach = totals.amax(1) / how.penalty(beams.most + 1)
    goes_on = within_reach > ended.worst_of_best(beams.docs, how.k)
    docs = goes_on.nonzero()[:, 0]
    taken = beams.take(docs, origins[docs], totals[docs])
    if step < taken.units.shape[2]:
        taken.units[:, :, step] = units[docs]
    return taken
