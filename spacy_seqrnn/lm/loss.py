"""The training loss of a language model."""

import numpy as np
from thinc.api import Model

from ..types import Floats2d
from .model import Predictors
from .softmax import train_softmax
from .units import END


def learn_units(
    softmax: Model[Floats2d, Floats2d], found: Predictors, numbers: np.ndarray, scale: float
) -> tuple[float, Predictors]:
    """Learn which unit each state predicts.

    numbers: the unit of each token that is read.
    scale: what the gradients of the summed loss are multiplied by.

    Returns the loss, the summed negative log probability of all directions' predictions in nats,
    and the gradient of the states.
    """
    loss, gradients = 0.0, []
    for states, positions in zip(found.states, found.positions, strict=True):
        units = units_at(numbers, positions.targets)
        of_direction, gradient = train_softmax(softmax, states, units, scale)
        loss += of_direction
        gradients.append(gradient)
    return loss, Predictors(gradients, found.positions)


def units_at(numbers: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The units that are predicted. Shape (n_predictions,).

    numbers: the unit of each token that is read.
    targets: see `Positions`.
    """
    units: np.ndarray = np.append(numbers, END)[targets]  # the end of a text is -1
    return units
