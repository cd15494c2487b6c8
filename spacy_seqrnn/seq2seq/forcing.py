"""Teacher forcing: the decoder reads the right units, not its own, with an explicit backward pass.

Targets are in the packed layout, so that nothing is computed behind the end of one. All states of a
batch are kept in arrays over its target units; the attention's weights too.
"""

from dataclasses import dataclass

import torch
from thinc.api import Ops

from ..batch.packing import Packing
from ..rnn.cells import Tensors
from ..rnn.dropout import dropout_mask
from ..rnn.tensors import to_torch
from .attention import attend, attend_back
from .decoder import DecoderModel, Weights
from .memory import Memory
from .recurrence import Unrolled
from .vocab import UNKNOWN


@dataclass(frozen=True)
class Masks:
    """Locked dropout: what each document's vectors are multiplied by, at all of its units.

    units: of the units' vectors, (n_docs, nE).
    layers: of the input of each recurrent layer but the first, (n_docs, H).
    outputs: of the attentional vectors, (n_docs, H).
    """

    units: torch.Tensor
    layers: list[torch.Tensor]
    outputs: torch.Tensor


def draw_masks(ops: Ops, model: DecoderModel, n_docs: int) -> Masks | None:
    """Masks at the model's `dropout_rate`; None if that is zero."""
    rate = model.attrs["dropout_rate"]
    if not rate:
        return None
    widths = [model.get_dim("nE"), *[model.get_dim("nH")] * len(model.layers)]
    units, *layers, outputs = (
        to_torch(ops, dropout_mask(ops, (n_docs, width), rate)) for width in widths
    )
    return Masks(units, layers, outputs)


