"""Settings of the recogniser that cannot work."""

from typing import Any

from spacy.errors import Errors

from ..checks import is_number
from ..config_errors import ConfigError
from .biluo import PREFIXES


def check_weights(name: str, weights: dict[str, float]) -> None:
    """Raise ConfigError if a label weight of the component of this name is not above 0."""
    for label, weight in weights.items():
        if not is_number(weight) or weight <= 0:
            raise ConfigError(
                "label_weights",
                weights,
                f"The weight {weight!r} of label '{label}' cannot work: set it to a number above 0 "
                f"in `label_weights` of [components.{name}].",
            )


def check_spans_key(name: str, option: str, key: str | None) -> None:
    """Raise ConfigError if an option of the component of this name is a blank key."""
    if key is not None and not key.strip():
        raise ConfigError(
            option,
            key,
            f"`{option} = {key!r}` of [components.{name}] names no span group: set it to a name, "
            "or to null for none.",
        )


def check_label(label: Any) -> None:
    """Raise ValueError for what cannot be an entity label."""
    if not isinstance(label, str):
        raise ValueError(Errors.E187)
    if not label.strip():
        raise ValueError("An entity label must have at least one character that is no space.")
    if label.startswith("!"):  # how spaCy 2 wrote "no entity of this label"
        raise ValueError(Errors.E869.format(label=label))
    if label[:2] in [f"{prefix}-" for prefix in PREFIXES]:
        raise ValueError(
            f"The entity label '{label}' looks like the tag of a single token: annotate spans with "
            f"the label '{label[2:]}', e.g. by converting the data with `spacy convert -c ner`."
        )
