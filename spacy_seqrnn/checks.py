"""Error messages for values in a config that cannot work.

Types are checked here too: spaCy accepts text for a number if it reads like one.
"""

from math import isfinite
from numbers import Integral, Real
from typing import Any

from .config_errors import ConfigError

# Bounds that no real model reaches. A larger value is a mistake, and is reported before any memory
# is allocated for it.
WIDEST = 65_536
DEEPEST = 100
MOST_ROWS = 2**31 - 1  # rows are numbered in 32 bits


def check_int(option: str, value: Any, least: int, most: int | None = None) -> None:
    """Raise ConfigError if `value` of the config's `option` is not an integer in these bounds."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise ConfigError(
            option,
            value,
            f"`{option} = {value!r}` is not a whole number: set it to {least} or more.",
        )
    check_at_least(option, value, least)
    if most is not None and int(value) > most:
        raise ConfigError(
            option, value, f"`{option} = {value}` cannot work: set it to {most} or less."
        )


def check_at_least(option: str, value: Any, least: float) -> None:
    """Raise ConfigError if `value` of the config's `option` is not a number of at least `least`."""
    if not is_number(value):
        raise ConfigError(
            option, value, f"`{option} = {value!r}` is not a number: set it to {least} or more."
        )
    if value < least:
        raise ConfigError(
            option, value, f"`{option} = {value}` cannot work: set it to {least} or more."
        )


def check_rate(option: str, value: Any) -> None:
    """Raise ConfigError if `value` of the config's `option` is not in [0, 1)."""
    if not is_number(value) or not 0 <= value < 1:
        raise ConfigError(
            option, value, f"`{option} = {value!r}` is no rate: set it to 0 or more and below 1."
        )


def check_share(option: str, value: Any) -> None:
    """Raise ConfigError if `value` of the config's `option` is not in (0, 1]."""
    if not is_number(value) or not 0 < value <= 1:
        raise ConfigError(
            option,
            value,
            f"`{option} = {value!r}` cannot work: set it to a number above 0, and 1 or less.",
        )


def check_choice(option: str, value: str, choices: list[str]) -> None:
    """Raise ConfigError if `value` of the config's `option` is not one of `choices`."""
    if value not in choices:
        raise ConfigError(
            option,
            value,
            f"`{option} = {value!r}` is unknown: set it to one of {', '.join(choices)}.",
        )


def check_n_outputs(nO: Any) -> None:
    """Raise ConfigError if `nO` of the config cannot be a number of labels."""
    if nO is not None:
        check_int("nO", nO, 1, WIDEST)


def is_number(value: Any) -> bool:
    """Whether a value is a finite number, and not text or a boolean."""
    if isinstance(value, Integral):
        return not isinstance(value, bool)
    return isinstance(value, Real) and isfinite(value)
