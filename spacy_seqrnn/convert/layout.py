"""Which column of a file has the tokens, the tags and the parts of speech."""

import re
import warnings
from dataclasses import dataclass
from itertools import pairwise

from .columns import TAG, Row, Sentence, Table

# Token numbers; in CoNLL-U, those of multiword and empty tokens contain a hyphen or a point.
NUMBER = re.compile(r"\d+([-.]\d+)?")
PLACEHOLDERS = {"_", "-", "*"}
# Labels of syntactic chunks, which some corpora have in a column beside the entities
CHUNKS = {"NP", "VP", "PP", "ADVP", "ADJP", "SBAR", "PRT", "CONJP", "INTJ", "LST", "UCP"}
CHUNKS |= {"NC", "VC", "PC", "ADVC", "ADJC"}


@dataclass(frozen=True)
class Layout:
    """Column indices from 0 or, if negative, from the last column.

    pos: None if there are no parts of speech.
    """

    token: int
    tag: int
    pos: int | None = None

    def __str__(self) -> str:
        parts = [f"tokens in {_number(self.token)}", f"tags in {_number(self.tag)}"]
        if self.pos is not None:
            parts.append(f"parts of speech in {_number(self.pos)}")
        return "columns: " + ", ".join(parts)


def find_layout(
    table: Table,
    *,
    token: int | None = None,
    tag: int | None = None,
    pos: int | None = None,
    outside: str = "O",
    missing: frozenset[str] = frozenset(),
) -> Layout:
    """Find the columns that are not given.

    token, tag, pos: numbers from 1 or, from the last column, from -1. None: find the column. 0 for
        `pos`: there is none.
    outside, missing: tags of tokens outside any entity, and of tokens without annotation.

    Raises ValueError if rows have different numbers of columns, or if not exactly one column has
    tags.
    """
    given = {"--token-column": token, "--tag-column": tag}
    chosen = {name: _index(name, number) for name, number in given.items() if number is not None}
    if len(chosen) < len(given) or pos is None:
        _check_width(table, is_needed=len(chosen) < len(given))
    width = min(len(row.cells) for row in table.rows)
    numbers = _find_numbers(table.sentences)
    tags = _find_tags(table.rows, width, missing | {outside})
    the_tag = chosen.get("--tag-column")
    if the_tag is None:
        the_tag = _choose_tag(table, tags, numbers, width, outside, chosen.get("--token-column"))
    the_token = chosen.get("--token-column")
    if the_token is None:
        the_token = _choose_token(table, {*tags, the_tag % width}, numbers, width)
    same = {i if i >= 0 else i + width for i in (the_token, the_tag)}
    if len(same) == 1:
        raise ValueError(
            f"Column {same.pop() + 1} of '{table.path}' cannot have both tokens and tags: set "
            "`--token-column` and `--tag-column` to different columns."
        )
    if pos is None:
        the_pos = _choose_pos(table.rows, the_token + 1, {*tags, the_tag % width}, width)
    else:
        the_pos = _index("--pos-column", pos) if pos else None
    layout = Layout(the_token, the_tag, the_pos)
    _check_cells(table, layout)
    return layout


def without_ranges(table: Table) -> list[list[Sentence]]:
    """Drop CoNLL-U's lines for multiword tokens and for empty tokens."""
    if not _find_numbers(table.sentences):
        return table.documents
    return [
        [[row for row in sentence if row.cells[0].isdecimal()] for sentence in document]
        for document in table.documents
    ]


def _index(option: str, number: int) -> int:
    if not number:
        raise ValueError(
            f"`{option} 0` is not a column: set 1 for the first column, or -1 for the last."
        )
    return number - 1 if number > 0 else number


def _number(index: int) -> int:
    return index + 1 if index >= 0 else index


def _check_width(table: Table, *, is_needed: bool) -> None:
    first = table.rows[0]
    odd = next((row for row in table.rows if len(row.cells) != len(first.cells)), None)
    if odd and is_needed:
        raise ValueError(
            f"'{table.path}', line {odd.line}: {len(odd.cells)} columns in {_show(odd)}, but "
            f"{len(first.cells)} in line {first.line}, {_show(first)}. Correct it, or set "
            "`--token-column` and `--tag-column`."
        )


