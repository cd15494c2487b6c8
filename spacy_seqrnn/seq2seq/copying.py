"""Copy units of the source: a mixture of the decoder's softmax and its attention.

See et al. 2017: with the probability σ(u) of the gate, a unit is one of the vocabulary, else one of
the source, each source token with the weight that the attention gives it. So names and other units
that are not in the vocabulary can be written. They have the numbers behind those of the vocabulary.
Shapes: N units of targets, S source tokens of the longest document, nO units of the vocabulary.
"""

import torch
from torch.nn.functional import logsigmoid

from ..rnn.cells import Tensors
from .softmax import in_parts, log_probabilities


def log_mixture(
    log_softmax: torch.Tensor, gates: torch.Tensor, copied: torch.Tensor
) -> torch.Tensor:
    """The log probability of units of the mixture.

    log_softmax: of the vocabulary, -inf for a unit that is not in it.
    gates: u. copied: the weight of the source tokens that are the unit. All of one shape.
    """
    return torch.logaddexp(logsigmoid(gates) + log_softmax, logsigmoid(-gates) + copied.log())


def all_log_probabilities(
    log_softmax: torch.Tensor,
    gates: torch.Tensor,
    shares: torch.Tensor,
    numbers: torch.Tensor,
) -> torch.Tensor:
    """The log probabilities of the units of the vocabulary and of the sources. (n, Q, at least nO)

    log_softmax: of the vocabulary, (n, Q, nO). gates: (n, Q). shares: the weights of the
        attention, (n, Q, S).
    numbers: the unit of each source token, (n, S), anything where there is none.
    """
    largest = int(numbers.max()) if numbers.numel() else -1
    missing = max(0, largest + 1 - log_softmax.shape[2])
    of_units = torch.nn.functional.pad(log_softmax, (0, missing), value=-torch.inf)
    copied = torch.zeros_like(of_units)
    copied.scatter_add_(2, numbers.clamp(min=0).unsqueeze(1).expand_as(shares), shares)
    return log_mixture(of_units, gates.unsqueeze(2).expand_as(of_units), copied)


def log_probabilities_of(
    weights: torch.Tensor,
    bias: torch.Tensor,
    x: torch.Tensor,
    gates: torch.Tensor,
    shares: torch.Tensor,
    matches: torch.Tensor,
    units: torch.Tensor,
) -> torch.Tensor:
    """The log probability of one unit for each output. Shape (N,).

    x: the decoder's outputs, (N, H). gates: (N,). shares: (N, S). units: (N,).
    matches: which source tokens are the unit. Shape (N, S), bool.
    """
    found = [
        _of_units(log_probabilities(weights, bias, x[rows]), units[rows])
        for rows in in_parts(len(x), len(bias))
    ]
    return log_mixture(torch.cat(found), gates, (shares * matches).sum(1))


def _of_units(scores: torch.Tensor, units: torch.Tensor) -> torch.Tensor:
    """The score of a unit in each row, -inf if it is not in the vocabulary. Shape (n_rows,)."""
    is_known = units < scores.shape[1]
    found = scores.gather(1, torch.where(is_known, units, 0).unsqueeze(1))[:, 0]
    return found.masked_fill_(~is_known, -torch.inf)


def learn_copying(
    weights: torch.Tensor,
    bias: torch.Tensor,
    x: torch.Tensor,
    gates: torch.Tensor,
    shares: torch.Tensor,
    matches: torch.Tensor,
    units: torch.Tensor,
    *,
    smoothing: float,
    scale: float,
    gradients: Tensors,
) -> tuple[float, torch.Tensor, torch.Tensor, torch.Tensor]:
    """The loss and its gradients: as `softmax.learn`, but of the mixture.

    Label smoothing is that of the softmax alone.

    Returns the summed loss, and the gradients of `x`, `gates` and `shares`.
    """
    tiny = torch.finfo(shares.dtype).tiny
    copied = (shares * matches).sum(1)  # (N,)
    # A weight may be too small for a float, but a unit of the source is never impossible.
    copied = torch.where(matches.any(1), copied.clamp(min=tiny), copied)
    loss, dx = 0.0, torch.empty_like(x)
    generated = torch.empty_like(gates)  # the share of the softmax in the right unit's probability
    for rows in in_parts(len(x), len(bias)):
        scores = log_probabilities(weights, bias, x[rows])
        right = _of_units(scores, units[rows])
        total = log_mixture(right, gates[rows], copied[rows])
        loss -= float(((1.0 - smoothing) * total + smoothing * scores.mean(1)).sum())
        generated[rows] = torch.exp(logsigmoid(gates[rows]) + right - total)
        wanted = (1.0 - smoothing) * generated[rows].unsqueeze(1)
        d_scores = scores.exp_().mul_(wanted + smoothing)
        d_scores.scatter_add_(1, _known(units[rows], len(bias)).unsqueeze(1), -wanted)
        d_scores.sub_(smoothing / len(bias)).mul_(scale)
        gradients["output_weights"].addmm_(d_scores.T, x[rows])
        gradients["output_bias"] += d_scores.sum(0)
        torch.mm(d_scores, weights, out=dx[rows])
    weight = (1.0 - smoothing) * scale
    d_gates = (torch.sigmoid(gates) - generated) * weight
    of_copies = (1.0 - generated) / copied.clamp(min=tiny) * -weight
    return loss, dx, d_gates, matches * of_copies.unsqueeze(1)


def _known(units: torch.Tensor, n_units: int) -> torch.Tensor:
    """Units of the vocabulary; others have no share of the softmax, so that any will do."""
    return torch.where(units < n_units, units, 0)
