"""Checks of the recogniser's settings."""

from typing import Any

from thinc.api import Model

from ..batch.windows import listens
from ..config_errors import ConfigError


def check_model(name: str, model: Any) -> None:
    """Raise ConfigError if the model returns no chain. name: the component's."""
    if not isinstance(model, Model) or "gives_chain" not in model.attrs:
        raise ConfigError(
            "model",
            None,
            f"The model of '{name}' does not score tag sequences: set "
            f'`@architectures = "spacy-seqrnn.NER.v1"` in [components.{name}.model].',
        )


def check_spans_key(name: str, option: str, key: str | None) -> None:
    """Raise ConfigError if an option is a blank key. name: the component's."""
    if key is not None and not key.strip():
        raise ConfigError(
            option,
            key,
            f"`{option} = {key!r}` of [components.{name}] is not a name of a span group: set a "
            "name, "
            "or null for none.",
        )


def check_rehearsal(name: str, model: Model[Any, Any]) -> None:
    """Raise ValueError if the model listens to a shared `tok2vec`, which does not rehearse."""
    if listens(model):
        raise ValueError(
            f"'{name}' cannot rehearse with a shared `tok2vec`: first give "
            f"it its own, with `nlp.replace_listeners('tok2vec', '{name}', "
            "['model.tok2vec'])`."
        )
