"""What stands for the backward pass after a prediction."""

from typing import Any, NoReturn


def no_backprop(gradient: Any) -> NoReturn:
    """Raise ValueError: a prediction keeps nothing to go back with."""
    raise ValueError("A prediction has no backward pass: call the model with is_train=True.")
