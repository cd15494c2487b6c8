"""Part of a page: what each unit of an output attends to, as a table with shaded cells."""

from collections.abc import Sequence
from html import escape

from ..draw.html import visible
from .heat import LEAST_SHOWN, heat_row, heat_table

MOST_UNITS = 100  # rows and columns of a page
# The names of the columns are turned if they have more characters together, and not one each.
MOST_ACROSS = 60

ALIGNMENT_STYLE = """
.seqrnn .alignment .heat td { min-width: 1.5em; padding: .1em .2em; font-size: .8em;
  vertical-align: middle; }
.seqrnn .alignment .heat th { padding: .1em .3em; vertical-align: bottom; }
.seqrnn .alignment .heat th[scope=row], .seqrnn .alignment .heat .corner {
  padding-inline-end: .8em; }
.seqrnn .alignment.turned thead .cut { writing-mode: vertical-rl; transform: rotate(180deg);
  max-width: none; max-height: 10em; }
"""


def alignment_map(
    title: str,
    source: Sequence[str],
    units: Sequence[str],
    weights: Sequence[Sequence[float]],
    *,
    direction: str = "ltr",
) -> str:
    """A table with a row for each unit of an output, and a column for each unit of its source.

    title: the caption.
    weights: those of the attention, in the cells as percentages. Shape (n_units, n_source_units).
    direction: of the source, "ltr" or "rtl": on which side its first unit is.

    For more than `MOST_UNITS` units of either, the table has the first ones.
    """
    if max(len(source), len(units)) > MOST_UNITS:
        title += f"; of {len(units)} rows and {len(source)} columns, the first {MOST_UNITS}"
    columns = [visible(unit) for unit in source[:MOST_UNITS]]
    rows = [
        _row(visible(unit), columns, row[:MOST_UNITS])
        for unit, row in zip(units[:MOST_UNITS], weights[:MOST_UNITS], strict=True)
    ]
    name = "alignment turned" if _are_long(columns) else "alignment"
    inside = heat_table(title, "output / source", columns, rows, direction=direction)
    return f'<div class="{name}">{inside}</div>'


def _are_long(columns: Sequence[str]) -> bool:
    """Whether names need too much space beside each other."""
    n_characters = sum(map(len, columns))
    return n_characters > max(MOST_ACROSS, len(columns))


def _row(unit: str, columns: Sequence[str], weights: Sequence[float]) -> str:
    pairs = zip(columns, weights, strict=True)
    return heat_row(unit, [_cell(unit, name, weight) for name, weight in pairs])


def _cell(unit: str, attended: str, weight: float) -> str:
    if weight < LEAST_SHOWN:
        return "<td></td>"
    number = f"{100 * weight:.0f}"
    title = escape(f"{unit} attends to {attended}: {number} %")
    return f'<td style="--p:{weight:.3f}" title="{title}">{number}</td>'
