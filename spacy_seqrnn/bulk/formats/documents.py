"""Folders of text files, each of which is a document."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow as pa

from ..pipelines import is_unicode
from .common import InputFile, Part, Progress, Reading, Rows, number_parts, take
from .lines import BOM, Span

SUFFIX = ".txt"
FILE = "file"  # the column of their names


@dataclass(frozen=True)
class Documents:
    """Folders of text files. Their paths within the folder are the one column to keep."""

    def types(self, path: str, reading: Reading) -> dict[str, pa.DataType] | None:
        """Names are strings; see `Format.types`."""
        for name in reading.kept:
            if name != FILE:
                raise ValueError(
                    f"'{path}' has no column '{name}': a folder of {SUFFIX} files has none but "
                    f"'{FILE}', which is always kept."
                )
        return {FILE: pa.string()}

    def plan(self, path: str, reading: Reading, progress: Progress) -> InputFile:
        """Divide a folder into runs of documents; see `parts.plan`.

        The checksum is one of all names and documents.
        """
        names_of.cache_clear()  # the folder may have changed
        digest = hashlib.sha256()
        sizes: list[int] = []
        for name in names_of(path):
            data = _read(path, name)
            digest.update(f"{len(data)} {name}\n".encode() + data)
            sizes.append(len(data))
            progress(len(data))
        parts = number_parts(path, _spans(sizes, reading.part_bytes))
        return InputFile(path, sum(sizes), digest.hexdigest(), parts, len(sizes))

    def read(self, part: Part, reading: Reading) -> Iterator[Rows]:
        """The documents of a part; see `parts.read`."""
        names = names_of(part.file)
        numbers = iter(range(part.start, part.stop))
        documents = ((number, _read(part.file, names[number])) for number in numbers)
        while batch := take(documents, _size):
            rows = [number for number, _ in batch]
            # The schema has this column once for each time that it is kept.
            kept = [pa.array([names[row] for row in rows], pa.string()) for _ in reading.kept]
            yield Rows(
                rows,
                [_decode(data) for _, data in batch],
                pa.RecordBatch.from_arrays(kept, schema=reading.schema),
                [],
            )


def find_files(folder: str) -> list[str]:
    """All files below a folder but hidden ones, and marks such as `_SUCCESS`, sorted."""
    found: list[str] = []
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [each for each in folders if not each.startswith(".")]
        found += [os.path.join(place, name) for name in names if not _is_hidden(name)]
    return sorted(found)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or (name.startswith("_") and not Path(name).suffix)


@cache
def names_of(folder: str) -> list[str]:
    """The paths of a folder's documents within it. Raises ValueError if one is not UTF-8."""
    names = [Path(each).relative_to(folder).as_posix() for each in find_files(folder)]
    wrong = next((name for name in names if not is_unicode(name)), None)
    if wrong is not None:
        raise ValueError(f"The name of the file {wrong!r} in '{folder}' is not UTF-8: rename it.")
    return names


def _read(folder: str, name: str) -> bytes:
    try:
        return Path(folder, name).read_bytes()
    except OSError as error:
        raise ValueError(f"'{name}' in '{folder}' cannot be read: {error}") from error


def _size(document: tuple[int, bytes]) -> int:
    return len(document[1])


def _decode(data: bytes) -> str | bytes:
    try:
        return data.removeprefix(BOM).decode()
    except UnicodeDecodeError:
        return data


def _spans(sizes: list[int], part_bytes: int) -> list[Span]:
    """The first row, start and stop of each part."""
    spans: list[Span] = []
    start = n_bytes = 0
    for row, size in enumerate(sizes):
        if row > start and n_bytes + size > part_bytes:
            spans.append((start, start, row))
            start, n_bytes = row, 0
        n_bytes += size
    return [*spans, (start, start, len(sizes))] if sizes else []
