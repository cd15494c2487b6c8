"""The documents that a model reads."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from spacy.tokens import Doc

from ..config_errors import ConfigError

Found = TypeVar("Found")


class DocBatch:
    """The documents of one call of a model, and what its layers found out about them.

    Layers of this package hand it to each other in place of a list of documents, so that the
    members of an ensemble share what each would otherwise find out for itself. It lives as long as
    the call, within which documents do not change, and is never a list: a layer of someone else's
    gets the documents alone.
    """

    def __init__(self, docs: list[Doc]) -> None:
        self.docs = docs
        self._found: dict[Hashable, Any] = {}

    @property
    def lengths(self) -> list[int]:
        """Tokens of each document."""
        return [len(doc) for doc in self.docs]

    def once(self, key: Hashable, find: Callable[[], Found]) -> Found:
        """What `find` gives. It is called only once for each key."""
        if key not in self._found:
            self._found[key] = find()
        found: Found = self._found[key]
        return found


def check_docs(name: str, X: list[Any] | None) -> None:
    """Raise ValueError if the layer of this name is initialised with anything but documents."""
    if X is not None and not all(isinstance(doc, Doc) for doc in X):
        raise ConfigError(
            "@architectures",
            None,
            f"'{name}' embeds the words of documents, but gets {type(X[0]).__name__}: name it as "
            '`embed` of `@architectures = "spacy.Tok2Vec.v2"`, with nothing before it.',
        )
