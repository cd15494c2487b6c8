"""What an optimizer knows of each parameter, saved and set. Thinc saves no optimizers.

Thinc finds a parameter by the number of its layer, which counts the layers that the process has
made so far. In a file, the place of the layer in its component takes the place of that number.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from thinc.api import Model, Optimizer, get_current_ops

Models = dict[str, Model[Any, Any]]
Key = tuple[int, str]  # number of the layer and name of the parameter
ARRAYS = ("mom1", "mom2", "averages")
OTHER = ""  # in place of a component: a layer that is in none, so that its number has to do


def save_optimizer(
    optimizer: Optimizer, models: Models
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The state of an optimizer, as what JSON can express, and as arrays by name.

    models: the models that it trains, by component.
    """
    ops = get_current_ops()
    places = _find_places(optimizer, models)
    arrays = {
        f"{name}/{number}": ops.to_numpy(array_of[key])
        for name in ARRAYS
        for number, key in enumerate(places)
        if key in (array_of := getattr(optimizer, name) or {})
    }
    updates = [[*place, optimizer.nr_update[key]] for key, place in places.items()]
    return {"updates": updates, "radam": optimizer._radam_buffer}, arrays


def restore_optimizer(
    optimizer: Optimizer, models: Models, state: dict[str, Any], arrays: Any
) -> None:
    """Set the state of an optimizer, whose schedules are not part of it.

    state, arrays: as `save_optimizer` returns them, the arrays perhaps as a file of them.
    """
    ops = get_current_ops()
    owners = dict(_owners(models))
    optimizer._radam_buffer[:] = state["radam"]
    for number, (*where, param, n_updates) in enumerate(state["updates"]):
        owner = owners.get(tuple(where))
        key = (where[1] if owner is None else owner.id, param)
        optimizer.nr_update[key] = n_updates
        for name in ARRAYS:
            if f"{name}/{number}" in arrays:
                getattr(optimizer, name)[key] = ops.asarray(arrays[f"{name}/{number}"])
        if isinstance(owner, Model):
            # Once a parameter has had a gradient, Thinc updates it at every step, also by momentum
            # alone, so it must have one again, which is zero between two steps.
            owner.set_grad(param, ops.xp.zeros_like(owner.get_param(param)))


def _owners(models: Models) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """All layers and shims, by component, index of the layer, and index of the shim or -1."""
    for name, model in models.items():
        for index, layer in enumerate(model.walk()):
            yield (name, index, -1), layer
            for number, shim in enumerate(layer.shims):
                yield (name, index, number), shim


def _find_places(optimizer: Optimizer, models: Models) -> dict[Key, tuple[Any, ...]]:
    """The place of each parameter that the optimizer has updated, with the parameter's name."""
    of_params: dict[Key, tuple[Any, ...]] = {}
    of_shims: dict[int, tuple[Any, ...]] = {}
    for place, owner in _owners(models):
        if not isinstance(owner, Model):
            of_shims.setdefault(owner.id, place)
            continue
        for param in owner.param_names:
            of_params.setdefault((owner.id, param), place)
    return {
        # Layers and shims are numbered separately, so a number alone may be of either.
        key: (*(of_params.get(key) or of_shims.get(key[0]) or (OTHER, key[0], -1)), key[1])
        for key in optimizer.nr_update
    }
