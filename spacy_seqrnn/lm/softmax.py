"""The output layer of a language model: an adaptive softmax over units, most frequent first.

Grave et al. 2017. The head has the most frequent units and one outcome for each cluster of rarer
ones. A cluster has fewer dimensions the rarer its units are, and is computed only for the
predictions that need it, so that a step of training costs little more than a softmax over the head,
and the probabilities are exact: they sum to 1 over all units.

The layer owns its parameters like any other layer, and torch's automatic differentiation computes
the gradients.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from thinc.api import Model
from thinc.initializers import glorot_uniform_init

from ..rnn.tensors import to_torch, to_xp
from ..saved.layers import describe_layer
from ..saved.shapes import Layer
from ..types import Floats1d, Floats2d

SHRINK = 4  # how many times fewer dimensions each cluster has than the one before
NARROWEST = 8
ROWS_AT_ONCE = 2048  # bounds the memory for the scores of all units


def AdaptiveSoftmax(cutoffs: list[int]) -> Model[Floats2d, Floats2d]:
    """Log probabilities of units, given states.

    cutoffs: the numbers of the first units of the clusters, ascending. Those that are not below the
        number of units have no effect.

    `predict` maps states, (n, nI), to natural logarithms of the probabilities, (n, nO). It trains
    by `train_softmax`.
    """
    return Layer(
        "adaptive_softmax",
        forward,
        init=init,
        dims={"nI": None, "nO": None},
        params={"head_W": None, "head_b": None},
        attrs={"cutoffs": list(cutoffs)},
    )


def forward(model: Model[Floats2d, Floats2d], X: Floats2d, is_train: bool) -> tuple[Floats2d, Any]:
    """The log probabilities of all units. It has no backward pass; see `train_softmax`."""
    arrays, ops = _arrays(model), model.ops
    with torch.inference_mode():
        parts = [_log_probabilities(model, arrays, x) for x in _in_chunks(to_torch(ops, X))]
        Y = torch.cat(parts) if parts else torch.zeros(0, model.get_dim("nO"))

    def backprop(dY: Floats2d) -> Floats2d:
        raise NotImplementedError("train an adaptive softmax by `train_softmax`")

    return to_xp(ops, Y), backprop


def param_shape(sizes: Any, param: str) -> tuple[int, ...]:
    """The shape of a parameter: of the head, or of a numbered cluster."""
    bounds, width = _bounds(sizes), sizes.get_dim("nI")
    part, _, kind = param.rpartition("_")
    n_clusters = len(bounds) - 2
    if part == "head":
        n_outputs = bounds[1] + n_clusters
        return {"W": (n_outputs, width), "b": (n_outputs,)}[kind]
    cluster = int(part.removeprefix("cluster_"))
    if not 0 <= cluster < n_clusters:
        raise ValueError(f"there are {n_clusters} clusters")
    n_units, narrow = bounds[cluster + 2] - bounds[cluster + 1], _narrow(width, cluster)
    return {"P": (narrow, width), "W": (n_units, narrow), "b": (n_units,)}[kind]


describe_layer(forward, param_shapes=param_shape, fixed_attrs=["cutoffs"])


def init(
    model: Model[Floats2d, Floats2d], X: Floats2d | None = None, Y: Floats2d | None = None
) -> None:
    if X is not None:
        model.set_dim("nI", X.shape[1])
    kinds = {"head": "Wb"} | {f"cluster_{i}": "PWb" for i in range(len(_bounds(model)) - 2)}
    for name in [f"{part}_{kind}" for part, letters in kinds.items() for kind in letters]:
        shape = param_shape(model, name)
        # Small scores: at first all units are about equally likely.
        array = glorot_uniform_init(model.ops, shape) if len(shape) > 1 else model.ops.alloc(shape)
        model.set_param(name, array)


def log_probabilities_of(
    model: Model[Floats2d, Floats2d], X: Floats2d, units: np.ndarray
) -> Floats1d:
    """The natural logarithm of the probability of one unit for each state.

    X: Shape (n, nI). units: Shape (n,).
    """
    arrays, ops = _arrays(model), model.ops
    wanted = torch.from_numpy(np.asarray(units, dtype="int64"))
    with torch.inference_mode():
        states = to_torch(ops, X)
        wanted = wanted.to(states.device)
        found = [
            _log_probabilities_of(model, arrays, x, y)
            for x, y in zip(_in_chunks(states), _in_chunks(wanted), strict=True)
        ]
        return to_xp(ops, torch.cat(found) if found else states.new_zeros(0))


def train_softmax(
    model: Model[Floats2d, Floats2d], X: Floats2d, units: np.ndarray, scale: float
) -> tuple[float, Floats2d]:
    """Learn that each state is followed by its unit.

    X: Shape (n, nI). units: Shape (n,).
    scale: what the gradients of the summed loss are multiplied by.

    Returns the loss, which is the summed negative log probability in nats, and the gradient of X.
    """
    ops = model.ops
    arrays = {name: array.detach().requires_grad_() for name, array in _arrays(model).items()}
    x = to_torch(ops, X).requires_grad_()
    wanted = torch.from_numpy(np.asarray(units, dtype="int64")).to(x.device)
    with torch.enable_grad():
        loss = -_log_probabilities_of(model, arrays, x, wanted).sum()
    names = list(arrays)
    inputs = [x, *arrays.values()]
    dX, *gradients = torch.autograd.grad(loss * scale, inputs, allow_unused=True)
    for name, gradient in zip(names, gradients, strict=True):
        if gradient is not None:  # of a cluster that no unit is in
            model.inc_grad(name, to_xp(ops, gradient))
    return float(loss.detach()), to_xp(ops, dX)


def _bounds(sizes: Any) -> list[int]:
    """The first units of the head and of the clusters, and the number of units."""
    n_units = sizes.get_dim("nO")
    return [0, *(cutoff for cutoff in sizes.attrs["cutoffs"] if cutoff < n_units), n_units]


def _narrow(width: int, cluster: int) -> int:
    """The number of dimensions of a cluster's units."""
    narrow: int = max(width // SHRINK ** (cluster + 1), min(width, NARROWEST))
    return narrow


def _arrays(model: Model[Floats2d, Floats2d]) -> dict[str, torch.Tensor]:
    return {name: to_torch(model.ops, model.get_param(name)) for name in model.param_names}


def _in_chunks(rows: torch.Tensor) -> Iterator[torch.Tensor]:
    return iter(rows.split(ROWS_AT_ONCE) if len(rows) else ())


def _head(arrays: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """Log probabilities of the head's units and of the clusters. Shape (n, n_outputs)."""
    return torch.log_softmax(torch.addmm(arrays["head_b"], x, arrays["head_W"].T), dim=1)


def _cluster(arrays: dict[str, torch.Tensor], x: torch.Tensor, number: int) -> torch.Tensor:
    """Log probabilities of a cluster's units, given the cluster. Shape (n, n_units)."""
    P, W, b = (arrays[f"cluster_{number}_{kind}"] for kind in "PWb")
    return torch.log_softmax(torch.addmm(b, x @ P.T, W.T), dim=1)


def _log_probabilities(
    model: Model[Floats2d, Floats2d], arrays: dict[str, torch.Tensor], x: torch.Tensor
) -> torch.Tensor:
    head, first = _head(arrays, x), _bounds(model)[1]
    clusters = [
        head[:, [first + number]] + _cluster(arrays, x, number)
        for number in range(head.shape[1] - first)
    ]
    return torch.cat([head[:, :first], *clusters], dim=1)


def _log_probabilities_of(
    model: Model[Floats2d, Floats2d],
    arrays: dict[str, torch.Tensor],
    x: torch.Tensor,
    units: torch.Tensor,
) -> torch.Tensor:
    """Shape (n,)."""
    bounds = _bounds(model)
    head = _head(arrays, x)
    first = bounds[1]
    starts = torch.tensor(bounds[1:-1], dtype=torch.int64, device=x.device)
    cluster = torch.bucketize(units, starts, right=True) - 1  # -1 in the head, (n,)
    outcome = torch.where(cluster < 0, units, first + cluster)
    found = head.gather(1, outcome[:, None])[:, 0]
    for number, start in enumerate(bounds[1:-1]):
        rows = torch.nonzero(cluster == number)[:, 0]
        if len(rows):
            within = _cluster(arrays, x[rows], number)
            wanted = (units[rows] - start)[:, None]
            found = found.index_add(0, rows, within.gather(1, wanted)[:, 0])
    return found


def likeliest(model: Model[Floats2d, Floats2d], X: Floats2d) -> np.ndarray:
    """The most probable unit for each state. Shape (n,), int64, on the host.

    X: Shape (n, nI).
    """
    arrays = _arrays(model)
    with torch.inference_mode():
        states = to_torch(model.ops, X)
        found = [_likeliest(model, arrays, x) for x in _in_chunks(states)]
        units: np.ndarray = (torch.cat(found) if found else states.new_zeros(0)).cpu().numpy()
    return units.astype("int64")


def _likeliest(
    model: Model[Floats2d, Floats2d], arrays: dict[str, torch.Tensor], x: torch.Tensor
) -> torch.Tensor:
    bounds = _bounds(model)
    head = _head(arrays, x)
    best, units = head[:, : bounds[1]].max(dim=1)
    for number, start in enumerate(bounds[1:-1]):
        of_cluster = head[:, bounds[1] + number]
        rows = torch.nonzero(of_cluster > best)[:, 0]  # a unit of it is at most as probable as it
        if len(rows):
            within, at = _cluster(arrays, x[rows], number).max(dim=1)
            within = within + of_cluster[rows]
            better = within > best[rows]
            best[rows[better]], units[rows[better]] = within[better], at[better] + start
    return units
