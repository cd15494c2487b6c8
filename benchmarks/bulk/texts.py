"""The texts that all sides read: a corpus's sentences, again and again, in one Parquet file."""

from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from spacy.tokens import DocBin
from spacy.vocab import Vocab

ROWS_AT_ONCE = 100_000
ID, TEXT = "id", "text"


def sentences(corpus: Path) -> list[str]:
    """The texts of a `.spacy` file."""
    return [doc.text for doc in DocBin().from_disk(corpus).get_docs(Vocab())]


def write_texts(corpus: Path, rows: int, path: Path, *, new_words: bool = False) -> None:
    """Write so many rows with a number and a text.

    new_words: whether each text ends with a word that no other text has.
    """
    texts: Iterator[str] = islice(cycle(sentences(corpus)), rows)
    if new_words:
        texts = (f"{text} x{number:x}x" for number, text in enumerate(texts))
    schema = pa.schema([(ID, pa.int64()), (TEXT, pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        for first in range(0, rows, ROWS_AT_ONCE):
            found = list(islice(texts, ROWS_AT_ONCE))
            numbers = range(first, first + len(found))
            writer.write_table(pa.table([list(numbers), found], schema=schema))


def read_texts(path: Path) -> list[str]:
    return pq.read_table(path, columns=[TEXT])[TEXT].to_pylist()  # type: ignore[no-any-return]
