"""From inputs to parts, and from a part to its rows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa

from .formats.by_suffix import find_format
from .formats.common import InputFile, Part, Progress, Reading, Reject, Rows
from .formats.documents import FILE, Documents
from .formats.json_lines import FIRST_ROWS, JsonLines
from .formats.kept import agree
from .inputs import find_inputs, name_outputs, name_part

__all__ = [
    "InputFile",
    "Part",
    "Reading",
    "Reject",
    "Rows",
    "find_inputs",
    "find_types",
    "name_outputs",
    "name_part",
    "plan",
    "read",
]


def find_types(reading: Reading, inputs: Sequence[str]) -> Reading:
    """Look into the inputs for the types of the kept columns, which all must have in common.

    The types of JSON lines are those of the first 1,000 of each file. A folder of documents has
    the paths of its files as IDs.

    Returns the reading with these types. Raises ValueError if a column is missing, or has different
    types.
    """
    formats = {path: find_format(path) for path in inputs}
    folders = [path for path, each in formats.items() if isinstance(each, Documents)]
    others = [path for path in inputs if path not in folders]
    if folders and others:
        raise ValueError(
            f"'{folders[0]}' is a folder of documents and '{others[0]}' is not: their outputs "
            "would have different columns, so annotate them one after the other."
        )
    if folders and not reading.kept:
        reading = replace(reading, id_column=FILE, implied=True)
    found = {path: each.types(path, reading) for path, each in formats.items()}
    known = {path: types for path, types in found.items() if types is not None}
    inferred = all(isinstance(each, JsonLines) for each in formats.values())
    types = [_type_of(name, known, inferred) for name in reading.kept]
    return replace(reading, types=tuple(types))


def _type_of(name: str, known: dict[str, dict[str, pa.DataType]], inferred: bool) -> pa.DataType:
    """The type of a column. Raises ValueError if no input has it, but one has rows."""
    found = [(types[name], path) for path, types in known.items() if name in types]
    if known and not found:
        raise ValueError(
            f"None of the first {FIRST_ROWS:,} lines of '{next(iter(known))}' has the field "
            f"'{name}', nor have the other inputs: name one that they have."
        )
    return agree(name, found, inferred=inferred)


def plan(path: str, reading: Reading, progress: Progress) -> InputFile:
    """Divide an input into parts, and compute its checksum.

    progress: called with numbers of stored bytes as they are read; their sum is the input's size.

    Raises ValueError if the input cannot be read, is not whole, or lacks the column of texts.
    """
    return find_format(path).plan(path, reading, progress)


def read(part: Part, reading: Reading) -> Iterator[Rows]:
    """The rows of a part in their order, in batches of bounded size.

    reading: with the types of the kept columns; see `find_types`.

    Raises ValueError if the input cannot be read any more.
    """
    return find_format(part.file).read(part, reading)
