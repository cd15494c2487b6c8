"""Which field of a record has the text, and which the labels."""

import re
from collections import Counter
from pathlib import Path

from .records import Record

# Common names of such fields; the first one that a file has is used.
TEXTS = "text sentence content review body comment comment_text message tweet question utterance "
TEXTS += "document description headline abstract v2"
LABELS = "label labels cats category categories class classes sentiment intent topic tag tags "
LABELS += "target answer emotion emotions genre label_name label_text label-coarse polarity "
LABELS += "v1 accept"


def name_fields(
    records: list[Record], path: Path, header: bool | None, wanted: list[str]
) -> list[Record]:
    """Name the fields of a table after its first row, if that is a header.

    header: None to find out.
    wanted: field names that the user gave, which only a header can contain.

    Raises ValueError if the first row is ambiguous, and for rows with more or fewer cells than it.
    """
    if not records:
        return records
    first = [cell.strip() for cell in records[0].fields.values()]
    if header is None:
        header = _is_header(records, first, path, wanted)
    while header and first and not first[-1]:  # spreadsheets leave empty cells
        first.pop()
    names = first if header else list(records[0].fields)
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice:
        raise ValueError(f"'{path}' has two fields {twice!r} in its header: rename one.")
    named = []
    for record in records[1:] if header else records:
        cells = list(record.fields.values())
        if len(cells) < len(names) or any(cells[len(names) :]):
            raise ValueError(
                f"'{path}', {record.place}: {len(cells)} cells, but {len(names)} in the first "
                "row: correct it, or set `--quote` or `--format`."
            )
        named.append(Record(record.place, dict(zip(names, cells, strict=False))))
    return named


def _is_header(records: list[Record], first: list[str], path: Path, wanted: list[str]) -> bool:
    if any(name in first for name in wanted if not name.isdecimal()):
        return True
    lower = {cell.lower() for cell in first}
    if lower & set(TEXTS.split()) and lower & set(LABELS.split()):
        return True
    label = _guess_label(records, _guess_text(records))
    if label is None or label not in records[0].fields:
        return False
    counts = Counter(record.fields.get(label, "").strip() for record in records)
    own = records[0].fields[label].strip()
    if len(records) > 3 and counts.pop(own) == 1 and counts and min(counts.values()) > 1:
        raise ValueError(
            f"'{path}' may have a header, since the label {own!r} occurs only in its first "
            f"row {first!r}: set `--header` if it is one, or `--no-header`."
        )
    return False


def find_text(records: list[Record], path: Path, wanted: str | None) -> str:
    """The name of the field with the text. Raises ValueError if there is none."""
    names = _names(records)
    if wanted is not None:
        return _given(wanted, names, path, "--text-field")
    found = _known(names, TEXTS)
    if found is None and all(name.isdecimal() for name in names):
        found = _guess_text(records)
    if found is None:
        raise ValueError(
            f"'{path}' has no field with a usual name for texts, only {', '.join(names)}: set "
            "`--text-field`."
        )
    return found


def find_labels(records: list[Record], path: Path, wanted: list[str], text: str) -> list[str]:
    """The names of the fields with labels. Raises ValueError if none is found, or several fit."""
    names = _names(records)
    if wanted:
        return [_given(name, names, path, "--label-field") for name in wanted]
    found = _known([name for name in names if name != text], LABELS)
    if found is None and all(name.isdecimal() for name in names):
        found = _guess_label(records, text)
    if found is None:
        raise ValueError(
            f"Cannot tell which field of '{path}' has the labels: {', '.join(names)}: set "
            "`--label-field`."
        )
    return [found]


def _names(records: list[Record]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record.fields))


def _known(names: list[str], known: str) -> str | None:
    lower = {name.lower(): name for name in reversed(names)}
    return next((lower[name] for name in known.split() if name in lower), None)


def _given(wanted: str, names: list[str], path: Path, option: str) -> str:
    if wanted in names:
        return wanted
    if wanted.isdecimal() and 0 < int(wanted) <= len(names):
        return names[int(wanted) - 1]
    raise ValueError(
        f"'{path}' has no field {wanted!r}, only {', '.join(names)}: set `{option}` to one of "
        "them, or to the number of a column."
    )


def _guess_text(records: list[Record]) -> str:
    """The column with the most words, then the most letters: an id may be longer than a text."""
    words: Counter[str] = Counter()
    letters: Counter[str] = Counter()
    for record in records:
        for name, cell in record.fields.items():
            words[name] += len(str(cell).split())
            letters[name] += len(re.sub(r"\W+", "", str(cell)))
    return max(words, key=lambda name: (words[name], letters[name]))


def _guess_label(records: list[Record], text: str) -> str | None:
    """The only column beside the text whose values repeat."""
    columns = [name for name in _names(records) if name != text]
    values = {n: {str(record.fields.get(n, "")).strip() for record in records} for n in columns}
    values = {name: found for name, found in values.items() if found != {""}}
    size = len(records)
    often = [name for name, found in values.items() if 2 * len(found) <= size]
    found = often or [name for name in values if len(values[name]) < size] or list(values)
    return found[0] if len(found) == 1 else None
