"""What a run leaves, and what it should."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import spacy
import srsly

from spacy_seqrnn.bulk.manifest import FILE
from spacy_seqrnn.bulk.run import REJECTS

from .conftest import BAD, ROWS, TEXTS


def rows_of(output: Path) -> list[dict[str, Any]]:
    """The rows of all files of the output, in their order."""
    tables = [pq.read_table(path) for path in sorted(output.glob("*.parquet"))]
    return [row for table in tables for row in table.to_pylist()]


def rejects_of(output: Path) -> list[dict[str, Any]]:
    return list(srsly.read_jsonl(output / REJECTS))


def files_of(output: Path) -> dict[str, bytes]:
    """All that a run leaves but its account, whose order is that of the workers."""
    paths = [path for path in output.rglob("*") if path.is_file() and path.name != FILE]
    return {str(path.relative_to(output)): path.read_bytes() for path in paths}


def expected(model: str) -> list[dict[str, Any]]:
    """What `nlp.pipe` finds in the rows that are texts."""
    ids = [i for i in range(ROWS) if i not in BAD]
    docs = spacy.load(model).pipe(TEXTS[i % len(TEXTS)] for i in ids)
    entities = [[_entity(ent) for ent in doc.ents] for doc in docs]
    return [{"id": i, "entities": found} for i, found in zip(ids, entities, strict=True)]


def _entity(ent: Any) -> dict[str, Any]:
    place = {"start": ent.start_char, "end": ent.end_char}
    return {**place, "label": ent.label_, "text": ent.text, "score": None}
