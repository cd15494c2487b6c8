"""spaCy's own files: tokens, which the pipeline annotates."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from ..pipelines import Tokens
from .common import InputFile, Part, Progress, Reading, Rows, number_parts, take
from .streams import Stored, open_stored


@dataclass(frozen=True)
class DocBins:
    """Files of documents. Their annotation is not read, and there are no columns to keep."""

    def types(self, path: str, reading: Reading) -> dict[str, pa.DataType] | None:
        """There are no columns; see `Format.types`."""
        if reading.kept:
            raise ValueError(
                f"'{path}' has documents and no columns, so '{reading.kept[0]}' cannot be kept: "
                "keep nothing, or give texts in another format."
            )
        return {}

    def plan(self, path: str, reading: Reading, progress: Progress) -> InputFile:
        """One part, as such a file is read as a whole; see `parts.plan`."""
        with Stored(path, progress) as stored:
            data = stored.readall()
            checksum = stored.finish()
        n_docs = len(_load(path, data))
        parts = number_parts(path, [(0, 0, n_docs)] if n_docs else [])
        return InputFile(path, stored.size, checksum, parts, n_docs)

    def read(self, part: Part, reading: Reading) -> Iterator[Rows]:
        """The documents of a part; see `parts.read`."""
        with open_stored(part.file) as stored:
            found = _load(part.file, stored.read())
        # Words that only this file has stay out of the pipeline's vocabulary.
        docs = enumerate(map(_as_tokens, found.get_docs(Vocab())))
        while batch := take(docs, _size):
            kept = pa.RecordBatch.from_arrays([], schema=reading.schema)
            yield Rows([number for number, _ in batch], [text for _, text in batch], kept, [])


def _load(path: str, data: bytes) -> DocBin:
    try:
        return DocBin().from_bytes(data)
    except Exception as error:  # of zlib, msgpack or spaCy
        raise ValueError(f"'{path}' is not a whole file of spaCy's documents: {error}") from error


def _as_tokens(doc: Doc) -> Tokens:
    return Tokens([token.text for token in doc], [bool(token.whitespace_) for token in doc])


def _size(row: tuple[int, Tokens]) -> int:
    return len(row[1])
