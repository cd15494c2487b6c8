"""The documents that a model reads."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from spacy.tokens import Doc

from ..config_errors import ConfigError

Found = TypeVar("Found")


class DocBatch:
    """The documents of one call of a model, and what its layers have computed about them.

    Layers of this package pass it to each other instead of a list of documents, so that the members
    of an ensemble share such results. It lives as long as the call, during which documents do not
    change. It is never a list: other packages' layers get the documents alone.
    """

    def __init__(self, docs: list[Doc]) -> None:
        self.docs = docs
        self._found: dict[Hashable, Any] = {}

    @property
    def lengths(self) -> list[int]:
        """Tokens of each document."""
        return [len(doc) for doc in self.docs]

    def once(self, key: Hashable, find: Callable[[], Found]) -> Found:
        """The result of `find`, which is called only once per key."""
        if key not in self._found:
            self._found[key] = find()
        found: Found = self._found[key]
        return found


def check_docs(name: str, X: list[Any] | None) -> None:
    """Raise ValueError if a layer is initialised with anything but documents. name: the layer's."""
    if X is not None and not all(isinstance(doc, Doc) for doc in X):
        raise ConfigError(
            "@architectures",
            None,
            f"'{name}' embeds the words of documents, but got {type(X[0]).__name__}: name it as "
            '`embed` of `@architectures = "spacy.Tok2Vec.v2"`, with nothing before it.',
        )
