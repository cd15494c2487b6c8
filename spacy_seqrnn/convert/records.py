"""Records of a file with a text in each: JSON lines, or tables with or without a header."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from .encodings import rare_ends
from .options import Form

# The default limit of a cell is too small for some texts.
LONGEST_CELL = 2**31 - 1


SUFFIXES = {
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), Form.jsonl),
    ".csv": Form.csv,
    **dict.fromkeys((".tsv", ".tab"), Form.tsv),
}
FASTTEXT = "__label__"


@dataclass(frozen=True)
class Record:
    """A text and what else the file says about it, with its place in the file: "line 7"."""

    place: str
    fields: dict[str, Any]


def find_form(text: str, path: Path) -> Form:
    """The format of a file, from its suffix or, if that is not enough, from its lines.

    Raises ValueError if the lines are ambiguous.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    if suffixes and suffixes[-1] in SUFFIXES:
        return SUFFIXES[suffixes[-1]]
    lines = [line for line in text.split("\n") if line.strip()]
    if all(line.lstrip().startswith("{") for line in lines):
        return Form.jsonl
    if all(FASTTEXT in line for line in lines):
        return Form.fasttext
    if all("\t" in line for line in lines):
        return Form.tsv
    labels = {line.split()[0] for line in lines}
    if 2 * len(labels) > len(lines):
        raise ValueError(
            f"Cannot tell the format of '{path}': its name does not say, and its lines begin with "
            f"{len(labels)} different words, too many for labels. Set `--format`."
        )
    return Form.lines


def read_json(text: str, path: Path) -> list[Record]:
    """Read one object per line, or a list of objects. Raises ValueError for anything else."""
    if text.lstrip().startswith("["):
        found = _parse(text, f"'{path}'")
        return [_as_record(each, path, f"object {i}") for i, each in enumerate(found, start=1)]
    lines = [(i, line) for i, line in enumerate(text.split("\n"), start=1) if line.strip()]
    return [_as_record(_parse(line, f"'{path}', line {i}"), path, f"line {i}") for i, line in lines]


def _parse(text: str, place: str) -> Any:
    try:
        found = json.loads(
            text, strict=False
        )  # allows tabs and other control characters in strings
        if "\\u" in text:  # it may be one half of a surrogate pair
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = error.object[error.start : error.end]
        raise ValueError(f"{place}: {half!r} is half of a surrogate pair: correct it.") from error
    except (ValueError, RecursionError) as error:
        ends = f"; it has {rare_ends(text)}, which do not end a line" if rare_ends(text) else ""
        raise ValueError(f"{place}: {_cut(text)!r} is not JSON ({error}{ends}).") from error
    return found


def _as_record(found: Any, path: Path, place: str) -> Record:
    if not isinstance(found, dict):
        raise ValueError(
            f"'{path}', {place}: {_cut(str(found))!r} is not an object with a text and a label."
        )
    return Record(place, found)


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]} ..."


def read_rows(text: str, path: Path, delimiters: str, quote: str | None) -> list[Record]:
    """Read a table whose fields are called "1", "2" and so on.

    delimiters: candidate delimiters: the one that gives every row the same number of cells is used.
    quote: the quotation mark around cells, or "" for none. None: '"' in CSV, and in TSV if every
        cell with that mark is quoted as programs quote it.

    Raises ValueError for an unmatched quotation mark, and if several delimiters fit.
    """
    if "\n" not in text.strip("\n") and rare_ends(text):
        raise ValueError(
            f"'{path}' has no line ends but {rare_ends(text)}: save it with line feeds."
        )
    if quote is None:
        quote = '"' if len(delimiters) > 1 or _is_quoted(text, delimiters) else ""
    # The limit of the csv module is global: restore it afterwards.
    limit = csv.field_size_limit(LONGEST_CELL)
    try:
        found = {mark: _cut_rows(text, mark, quote) for mark in delimiters}
        fits = {mark: rows for mark, rows in found.items() if _are_alike(rows)}
        if len(fits) > 1:
            marks = " and ".join(map(repr, fits))
            raise ValueError(f"'{path}' could have {marks} between its cells: set `--delimiter`.")
        return next(iter(fits.values()), None) or _cut_rows(text, delimiters[0], quote, path)
    finally:
        csv.field_size_limit(limit)


def _are_alike(rows: list[Record]) -> bool:
    """Whether all rows have the same number of cells, and more than one."""
    widths = {len(each.fields) for each in rows}
    return len(widths) == 1 and widths != {1}


def _cut_rows(text: str, delimiter: str, quote: str, path: Path | None = None) -> list[Record]:
    """path: named in errors. None: return no rows instead of raising."""
    options: dict[str, Any] = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    reader = csv.reader(StringIO(text), delimiter=delimiter, strict=bool(quote), **options)
    records, line = [], 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                fields = {str(i): cell for i, cell in enumerate(cells, start=1)}
                records.append(Record(f"line {line}", fields))
            line = reader.line_num + 1
    except csv.Error as error:
        if path is None:
            return []
        raise ValueError(
            f"'{path}', line {line}: {error}. If the quotation marks belong to the texts, set "
            "`--quote ''`."
        ) from error
    return records


def _is_quoted(text: str, delimiter: str) -> bool:
    """Whether a program wrote the quotation marks: it doubles inner ones or quotes every cell."""
    cells = [cell for line in text.split("\n") if line for cell in line.split(delimiter)]
    begun = [cell for cell in cells if cell.startswith('"')]
    inner = [cell[1:-1] for cell in begun if len(cell) > 1 and cell.endswith('"')]
    if not begun or len(inner) < len(begun):
        return False
    doubled = all('"' not in cell.replace('""', "") for cell in inner)
    return doubled and (len(begun) == len(cells) or any('""' in cell for cell in inner))


def read_lines(text: str, path: Path) -> list[Record]:
    """Read lines of a label, a space and a text. Raises ValueError for a line without a text."""
    records = []
    for number, line in enumerate(text.split("\n"), start=1):
        label, _, rest = line.strip(" \t").partition(" ")
        if label and not rest:
            raise ValueError(
                f"'{path}', line {number}: expected a label, a space and a text, not "
                f"{_cut(line)!r}; set "
                "`--format` if the file has another format."
            )
        if label:
            records.append(Record(f"line {number}", {"label": label, "text": rest.strip()}))
    return records


def read_fasttext(text: str, path: Path) -> list[Record]:
    """Read lines whose words with the prefix `__label__` are labels."""
    records = []
    for number, line in enumerate(text.split("\n"), start=1):
        words = re.split(r"[ \t]+", line.strip(" \t"))
        labels = [word.removeprefix(FASTTEXT) for word in words if word.startswith(FASTTEXT)]
        rest = " ".join(word for word in words if not word.startswith(FASTTEXT))
        if line.strip():
            records.append(Record(f"line {number}", {"label": labels, "text": rest}))
    return records


def walk_texts(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the name of each subfolder, which is a label, with each file in it.

    Raises ValueError for a nested subfolder, where the label would be ambiguous.
    """
    for label in sorted(path for path in folder.iterdir() if is_visible(path) and path.is_dir()):
        for path in sorted(filter(is_visible, label.iterdir())):
            if path.is_dir():
                raise ValueError(
                    f"'{path}' is a folder in '{label}', but only files can be there, labelled "
                    "with "
                    f"the name of their folder: give '{label}' instead of '{folder}'."
                )
            yield label.name, path


def is_visible(path: Path) -> bool:
    return not path.name.startswith((".", "__MACOSX"))
