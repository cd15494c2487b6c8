"""Token vectors that a language model shares with other components, through a listener."""

from typing import Any, TypeAlias

from spacy.language import Language
from spacy.tokens import Doc
from spacy.ty import ListenedToComponent
from thinc.api import Model

from ..batch.windows import listens
from ..config_errors import ConfigError
from ..types import Floats2d

Tok2Vec: TypeAlias = Model[list[Doc], list[Floats2d]]


def check_listener(tok2vec: Tok2Vec) -> None:
    """Raise ConfigError if a listener is only a part of a language model's `tok2vec`."""
    if listens(tok2vec) and not is_listener(tok2vec):
        raise ConfigError(
            "tok2vec",
            None,
            "A language model cannot use a listener as a part of its `tok2vec`, as that has read "
            "words on both sides: let the listener be the `tok2vec`, and put the encoder into the "
            "component that it listens to.",
        )


def is_listener(tok2vec: Tok2Vec) -> bool:
    """Whether token vectors are those of an earlier component, and nothing is added to them."""
    return hasattr(tok2vec, "upstream_name")


def origin_of(tok2vec: Tok2Vec, nlp: Language | None) -> Tok2Vec:
    """What computes token vectors: the model of the component that is listened to, or the given.

    nlp: the pipeline.

    Raises ConfigError for a listener that listens to no component of the pipeline.
    """
    if not is_listener(tok2vec):
        return tok2vec
    return find_upstream(tok2vec, nlp).model  # type: ignore[no-any-return]  # spaCy says Any


def find_upstream(listener: Tok2Vec, nlp: Language | None) -> Any:
    """The component of a pipeline that a listener listens to. Raises ConfigError if none."""
    for _, component in nlp.components if nlp else ():  # including frozen ones
        if isinstance(component, ListenedToComponent) and listener in component.listeners:
            return component
    raise ConfigError(
        "tok2vec",
        None,
        "The listener of the language model listens to no component: put a `tok2vec` before the "
        "language model in the pipeline.",
    )


def embed_shared(tok2vec: Tok2Vec, nlp: Language, docs: list[Doc]) -> None:
    """Let the component that is listened to, if any, read documents that no pipeline has read."""
    if is_listener(tok2vec):
        upstream = find_upstream(tok2vec, nlp)
        upstream.set_annotations(docs, upstream.predict(docs))