class TeacherForcing:
    """A decoder over the targets of a batch.

    shares: what each unit attends to: the weights of the attention. Shape (n_units, S), packed.
    """

    def __init__(
        self,
        model: DecoderModel,
        weights: Weights,
        memory: Memory,
        states: list[Tensors],
        packing: Packing,
        masks: Masks | None,
    ) -> None:
        """Prepare to read.

        memory, states: of the documents, longest target first; see `read_source`.
        packing: that of the targets, each of which has a unit.
        """
        self.weights, self.memory, self.packing, self.masks = weights, memory, packing, masks
        self.layers = [
            Unrolled(layer, packing, initial)
            for layer, initial in zip(model.layers, states, strict=True)
        ]
        self.width = weights.width
        like, n = memory.keys, packing.n_tokens
        context = memory.values.shape[2]
        self._joint = like.new_empty(n, context + self.width)  # context and hidden state
        self._squashed = like.new_empty(n, self.width)  # attentional vectors before dropout
        self.shares = like.new_empty(n, memory.keys.shape[1])

    def read(self, units: torch.Tensor) -> torch.Tensor:
        """The attentional vectors that predict the units, after dropout. Shape (n_units, H).

        units: the one before each unit. Shape (n_units,), packed. One that is not in the
            vocabulary is read as the unknown one.
        """
        arrays, width = self.weights.arrays, self.width
        self._units = torch.where(units < len(arrays["embed"]), units, UNKNOWN)
        vectors = arrays["embed"][self._units]
        if self.masks is not None:
            vectors *= self._locked(self.masks.units)
        self.layers[0].inputs[0, :, : vectors.shape[1]] = vectors
        fed = vectors.new_zeros(self.packing.n_sequences, width)
        outputs = torch.empty_like(self._squashed)
        for rows in self.packing.steps():
            n_docs = rows.stop - rows.start
            hidden = self._run_layers(rows, fed[:n_docs])
            self._joint[rows, -width:] = hidden
            self._attend(rows, hidden)
            squashed = self._squashed[rows]
            torch.addmm(
                arrays["combine_bias"], self._joint[rows], arrays["combine_weights"].T, out=squashed
            ).tanh_()
            fed = outputs[rows]
            fed.copy_(squashed)
            if self.masks is not None:
                fed *= self.masks.outputs[:n_docs]
        return outputs

    def gates(self) -> torch.Tensor:
        """What decides between vocabulary and source at each unit, after `read`. (n_units,)"""
        arrays = self.weights.arrays
        return torch.addmv(arrays["gate_bias"], self._joint, arrays["gate_weights"])

    def _run_layers(self, rows: slice, fed: torch.Tensor) -> torch.Tensor:
        """The hidden states of the last layer at a time step."""
        first, *others = self.layers
        first.inputs[0, rows, -self.width :] = fed
        hidden = first.step(rows)
        for number, layer in enumerate(others):
            x = layer.inputs[0, rows]
            x.copy_(hidden)
            if self.masks is not None:
                x *= self.masks.layers[number][: len(x)]
            hidden = layer.step(rows)
        return hidden

    def _attend(self, rows: slice, hidden: torch.Tensor) -> None:
        """Contexts and weights of a time step."""
        if self.weights.attention is None:
            return
        shares, contexts = attend(
            self.weights.attention,
            self.weights.arrays,
            self.memory.first(len(hidden)),
            hidden.unsqueeze(1),
        )
        self._joint[rows, : -self.width] = contexts[:, 0]
        self.shares[rows] = shares[:, 0]

    def backward(
        self,
        d_outputs: torch.Tensor,
        gradients: Tensors,
        d_memory: Memory,
        d_gates: torch.Tensor | None = None,
        d_shares: torch.Tensor | None = None,
    ) -> list[Tensors]:
        """The backward pass of `read` and `gates`.

        d_outputs: Shape (n_units, H).
        gradients, d_memory: what the gradients of the decoder's arrays and of the memory are added
            to.
        d_gates, d_shares: of a decoder that copies, the gradients of `gates` and of `shares`.

        Returns the gradients of the states before the first unit.
        """
        for layer in self.layers:
            layer.begin_backward()
        W, width = self.weights.arrays["combine_weights"], self.width
        d_sums = torch.empty_like(self._squashed)  # before tanh
        d_vectors = d_outputs.new_empty(self.packing.n_tokens, gradients["embed"].shape[1])
        d_fed = d_outputs.new_zeros(self.packing.n_sequences, width)
        for rows in self.packing.steps_back():
            n_docs = rows.stop - rows.start
            d_squashed = d_outputs[rows] + d_fed[:n_docs]
            if self.masks is not None:
                d_squashed *= self.masks.outputs[:n_docs]
            squashed = self._squashed[rows]
            d_step = torch.addcmul(
                d_squashed, d_squashed * squashed, squashed, value=-1.0, out=d_sums[rows]
            )
            d_joint = d_step @ W
            if d_gates is not None:
                d_joint.addr_(d_gates[rows], self.weights.arrays["gate_weights"])
            d_hidden = d_joint[:, -width:]
            d_copied = None if d_shares is None else d_shares[rows].unsqueeze(1)
            self._attend_back(rows, d_joint[:, :-width], d_hidden, gradients, d_memory, d_copied)
            dx = self._layers_back(rows, d_hidden)
            d_vectors[rows] = dx[:, :-width]
            d_fed[:n_docs] = dx[:, -width:]
        gradients["combine_weights"].addmm_(d_sums.T, self._joint)
        gradients["combine_bias"] += d_sums.sum(0)
        if d_gates is not None:
            gradients["gate_weights"].addmv_(self._joint.T, d_gates)
            gradients["gate_bias"] += d_gates.sum()
        self._embed_back(d_vectors, gradients)
        return [layer.finish_backward() for layer in self.layers]

    def _attend_back(
        self,
        rows: slice,
        d_contexts: torch.Tensor,
        d_hidden: torch.Tensor,
        gradients: Tensors,
        d_memory: Memory,
        d_copied: torch.Tensor | None,
    ) -> None:
        """Add what comes through the attention of a time step to the gradient of its queries."""
        if self.weights.attention is None:
            return
        n_docs = len(d_hidden)
        d_hidden += attend_back(
            self.weights.attention,
            self.weights.arrays,
            self.memory.first(n_docs),
            self._joint[rows, -self.width :].unsqueeze(1),
            self.shares[rows].unsqueeze(1),
            d_contexts.unsqueeze(1),
            d_memory.first(n_docs),
            gradients,
            d_copied,
        )[:, 0]

    def _layers_back(self, rows: slice, d_hidden: torch.Tensor) -> torch.Tensor:
        """The gradient of the inputs of the first layer at a time step."""
        first, *others = self.layers
        for number in reversed(range(len(others))):
            d_hidden = others[number].step_back(rows, d_hidden)
            if self.masks is not None:
                d_hidden *= self.masks.layers[number][: len(d_hidden)]
        return first.step_back(rows, d_hidden)

    def _embed_back(self, d_vectors: torch.Tensor, gradients: Tensors) -> None:
        if self.masks is not None:
            d_vectors *= self._locked(self.masks.units)
        gradients["embed"].index_add_(0, self._units, d_vectors)

    def _locked(self, mask: torch.Tensor) -> torch.Tensor:
        """A mask of documents as one of units."""
        ranks = torch.from_numpy(self.packing.rank_of_row)
        return mask[ranks.to(mask.device)]
