"""The search for a temperature (Guo et al. 2017), for entities and for categories alike."""

from collections.abc import Callable

import numpy as np

TEMPERATURES = np.geomspace(0.1, 10.0, 21)  # then as many between the neighbours of the best one


def best_temperature(loss: Callable[[float], float]) -> float:
    """The temperature between 0.1 and 10 at which a loss is lowest, to about one per cent."""
    grid = TEMPERATURES
    for _ in range(2):
        best = int(np.argmin([loss(temperature) for temperature in grid]))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
        found, grid = float(grid[best]), np.geomspace(low, high, len(grid))
    return found
