"""Whether a training run may go on with a config, and with components as they are now."""

import json
from typing import Any

from spacy.language import Language
from spacy.util import dict_to_dot

# What only says how long to train, or has no influence on the result
FREE = ("training.max_steps", "training.max_epochs", "training.patience")
FREE_SECTIONS = ("training.logger.", "training.gpu_allocator", "system.gpu_allocator")


def as_json(value: Any) -> Any:
    """A config, or settings, as they look after they were saved as JSON and read."""
    return json.loads(json.dumps(value, default=_type_name))


def _type_name(value: Any) -> str:
    return type(value).__name__


def find_change(old: dict[str, Any], new: dict[str, Any]) -> str:
    """What is different in a config, as "NAME was VALUE and is VALUE now"; "" if nothing matters.

    old, new: interpolated configs, as `as_json` returns them.
    """
    before, now = dict_to_dot(old), dict_to_dot(new)
    for name in dict.fromkeys([*before, *now]):
        if before.get(name) != now.get(name) and not _is_free(name, before, now):
            was, value = (_shown(config, name) for config in (before, now))
            return f"`{name}` was {was} and is {value} now"
    return ""


def _is_free(name: str, before: dict[str, Any], now: dict[str, Any]) -> bool:
    if name == "training.max_epochs":
        # Below 0, examples are streamed, and otherwise they are shuffled.
        return bool((before.get(name, 0) < 0) == (now.get(name, 0) < 0))
    return name in FREE or name.startswith(FREE_SECTIONS)


def _shown(config: dict[str, Any], name: str) -> str:
    return json.dumps(config[name], ensure_ascii=False) if name in config else "not set"


def describe_components(nlp: Language) -> Any:
    """Labels and settings of all components, which follow from the data when they are initialised.

    Returns what JSON can express.
    """
    settings = {name: getattr(component, "cfg", None) for name, component in nlp.pipeline}
    labels = {name: list(labels) for name, labels in nlp.pipe_labels.items()}
    return as_json({"labels": labels, "settings": settings})
