"""Sentences for values in a config that cannot work."""


def check_at_least(option: str, value: float, minimum: float) -> None:
    """Raise ValueError if `value` of the config's `option` is below `minimum`."""
    if value < minimum:
        raise ValueError(f"`{option} = {value}` cannot work: set it to {minimum} or more.")


def check_rate(option: str, value: float | None) -> None:
    """Raise ValueError if `value` of the config's `option` is no share in [0, 1)."""
    if value is not None and not 0 <= value < 1:
        raise ValueError(f"`{option} = {value}` is no rate: set it to 0 or more and below 1.")


def check_choice(option: str, value: str, choices: list[str]) -> None:
    """Raise ValueError if `value` of the config's `option` is none of `choices`."""
    if value not in choices:
        raise ValueError(
            f"`{option} = {value!r}` is unknown: set it to one of {', '.join(choices)}."
        )
