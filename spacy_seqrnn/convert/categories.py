"""Documents with categories, from records, lines or folders of texts."""

import warnings
from ast import literal_eval
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from .encodings import read_text
from .fields import find_labels, find_text, name_fields
from .options import Form, TextOptions
from .records import (
    Record,
    find_form,
    read_fasttext,
    read_json,
    read_lines,
    read_rows,
    walk_texts,
)

# What a column for one label contains if a text has the label, or does not have it
SIGNS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0, "": 0.0}
# What a Prodigy annotator decided about a record
ANSWERS = {"accept", "reject", "ignore"}


@dataclass(frozen=True)
class Texts:
    """Texts with the scores of their labels, and how they were read from a file or folder."""

    texts: list[tuple[str, dict[str, float]]]
    how: str

    def __str__(self) -> str:
        return f"{len(self.texts):,} texts ({self.how})"


def read_texts(path: Path, options: TextOptions) -> Texts:
    """Read a file, or a folder of folders. Raises ValueError, naming the line, if that fails."""
    if path.is_dir():
        records = [
            (f"'{file}'", read_text(file, options.encoding).strip(), label)
            for label, file in walk_texts(path)
        ]
        how = "labels: names of folders"
    else:
        found, form = _read_records(path, options)
        if not found:
            raise ValueError(f"'{path}' contains a header, but no text.")
        text = find_text(found, path, options.text_field)
        labels = find_labels(found, path, options.label_field, text)
        records = [(f"'{path}', {each.place}", *_take(each, text, labels, path)) for each in found]
        how = f"{form}; text: {text}, label: {', '.join(labels)}"
    texts = [
        (text, _scores(value, place, options)) for place, text, value in records if text.strip()
    ]
    _tell_of_empty([place for place, text, _ in records if not text.strip()])
    if not texts:
        raise ValueError(f"'{path}' contains no text.")
    return Texts(texts, how)


def labels_of(files: list[Texts]) -> list[str]:
    """All labels, in order of first occurrence."""
    return list(dict.fromkeys(label for each in files for _, cats in each.texts for label in cats))


def make_docs(found: Texts, labels: list[str], nlp: Language, *, tokenised: bool) -> Iterator[Doc]:
    """Yield documents that have a score for every label."""
    for text, scores in found.texts:
        doc = Doc(nlp.vocab, words=text.split()) if tokenised else nlp.make_doc(text)
        doc.cats = {label: scores.get(label, 0.0) for label in labels}
        yield doc


def _read_records(path: Path, options: TextOptions) -> tuple[list[Record], Form]:
    text = read_text(path, options.encoding)
    if not text.strip():
        raise ValueError(f"'{path}' contains no text.")
    form = find_form(text, path) if options.form is Form.auto else options.form
    if form is Form.jsonl:
        return _accepted(read_json(text, path), path), form
    if form is Form.fasttext:
        return read_fasttext(text, path), form
    if form is Form.lines:
        return read_lines(text, path), form
    usual = ",;\t|" if form is Form.csv else "\t"
    rows = read_rows(text, path, options.delimiter or usual, options.quote)
    wanted = [*options.label_field, *filter(None, [options.text_field])]
    return name_fields(rows, path, options.header, wanted), form


def _accepted(records: list[Record], path: Path) -> list[Record]:
    """The records without those that an annotator rejected or ignored, if each has an answer."""
    if not {str(record.fields.get("answer")) for record in records} <= ANSWERS:
        return records
    found = [record for record in records if record.fields["answer"] == "accept"]
    if len(found) < len(records):
        odd = next(record for record in records if record.fields["answer"] != "accept")
        warnings.warn(
            f"{len(records) - len(found):,} records of '{path}' were not accepted and are skipped, "
            f"the first in {odd.place}.",
            stacklevel=2,
        )
    rest = [{k: v for k, v in record.fields.items() if k != "answer"} for record in found]
    return [Record(record.place, fields) for record, fields in zip(found, rest, strict=True)]


def _take(record: Record, text: str, labels: list[str], path: Path) -> tuple[str, Any]:
    """The text and the value of the label; with several label fields, a dictionary of values."""
    missing = [name for name in (text, *labels) if record.fields.get(name) is None]
    if missing:
        raise ValueError(
            f"'{path}', {record.place}: the field {missing[0]!r} is missing or empty; there "
            f"are {', '.join(record.fields)}."
        )
    content = record.fields[text]
    if not isinstance(content, str):
        raise ValueError(f"'{path}', {record.place}: the text {content!r} is not a string.")
    if len(labels) == 1:
        return content, record.fields[labels[0]]
    return content, {name: record.fields[name] for name in labels}


def _scores(value: Any, place: str, options: TextOptions) -> dict[str, float]:
    """The scores of the labels in a value: a label, a list of labels, or scores by label."""
    if isinstance(value, dict):
        scores = {_name(label, place, options): _sign(v, place) for label, v in value.items()}
    else:
        values = value if isinstance(value, list) else _separate(value, place, options)
        scores = {_name(label, place, options): 1.0 for label in values}
    if options.exclusive and sum(score > 0.5 for score in scores.values()) != 1:
        raise ValueError(
            f"{place}: expected one label, but {value!r} has "
            f"{sum(score > 0.5 for score in scores.values())}: correct it, or set `--task "
            "textcat_multilabel`."
        )
    return scores


def _separate(value: Any, place: str, options: TextOptions) -> list[Any]:
    if not isinstance(value, str):
        return [value]
    if value.startswith("[") and value.endswith("]"):
        return _parse_list(value, place)
    if options.separator:
        return [part for part in value.split(options.separator) if part.strip()]
    doubt = next((mark for mark in ",;|" if mark in value), None)
    if options.separator is None and doubt:
        raise ValueError(
            f"{place}: {value!r} could be one label or several: set `--label-separator "
            f"'{doubt}'`, or `--label-separator ''` if it is one."
        )
    return [value] if value.strip() else []


def _parse_list(value: str, place: str) -> list[Any]:
    """A list in Python's notation, which is how pandas writes one into a table."""
    try:
        return list(literal_eval(value))
    except (ValueError, SyntaxError, TypeError) as error:
        raise ValueError(
            f"{place}: {value!r} is not a list of labels: put a separator between the labels, and "
            "set `--label-separator` to it."
        ) from error


def _name(label: Any, place: str, options: TextOptions) -> str:
    if not isinstance(label, str | int) or not str(label).strip():
        raise ValueError(f"{place}: {label!r} is not a label: use a word or a number.")
    name = str(label).strip()
    if options.until:
        name = name.partition(options.until)[0]
    return options.rename.get(name, name)


def _sign(value: Any, place: str) -> float:
    try:
        word = str(value).strip().lower()
        sign = SIGNS[word] if word in SIGNS else float(word)
    except ValueError:
        sign = -1.0
    if not 0 <= sign <= 1:
        raise ValueError(f"{place}: {value!r} is not a score: use a number from 0 to 1.")
    return sign


def _tell_of_empty(places: list[str]) -> None:
    if places:
        warnings.warn(
            f"{len(places):,} records without a text are skipped, the first in {places[0]}.",
            stacklevel=3,
        )
