"""Settings of the recogniser that cannot work."""

from typing import Any

from thinc.api import Model

from ..batch.windows import listens
from ..config_errors import ConfigError


def check_model(name: str, model: Any) -> None:
    """Raise ConfigError if the model of the component of this name gives no chain."""
    if not isinstance(model, Model) or "gives_chain" not in model.attrs:
        raise ConfigError(
            "model",
            None,
            f"The model of '{name}' gives no scores of tag sequences: set "
            f'`@architectures = "spacy-seqrnn.NER.v1"` in [components.{name}.model].',
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


def check_rehearsal(name: str, model: Model[Any, Any]) -> None:
    """Raise ValueError if the model listens to a shared `tok2vec`, as spaCy's does not rehearse."""
    if listens(model):
        raise ValueError(
            f"'{name}' cannot rehearse with the token vectors of a shared `tok2vec`: give "
            f"it its own before, with `nlp.replace_listeners('tok2vec', '{name}', "
            "['model.tok2vec'])`."
        )