def _show(row: Row) -> str:
    return repr(" ".join(row.cells))


def _find_numbers(sentences: list[Sentence]) -> bool:
    """Whether the first column numbers the tokens of each sentence, or of the whole file."""
    if not all(NUMBER.fullmatch(row.cells[0]) for sentence in sentences for row in sentence):
        return False
    counts = [
        [int(row.cells[0]) for row in sentence if row.cells[0].isdecimal()]
        for sentence in sentences
    ]
    return any(len(row.cells) > 2 for sentence in sentences for row in sentence) and all(
        after == before + 1 for count in counts for before, after in pairwise(count)
    )


def _find_tags(rows: list[Row], width: int, none: frozenset[str]) -> list[int]:
    """The columns that contain nothing but tags."""
    columns = [{row.cells[index] for row in rows} - none for index in range(width)]
    return [i for i, values in enumerate(columns) if values and all(map(TAG.fullmatch, values))]


def _labels(rows: list[Row], index: int) -> set[str]:
    return {row.cells[index][2:] for row in rows if "-" in row.cells[index][1:2]}


def _choose_tag(
    table: Table, tags: list[int], numbers: bool, width: int, outside: str, token: int | None
) -> int:
    rows = table.rows
    tags = [index for index in tags if token is None or index != token % width]
    if not tags:
        return _choose_bare(table, width, outside)
    found = [i for i in tags if not _labels(rows, i) or not _labels(rows, i) <= CHUNKS] or tags
    found = [i for i in found if _labels(rows, i)] or found
    if len(found) > 1 and not (numbers and found == list(range(2, width))):
        raise ValueError(
            f"'{table.path}' has tags in columns {' and '.join(str(i + 1) for i in found)}: set "
            "`--tag-column` to the one you want."
        )
    if len(found) > 1:  # GermEval 2014: entities, and nested entities
        warnings.warn(
            f"'{table.path}' has tags in columns {' and '.join(str(i + 1) for i in found)}: the "
            f"first is used; `--tag-column {found[1] + 1}` selects the other.",
            stacklevel=2,
        )
    return found[0]


def _choose_bare(table: Table, width: int, outside: str) -> int:
    """The last or the first column, if it has outside tokens and so may have labels without
    prefixes.

    It may also have malformed tags, which `schemes.py` reports.
    """
    columns = {i: {row.cells[i] for row in table.rows} for i in (width - 1, 0)}
    found = [index for index, values in columns.items() if outside in values]
    if width < 2 or not found:
        first = table.rows[0]
        raise ValueError(
            f"'{table.path}', line {first.line}: no column contains only tags, as in "
            f"{_show(first)}. Set `--tag-column`, and `--outside` if its tag is not {outside}."
        )
    return min(found, key=lambda index: len(columns[index]))


def _choose_token(table: Table, tags: set[int], numbers: bool, width: int) -> int:
    found = [i for i in range(1 if numbers else 0, width) if i not in tags]
    if not found:
        raise ValueError(
            f"'{table.path}' has only columns of tags: set `--token-column` to the column of the "
            "tokens."
        )
    return found[0]


def _choose_pos(rows: list[Row], index: int, tags: set[int], width: int) -> int | None:
    """The column after the tokens, as in CoNLL-2002 and CoNLL-2003."""
    if not 0 < index < width or index in tags:
        return None
    return None if {row.cells[index] for row in rows} <= PLACEHOLDERS else index


def _check_cells(table: Table, layout: Layout) -> None:
    needed = [i for i in (layout.token, layout.tag, layout.pos) if i is not None]
    width = max(index + 1 if index >= 0 else -index for index in needed)
    for row in table.rows:
        if len(row.cells) < width:
            raise ValueError(
                f"'{table.path}', line {row.line}: no column {width} in {_show(row)}, which has "
                f"{len(row.cells)}."
            )
        if not all(row.cells[index] for index in needed):
            raise ValueError(
                f"'{table.path}', line {row.line}: a column is empty in {row.cells!r}; each line "
                "needs a "
                "token and its tag."
            )
