"""A batch of documents that several models read."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from spacy.tokens import Doc

from ..config_errors import ConfigError

Found = TypeVar("Found")


class DocBatch(list[Doc]):
    """Documents, and what the members of an ensemble would otherwise all find out about them.

    It lives as long as one call of the model, within which documents do not change.
    """

    def __init__(self, docs: list[Doc]) -> None:
        super().__init__(docs)
        self.found: dict[Hashable, Any] = {}


def find_once(docs: list[Doc], key: Hashable, find: Callable[[], Found]) -> Found:
    """What `find` gives; if the documents are a `DocBatch`, it is called only once for each key."""
    if not isinstance(docs, DocBatch):
        return find()
    if key not in docs.found:
        docs.found[key] = find()
    return docs.found[key]


def check_docs(name: str, X: list[Any] | None) -> None:
    """Raise ValueError if the layer of this name is initialised with anything but documents."""
    if X is not None and not all(isinstance(doc, Doc) for doc in X):
        raise ConfigError(
            "@architectures",
            None,
            f"'{name}' embeds the words of documents, but gets {type(X[0]).__name__}: name it as "
            '`embed` of `@architectures = "spacy.Tok2Vec.v2"`, with nothing before it.',
        )
