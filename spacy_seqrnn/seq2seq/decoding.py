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
from typing import Any

import numpy as np
import torch

from ..batch.packed import Packed
from ..rnn.cells import Tensors
from ..rnn.states import scaled
from ..rnn.tensors import to_torch
from .attention import attend
from .batches import in_chunks, lay_out_copied
from .choosing import Outputs, choose
from .decoder import DecoderModel, Weights, weights_of
from .hypotheses import Ended, Hypothesis, Written
from .memory import Memory, close_gaps, find_places
from .recurrence import advance
from .source import read_source
from .unit_inputs import UnitInputs
from .vocab import END, UNKNOWN

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
            found |= dict(zip(docs.tolist(), _write(weights, beams, how), strict=True))
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
    units: the last of each beginning. Shape (n * B,).
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

    def take(
        self, docs: torch.Tensor, origins: torch.Tensor, units: torch.Tensor, totals: torch.Tensor
    ) -> "_Beams":
        """The beginnings that go on.

        docs: rows of the documents that do, as `close_gaps` orders them. Shape (m,).
        origins: the row that each of their new beginnings had. Shape (m * B,).
        units: their last units. Shape (m * B,).
        totals: their log probabilities. Shape (m, B).
        """
        memory, copied = self.memory, self.copied
        if len(docs) < len(self.docs):
            memory = memory.keep(docs)
            copied = None if copied is None else copied[docs]
        states = [
            {name: state.index_select(1, origins) for name, state in layer.items()}
            for layer in self.states
        ]
        fed, most = self.fed.index_select(0, origins), self.most[docs]
        return _Beams(self.docs[docs], most, memory, copied, states, fed, units, totals)


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
    units = docs.new_full((n_docs * beam,), END)
    fed = totals.new_zeros(n_docs * beam, weights.width)
    return _Beams(docs, most, memory, copied, repeated, fed, units, totals)


def _write(weights: Weights, beams: _Beams, how: Search) -> list[list[Hypothesis]]:
    """Write until all documents are finished. Returns the best hypotheses of each."""
    written, ended = Written(), Ended(beams.totals)
    inputs = UnitInputs(weights.cell, weights.layers[0], weights.arrays["embed"])
    step = 0
    while len(beams.docs):
        beams, outputs = _read(weights, inputs, beams)
        best = choose(weights, outputs, beams.totals, beams.most == step)
        beams = _continue(beams, *best, written, ended, step, how)
        step += 1
    return ended.best(how.k, written)


def _read(weights: Weights, inputs: UnitInputs, beams: _Beams) -> tuple[_Beams, Outputs]:
    """Let the decoder read the last units. Returns the beams after it, and what predicts others."""
    arrays = weights.arrays
    units = torch.where(beams.units < len(arrays["embed"]), beams.units, UNKNOWN)
    x, layers = beams.fed, [inputs.weights(units), *weights.layers[1:]]
    states = []
    for prepared, before in zip(layers, beams.states, strict=True):
        x, after = advance(weights.cell, prepared, x, before)
        states.append(after)
    joint, shares, gates = x, None, None
    if weights.attention is not None:
        queries = x.view(*beams.totals.shape, -1)
        shares, contexts = attend(weights.attention, arrays, beams.memory, queries)
        joint = torch.cat([contexts.flatten(0, 1), x], dim=1)
    fed = torch.addmm(arrays["combine_bias"], joint, arrays["combine_weights"].T).tanh_()
    if beams.copied is not None:
        gates = torch.addmv(arrays["gate_bias"], joint, arrays["gate_weights"])
        gates = gates.view(beams.totals.shape)
    outputs = Outputs(fed.view(*beams.totals.shape, -1), gates, shares, beams.copied)
    return replace(beams, states=states, fed=fed), outputs


def _continue(
    beams: _Beams,
    totals: torch.Tensor,
    places: torch.Tensor,
    units: torch.Tensor,
    written: Written,
    ended: Ended,
    step: int,
    how: Search,
) -> _Beams:
    """Continue the beginnings by the best units.

    totals, places, units: the best continuations, as `choose` gives them. Shape (n, B) each.

    Returns the beams of the documents that go on.
    """
    rows = torch.arange(len(places), device=places.device).unsqueeze(1) * how.beam
    origins = rows + places
    room = (how.beam - ended.counts[beams.docs]).unsqueeze(1)
    ranks = torch.arange(how.beam, device=room.device)
    stays = (ranks < room) & (totals > -torch.inf)
    is_end = stays & (units == END)
    ended.add(beams.docs, is_end, origins, totals, totals / how.penalty(step + 1), step)
    totals = totals.masked_fill(~stays | is_end, -torch.inf)
    # Log probabilities only fall, and the longest output has the mildest penalty.
    within_reach = totals.amax(1) / how.penalty(beams.most + 1)
    docs = close_gaps(within_reach > ended.worst_of_best(beams.docs, how.k))
    origins, units = origins[docs].view(-1), units[docs].view(-1)
    written.add(units, origins)
    return beams.take(docs, origins, units, totals[docs])
