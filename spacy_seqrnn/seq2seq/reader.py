"""A decoder that reads what has been written so far, one unit at a time.

Shapes: n documents that are being written, B beginnings of each, S source tokens, H the width of
the decoder's states.
"""

import torch

from ..rnn.cells import Tensors
from ..rnn.states import scaled
from .attention import attend
from .choosing import Outputs
from .decoder import Weights
from .memory import Memory
from .recurrence import advance
from .unit_inputs import UnitInputs
from .vocab import UNKNOWN


class Reader:
    """What a decoder knows of the beginnings of all documents."""

    def __init__(
        self,
        weights: Weights,
        memory: Memory,
        states: list[Tensors],
        copied: torch.Tensor | None,
        beam: int,
    ) -> None:
        """Nothing has been read yet.

        memory: what it attends to.
        states: of each layer before the first unit. Shape (1, n, H) each.
        copied: the unit of each source token, for a decoder that copies. Shape (n, S).
        beam: B.
        """
        self._weights = weights
        self._memory = memory
        self._copied = copied
        self._inputs = UnitInputs(weights.cell, weights.layers[0], weights.arrays["embed"])
        self._states = [
            {
                name: state.repeat_interleave(beam, dim=1)
                for name, state in scaled(weights.cell, layer, 1).items()
            }
            for layer in states
        ]  # as the layers' steps keep them, (1, n * B, H) each
        n_docs = len(memory.outside)
        self._fed = memory.values.new_zeros(n_docs * beam, weights.width)  # attentional vectors

    def read(self, units: torch.Tensor) -> Outputs:
        """Read the last unit of each beginning. Shape (n, B). Returns what predicts the next."""
        arrays, cell = self._weights.arrays, self._weights.cell
        known = torch.where(units < len(arrays["embed"]), units, UNKNOWN).view(-1)
        x, layers = self._fed, [self._inputs.weights(known), *self._weights.layers[1:]]
        for i, (prepared, before) in enumerate(zip(layers, self._states, strict=True)):
            x, self._states[i] = advance(cell, prepared, x, before)
        joint, shares, gates = x, None, None
        if self._weights.attention is not None:
            queries = x.view(*units.shape, -1)
            shares, contexts = attend(self._weights.attention, arrays, self._memory, queries)
            joint = torch.cat([contexts.flatten(0, 1), x], dim=1)
        self._fed = torch.addmm(arrays["combine_bias"], joint, arrays["combine_weights"].T).tanh_()
        if self._copied is not None:
            gates = torch.addmv(arrays["gate_bias"], joint, arrays["gate_weights"])
            gates = gates.view(units.shape)
        vectors = self._fed.view(*units.shape, -1)
        return Outputs(arrays, vectors, gates, shares, self._copied)

    def keep(self, docs: torch.Tensor, origins: torch.Tensor) -> None:
        """Go on with some of the documents.

        docs: their rows, as `close_gaps` orders them. Shape (m,).
        origins: the row that each of their new beginnings had. Shape (m * B,).
        """
        if len(docs) < len(self._memory.outside):
            self._memory = self._memory.keep(docs)
            self._copied = None if self._copied is None else self._copied[docs]
        self._states = [
            {name: state.index_select(1, origins) for name, state in layer.items()}
            for layer in self._states
        ]
        self._fed = self._fed.index_select(0, origins)
