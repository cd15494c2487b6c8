"""The rows of a file with a token per line, and an empty line between sentences."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from .encodings import rare_ends

DOCUMENT = "-DOCSTART-"
# Comments that start a document: CoNLL-U and CoNLL-2012
NEW_DOCUMENT = re.compile(r"newdoc\b|begin document\b")
# The tags of all schemes. Apart from them, a comment can only share a row's number of words.
TAG = re.compile(r"O|[BILUESMW]-\S+")
# `text = O`: a CoNLL-U comment that ends like a tag and has as many words as a row
KEY = re.compile(r" *[\w.:]+ = ")


@dataclass(frozen=True)
class Row:
    """A token: its line number, and its columns."""

    line: int
    cells: list[str]


Sentence = list[Row]


@dataclass(frozen=True)
class Table:
    """All rows of a file.

    documents: sentences by document; one document if the file does not mark them.
    n_comments: how many lines were skipped.
    """

    path: Path
    documents: list[list[Sentence]]
    n_comments: int

    @property
    def sentences(self) -> list[Sentence]:
        return [sentence for document in self.documents for sentence in document]

    @property
    def rows(self) -> list[Row]:
        return [row for sentence in self.sentences for row in sentence]


def read_table(text: str, path: Path, *, comment: str = "#") -> Table:
    """Find the rows of a file with columns.

    comment: the prefix of comment lines, which stand before a sentence, or "" if there are none. A
        row with this prefix is still a row: "#" is an ordinary token.

    Raises ValueError if there are no rows, or if the only line ends are characters that most
    programs do not treat as line ends.
    """
    if "\n" not in text and rare_ends(text):
        raise ValueError(
            f"'{path}' has no line ends but {rare_ends(text)}: save it with line feeds."
        )
    lines = text.split("\n")
    is_tabbed, width = _find_form(lines, comment)
    documents: list[list[Sentence]] = [[[]]]
    n_comments = 0
    for number, line in enumerate(lines, start=1):
        cells = split(line, is_tabbed)
        between = not documents[-1][-1]
        if not line.strip():
            documents[-1].append([])
        elif DOCUMENT in cells:
            documents.append([[]])
        elif between and comment and _is_comment(line, cells, comment, is_tabbed, width):
            n_comments += 1
            if NEW_DOCUMENT.match(line.removeprefix(comment).strip()):
                documents.append([[]])
        else:
            documents[-1][-1].append(Row(number, cells))
    documents = [[sentence for sentence in document if sentence] for document in documents]
    documents = [document for document in documents if document]
    if not documents:
        raise ValueError(f"'{path}' contains no sentence.")
    return Table(path, documents, n_comments)


def split(line: str, is_tabbed: bool) -> list[str]:
    """The columns of a line. White space other than tabs and spaces is part of a token."""
    if not is_tabbed:
        return re.split(r"[ \t]+", line.strip(" \t"))
    return [cell.strip(" ") for cell in line.rstrip(" \t").split("\t")]


def _find_form(lines: list[str], comment: str) -> tuple[bool, int]:
    """Whether tabs separate the columns, and how many there are in most lines."""
    rows = [line for line in lines if line.strip() and DOCUMENT not in line]
    rows = [line for line in rows if not (comment and line.startswith(comment))] or rows
    is_tabbed = all("\t" in line.rstrip(" \t") for line in rows)
    widths = Counter(len(split(line, is_tabbed)) for line in rows)
    return is_tabbed, widths.most_common(1)[0][0] if widths else 0


def _is_comment(line: str, cells: list[str], comment: str, is_tabbed: bool, width: int) -> bool:
    if not line.startswith(comment):
        return False
    if len(cells) != width:
        return True
    rest = line[len(comment) :]
    if is_tabbed or not rest.startswith(" "):
        return False
    return bool(KEY.match(rest)) or not any(map(TAG.fullmatch, cells))
