"""The backward pass of a prediction, which raises an error."""

from typing import Any, NoReturn


def no_backprop(gradient: Any) -> NoReturn:
    """Raise ValueError: a prediction keeps nothing for a backward pass."""
    raise ValueError("A prediction has no backward pass: call the model with is_train=True.")
