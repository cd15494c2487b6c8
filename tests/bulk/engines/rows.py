"""The rows that each engine annotates, and what one process says of them."""

import datetime
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import spacy
from spacy.tokens import Doc

from spacy_seqrnn import Annotator
from spacy_seqrnn.bulk.columns import COLUMNS

from ...conftest import CLAUSES, ODD_TEXTS
from ..pipelines import assert_close, by_loops

N_ROWS, N_FILES, GROUP_ROWS = 3000, 3, 250
FIRST = range(2 * GROUP_ROWS)  # some rows without and with texts
KEPT = ["when", "source"]
ROOT = Path(__file__).parents[3]
START = datetime.datetime(2026, 3, 29, tzinfo=datetime.UTC)  # a night with a change of clocks
ERRORS = {
    None: "the text is missing (null)",
    "long": "the text has 1,250,000 characters, more than the 1,000,000 of the pipeline's "
    "`nlp.max_length`",
}


def write_rows(folder: Path) -> None:
    """Write Parquet files with several row groups each, one of them without any text."""
    rows = pa.Table.from_pylist([_row(i) for i in range(N_ROWS)], SCHEMA)
    folder.mkdir()
    for number in range(N_FILES):
        part = rows.slice(number * N_ROWS // N_FILES, N_ROWS // N_FILES)
        pq.write_table(part, folder / f"{number}.parquet", row_group_size=GROUP_ROWS)


SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64()),
        pa.field("text", pa.string()),
        pa.field("when", pa.timestamp("us", "UTC")),
        pa.field("source", pa.string()),
        pa.field("unread", pa.list_(pa.struct([("a", pa.float64())]))),
    ]
)


def _row(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "text": _text(number),
        "when": START + datetime.timedelta(minutes=number),
        "source": None if number % 7 == 0 else f"source {number} 😀",
        "unread": [{"a": 0.5}],
    }


def _text(number: int) -> str | None:
    chance = random.Random(number)
    if number < GROUP_ROWS or chance.random() < 0.03:
        return None
    if number == N_ROWS // 2:
        return "Oslo " * 250_000
    if chance.random() < 0.1:
        return chance.choice(ODD_TEXTS)
    clauses = [" ".join(chance.choice(CLAUSES)) for _ in range(chance.randint(1, 4))]
    # The emoji is one character of Python's and two of Java's.
    return " . ".join([f"naïve 😀 {number}", *clauses])


def expect_rows(
    model: Path, numbers: range = range(N_ROWS), batch_size: int | None = None
) -> dict[int, dict[str, Any]]:
    """The annotated row of each ID, by plain loops over the documents of one process."""
    nlp = spacy.load(model)
    rows = [_row(number) for number in numbers]
    good = [row for row in rows if row["text"] is not None and len(row["text"]) < nlp.max_length]
    docs = nlp.pipe([row["text"] for row in good], batch_size=batch_size)
    by_id = {row["id"]: doc for row, doc in zip(good, docs, strict=True)}
    return {row["id"]: _expected(row, by_id.get(row["id"])) for row in rows}


def _expected(row: dict[str, Any], doc: Doc | None) -> dict[str, Any]:
    annotation = dict.fromkeys(COLUMNS) if doc is None else by_loops(doc)
    error = ERRORS[row["text"] and "long"] if doc is None else None
    kept = {name: row[name] for name in ("id", *KEPT)}
    return {**kept, **annotation, "error": error}


def read_rows(folder: Path) -> dict[int, dict[str, Any]]:
    """The rows that an engine wrote, by ID. Each ID is there once."""
    rows = pq.read_table(folder).to_pylist()
    found = {row["id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def types(schema: pa.Schema) -> dict[str, pa.DataType]:
    """The type of each column; engines name the parts of lists and maps in different ways."""
    return {field.name: _plain(field.type) for field in schema}


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_map(kind):
        return pa.map_(_plain(kind.key_type), _plain(kind.item_type))
    if pa.types.is_list(kind):
        return pa.list_(_plain(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _plain(field.type)) for field in kind])
    return pa.string() if kind == pa.large_string() else kind


def check(folder: Path, annotate: Annotator, expected: dict[int, dict[str, Any]]) -> None:
    """Compare what an engine wrote with what one process says.

    The last digits of scores depend on which texts are in a batch, and each engine has its own
    batches. With one text in a batch they are equal: see `FIRST`.
    """
    assert types(pq.read_table(folder).schema) == types(annotate.schema(SCHEMA))
    assert_close(_sorted(read_rows(folder)), expected)


def _sorted(rows: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    return {i: rows[i] for i in sorted(rows)}


def run_job(engine: str, model: Path, texts: Path, output: Path) -> None:
    """Run an example as a program of its own. It replaces what is there."""
    earlier = output / "failed=false"
    earlier.mkdir(parents=True)
    pq.write_table(pa.table({"id": [-1]}), earlier / "earlier.parquet")
    job = ROOT / "examples" / "scaling" / f"{engine}_job.py"
    done = subprocess.run(
        [sys.executable, job, model, texts, output],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout


def check_job(output: Path, expected: dict[int, dict[str, Any]]) -> None:
    """Compare the two folders that an example wrote with what one process says."""
    by_folder = {folder.name.lower(): read_rows(folder) for folder in output.glob("failed=*")}
    for failed in (False, True):
        found = by_folder.pop(f"failed={failed}".lower())
        wanted = {i: row for i, row in expected.items() if (row["error"] is not None) == failed}
        names = next(iter(found.values())).keys()
        assert {"id", "entities", "cats", "tags", "tokens", "error"} <= names
        assert_close(
            _sorted(found), {i: {name: row[name] for name in names} for i, row in wanted.items()}
        )
    assert not by_folder
