"""Run a decoder over the right targets: to learn them, to score them, and to see its attention."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from ..batch.packed import Packed
from ..batch.packing import split_docs
from ..rnn.cells import Tensors
from ..rnn.tensors import to_torch, to_xp
from ..types import Floats1d, Floats2d
from . import copying
from .batches import Pairs, in_chunks, make_pairs
from .copying import learn_copying
from .decoder import DecoderModel, Weights, add_gradients, new_gradients, weights_of
from .forcing import Masks, TeacherForcing, draw_masks
from .memory import Memory
from .softmax import learn, log_probabilities_of
from .source import read_source


def train_decoder(
    model: DecoderModel,
    source: Packed,
    targets: Sequence[np.ndarray | None],
    scale: float,
    copied: np.ndarray | None = None,
) -> tuple[float, Packed]:
    """Learn that each source has its target.

    source: the encoder's states.
    targets: the units of each document, without the end. Shape (n_units,) each; None for a document
        that teaches nothing.
    scale: what the gradients of the summed loss are multiplied by.
    copied: for a decoder that copies, the unit of each source token, one document after the other.
        Shape (n_tokens,).

    Returns the summed loss in nats, and the gradient of the source states.
    """
    weights, ops = weights_of(model), model.ops
    gradients = new_gradients(weights)
    d_source = torch.zeros_like(to_torch(ops, source.data))
    loss = 0.0
    with torch.inference_mode():
        known = np.flatnonzero([units is not None for units in targets])
        for chunk in in_chunks(source.packing.lengths[known]):
            docs = known[chunk]
            pairs = make_pairs(source.packing, targets, docs, copied)
            masks = draw_masks(ops, model, len(docs))
            run = _Run(model, weights, source, pairs, masks)
            of_chunk, d_rows = run.learn(scale, gradients)
            loss += of_chunk
            d_source[_on(d_source, pairs.places.rows)] = d_rows
        add_gradients(model, gradients)
    return loss, Packed(to_xp(ops, d_source), source.packing)


class _Run:
    """A decoder over some pairs."""

    def __init__(
        self,
        model: DecoderModel,
        weights: Weights,
        source: Packed,
        pairs: Pairs,
        masks: Masks | None = None,
    ) -> None:
        self.model, self.arrays, self.pairs = model, weights.arrays, pairs
        rows = to_torch(model.ops, source.rows(pairs.places.rows))
        self.memory, states, self._backprop_source = read_source(weights, rows, pairs.places)
        self.forcing = TeacherForcing(model, weights, self.memory, states, pairs.packing, masks)
        self.outputs = self.forcing.read(_on(rows, pairs.before))
        self.units = _on(rows, pairs.units)
        self.copying = self._find_copying()

    def learn(self, scale: float, gradients: Tensors) -> tuple[float, torch.Tensor]:
        """Add gradients. Returns the loss and the gradient of the source states of the places."""
        smoothing: float = self.model.attrs["label_smoothing"]
        W, b = self.arrays["output_weights"], self.arrays["output_bias"]
        options: dict[str, Any] = {"scale": scale, "gradients": gradients, "smoothing": smoothing}
        d_gates = d_shares = None
        if self.copying is None:
            loss, d_outputs = learn(W, b, self.outputs, self.units, **options)
        else:
            loss, d_outputs, d_gates, d_shares = learn_copying(
                W, b, self.outputs, *self.copying, self.units, **options
            )
        keys, values = self.memory.keys, self.memory.values
        d_memory = Memory(torch.zeros_like(values), torch.zeros_like(keys), self.memory.outside)
        d_states = self.forcing.backward(d_outputs, gradients, d_memory, d_gates, d_shares)
        return loss, self._backprop_source(d_memory, d_states, gradients)

    def log_probabilities(self) -> torch.Tensor:
        """Of each unit. Shape (n_units,), packed."""
        W, b = self.arrays["output_weights"], self.arrays["output_bias"]
        if self.copying is None:
            return log_probabilities_of(W, b, self.outputs, self.units)
        return copying.log_probabilities_of(W, b, self.outputs, *self.copying, self.units)

    def _find_copying(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None:
        """Gates, weights of source tokens, and which of them each unit is; None without copying."""
        if self.pairs.copied is None:
            return None
        numbers = _on(self.units, self.pairs.copied[self.pairs.packing.rank_of_row])
        matches = numbers == self.units.unsqueeze(1)  # (n_units, S)
        return self.forcing.gates(), self.forcing.shares, matches


def score_targets(
    model: DecoderModel,
    source: Packed,
    targets: list[np.ndarray],
    copied: np.ndarray | None = None,
) -> list[Floats1d]:
    """The natural logarithm of the probability of each unit of given targets, and of their ends.

    source, targets, copied: as for `train_decoder`.

    Returns one array for each document, of shape (n_units + 1,).
    """
    found: dict[int, Floats1d] = {}
    with torch.inference_mode():
        for run in _runs(model, source, targets, copied):
            found |= _by_doc(run.pairs, to_xp(model.ops, run.log_probabilities()))
    return [found[doc] for doc in range(len(targets))]


def align(model: DecoderModel, source: Packed, targets: list[np.ndarray]) -> list[Floats2d]:
    """What each unit of given targets attends to.

    source, targets: as for `train_decoder`.

    Returns for each document the attention's weights, of shape (n_units + 1, n_source_tokens); the
    last row is of the end. Without attention there are no columns.
    """
    found: dict[int, Floats2d] = {}
    with torch.inference_mode():
        for run in _runs(model, source, targets):
            found |= _by_doc(run.pairs, to_xp(model.ops, run.forcing.shares))
    lengths = source.packing.lengths.tolist()
    return [found[doc][:, :length] for doc, length in enumerate(lengths)]


def _runs(
    model: DecoderModel,
    source: Packed,
    targets: list[np.ndarray],
    copied: np.ndarray | None = None,
) -> Iterator[_Run]:
    """Prediction over all documents."""
    weights = weights_of(model)
    for docs in in_chunks(source.packing.lengths):
        yield _Run(model, weights, source, make_pairs(source.packing, targets, docs, copied))


def _by_doc(pairs: Pairs, rows: Floats2d) -> dict[int, Floats2d]:
    """The rows of each document's target. rows: those of all units, packed."""
    packing = pairs.packing
    numbers = pairs.docs[packing.ranks].tolist()
    parts = split_docs(Packed(rows, packing).doc_major(), packing.lengths)
    return dict(zip(numbers, parts, strict=True))


def _on(like: torch.Tensor, numbers: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.asarray(numbers, dtype="int64")).to(like.device)
