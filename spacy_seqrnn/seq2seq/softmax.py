"""The output layer of a decoder: an exact softmax over all units, trained with label smoothing."""

import torch

from ..rnn.cells import Tensors

NUMBERS_AT_ONCE = 2**22  # bounds the memory for the scores of all units


def log_probabilities(weights: torch.Tensor, bias: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Natural logarithms of the probabilities of all units. Shape (n, nO).

    weights: (nO, A). bias: (nO,). x: the decoder's outputs, (n, A).
    """
    return torch.log_softmax(torch.addmm(bias, x, weights.T), dim=1)


def log_probabilities_of(
    weights: torch.Tensor, bias: torch.Tensor, x: torch.Tensor, units: torch.Tensor
) -> torch.Tensor:
    """Those of one unit for each output. units: (n,). Returns (n,)."""
    found = [
        log_probabilities(weights, bias, x[rows]).gather(1, units[rows, None])[:, 0]
        for rows in in_parts(len(x), len(bias))
    ]
    return torch.cat(found) if found else x.new_zeros(0)


def learn(
    weights: torch.Tensor,
    bias: torch.Tensor,
    x: torch.Tensor,
    units: torch.Tensor,
    *,
    smoothing: float,
    scale: float,
    gradients: Tensors,
) -> tuple[float, torch.Tensor]:
    """The loss and its gradients.

    Label smoothing (Szegedy et al. 2016) spreads a share of the wanted probability over all units:
    the loss is the cross entropy with (1 - smoothing) of the unit, and smoothing / nO of all.

    weights, bias, x: as for `log_probabilities`.
    units: the right ones. Shape (n,).
    scale: what the gradients of the summed loss are multiplied by.
    gradients: what those of `output_weights` and `output_bias` are added to.

    Returns the summed loss in nats, and the gradient of `x`.
    """
    loss, dx = 0.0, torch.empty_like(x)
    for rows in in_parts(len(x), len(bias)):
        scores = torch.addmm(bias, x[rows], weights.T)  # (n_rows, nO)
        scores -= scores.amax(1, keepdim=True)
        wanted = units[rows, None]
        right = scores.gather(1, wanted)
        mean = scores.mean(1, keepdim=True) if smoothing else 0.0
        d_scores = scores.exp_()
        total = d_scores.sum(1, keepdim=True)
        loss += float((total.log() - (1.0 - smoothing) * right - smoothing * mean).sum())
        d_scores /= total
        d_scores.scatter_add_(1, wanted, torch.full_like(right, smoothing - 1.0))
        d_scores.sub_(smoothing / len(bias)).mul_(scale)
        gradients["output_weights"].addmm_(d_scores.T, x[rows])
        gradients["output_bias"] += d_scores.sum(0)
        torch.mm(d_scores, weights, out=dx[rows])
    return loss, dx


def in_parts(n_rows: int, n_units: int, at_once: int = NUMBERS_AT_ONCE) -> list[slice]:
    """The rows of parts whose scores of all units fit into a bounded memory."""
    size = max(1, at_once // n_units)
    return [slice(first, min(first + size, n_rows)) for first in range(0, n_rows, size)]
