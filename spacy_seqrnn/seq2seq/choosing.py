"""The most probable units at a time step, without the scores of all units for all documents.

Documents are scored some at a time, so that their scores stay in a core's cache. Shapes: n
documents that are being written, B places in a beam, U units: those of the vocabulary, and of the
sources for a decoder that copies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import torch

from ..rnn.cells import Tensors
from .copying import all_log_probabilities
from .softmax import in_parts, log_probabilities
from .vocab import END, UNKNOWN

NUMBERS_AT_ONCE = 2**18
BLOCK = 64  # units of which only the largest score is compared first


@dataclass(frozen=True)
class Outputs:
    """What a decoder gives at a time step.

    arrays: its weights.
    vectors: the attentional ones. Shape (n, B, H).
    gates: of a decoder that copies, (n, B). shares: what it attends to, (n, B, S). copied: the unit
        of each source token, (n, S). None for others.
    """

    arrays: Tensors
    vectors: torch.Tensor
    gates: torch.Tensor | None = None
    shares: torch.Tensor | None = None
    copied: torch.Tensor | None = None

    def log_probabilities(self, docs: slice) -> torch.Tensor:
        """Of all units, for some of the documents. Shape (n, B, U)."""
        vectors = self.vectors[docs]
        W, b = self.arrays["output_weights"], self.arrays["output_bias"]
        scores = log_probabilities(W, b, vectors.flatten(0, 1)).view(*vectors.shape[:2], -1)
        if self.gates is None or self.shares is None or self.copied is None:
            return scores
        return all_log_probabilities(scores, self.gates[docs], self.shares[docs], self.copied[docs])


def choose(
    outputs: Sequence[Outputs], totals: torch.Tensor, must_end: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The B most probable continuations of the beginnings of each document.

    outputs: of each decoder; the probability of a unit is the mean of theirs.
    totals: the log probabilities of the beginnings. Shape (n, B).
    must_end: which documents have only the end. Shape (n,).

    Returns their log probabilities, in descending order, and the place and the unit of each, all of
    shape (n, B).
    """
    n_docs, beam = totals.shape
    found = []
    n_units = len(outputs[0].arrays["output_bias"])
    for docs in in_parts(n_docs, beam * n_units, NUMBERS_AT_ONCE):
        scores = _mean([each.log_probabilities(docs) for each in outputs])
        scores += totals[docs].unsqueeze(2)
        scores[:, :, UNKNOWN] = -torch.inf
        rows = must_end[docs].nonzero()[:, 0]
        if len(rows):
            ends = scores[rows, :, END]
            scores[rows] = -torch.inf
            scores[rows, :, END] = ends
        best, at = largest(scores.flatten(1), beam)
        found.append((best, at // scores.shape[2], at % scores.shape[2]))
    best, places, units = (torch.cat(each) for each in zip(*found, strict=True))
    return best, places, units


def _mean(scores: list[torch.Tensor]) -> torch.Tensor:
    """The logarithm of the mean of the probabilities of several decoders."""
    total, *others = scores
    for each in others:
        torch.logaddexp(total, each, out=total)
    return total.sub_(log(len(scores))) if others else total


def largest(scores: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """As `scores.topk(k, dim=1)`, faster where k is small: the k largest are in k blocks at most.

    scores: Shape (n, size). Returns values and columns, (n, k) each.
    """
    n_blocks, rest = divmod(scores.shape[1], BLOCK)
    if n_blocks < 4 * k:
        values, columns = scores.topk(k, dim=1)
        return values, columns
    whole = scores[:, : n_blocks * BLOCK].unflatten(1, (n_blocks, BLOCK)).amax(2)
    if rest:
        whole = torch.cat([whole, scores[:, -rest:].amax(1, keepdim=True)], dim=1)
    blocks = whole.topk(k, dim=1).indices.unsqueeze(2)  # (n, k, 1)
    columns = (blocks * BLOCK + torch.arange(BLOCK, device=blocks.device)).flatten(1)
    is_outside = columns >= scores.shape[1]
    values = scores.gather(1, columns.masked_fill(is_outside, 0))
    values, at = values.masked_fill_(is_outside, -torch.inf).topk(k, dim=1)
    return values, columns.gather(1, at)
