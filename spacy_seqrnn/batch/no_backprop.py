"""What stands for the way back after a prediction."""

from typing import Any, NoReturn


def no_backprop(gradient: Any) -> NoReturn:
    """Raise ValueError: a prediction keeps nothing to go back with."""
    raise ValueError("A prediction has no way back: call the model with is_train=True.")
