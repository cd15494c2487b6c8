"""The states of the generators that training draws random numbers from."""

import random
from typing import Any

import numpy as np
import torch
from thinc.api import get_current_ops

# By generator, of what JSON can express, so that states can be compared and saved
States = dict[str, Any]


def read_states() -> States:
    """The state of each generator, except CuPy's, which nobody can read."""
    numpy_state = np.random.get_state(legacy=False)
    state = numpy_state["state"]
    states = {
        "random": random.getstate(),
        "numpy": {**numpy_state, "state": {**state, "key": state["key"].tobytes().hex()}},
        "torch": torch.get_rng_state().numpy().tobytes().hex(),
    }
    if torch.cuda.is_initialized():
        states["cuda"] = torch.cuda.get_rng_state().numpy().tobytes().hex()
    return states


def set_states(states: States) -> None:
    """Let some generators continue from a state."""
    if "random" in states:
        version, numbers, gauss = states["random"]
        random.setstate((version, tuple(numbers), gauss))
    if "numpy" in states:
        state = states["numpy"]["state"]
        key = np.frombuffer(bytes.fromhex(state["key"]), "uint32")
        np.random.set_state({**states["numpy"], "state": {**state, "key": key}})
    if "torch" in states:
        torch.set_rng_state(_tensor(states["torch"]))
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(_tensor(states["cuda"]))


def _tensor(state: str) -> torch.Tensor:
    return torch.frombuffer(bytearray.fromhex(state), dtype=torch.uint8)


def seed_gpu(step: int) -> None:
    """Let CuPy's generator, if there is one, begin anew from NumPy's state and a step.

    Its state can be neither read nor set, but done at each saved step, this has the same effect.
    """
    ops = get_current_ops()
    if ops.device_type == "gpu":
        numbers = np.random.get_state(legacy=False)["state"]["key"]
        ops.xp.random.seed((int(numbers[0]) + step) % 2**32)
