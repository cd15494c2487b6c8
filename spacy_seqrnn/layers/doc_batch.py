"""A batch of documents that several models read."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from spacy.tokens import Doc

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
