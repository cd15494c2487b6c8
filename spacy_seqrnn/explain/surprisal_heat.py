"""Parts of a page: a text with the surprisal of its units, and what could have come next."""

from collections.abc import Sequence
from html import escape

from ..draw.html import visible
from .heat import MOST_TOKENS, cut, draw_entities, heat_row, heat_table
from .predictions import Candidate, Prediction

UNIT = '<mark class="surprisal" style="--p:{share}" title="{title}">{text}</mark>'
SURPRISAL_STYLE = """
.seqrnn .entities mark.surprisal { color: inherit; padding: .15em 0; border-radius: 0;
  background: rgb(217 119 6 / calc(var(--p, 0) * 55%)); }
.seqrnn .heat td.bits { background: rgb(217 119 6 / calc(var(--p, 0) * 55%)); }
.seqrnn .heat .true { outline: 2px solid #b45309; outline-offset: -2px; font-weight: 700; }
@media (prefers-color-scheme: dark) { .seqrnn .heat .true { outline-color: #fbbf24; } }
"""


def surprisal_text(
    text: str, places: Sequence[Prediction], limit: float, *, direction: str = "ltr"
) -> str:
    """A text in which the background of each unit shows how surprising it is.

    limit: from how many bits on the colour is full.
    direction: of the text, "ltr" or "rtl".
    """
    units = [
        {
            "start": place.start_char,
            "end": place.end_char,
            "label": "",
            "params": {
                "share": f"{_share(place.surprisal, limit):.3f}",
                "title": escape(_describe(place)),
            },
        }
        for place in places
    ]
    return draw_entities(text, units, UNIT, direction=direction)


def _describe(place: Prediction) -> str:
    return f"{visible(place.unit)}: {place.surprisal:.2f} bits, rank {place.rank}"


def candidate_map(
    places: Sequence[Prediction], unit: str, limit: float, *, direction: str = "ltr"
) -> str:
    """A table with a column for each place: its surprisal, and the units that were expected.

    unit: what these are: "words" or "characters".
    limit, direction: see `surprisal_text`.

    For a text with more than `MOST_TOKENS` places, the table has the first ones.
    """
    title = f"Most probable {unit}, the true one framed"
    if len(places) > MOST_TOKENS:
        title += f", the first {MOST_TOKENS} of {len(places)} places"
    shown = places[:MOST_TOKENS]
    rows = [
        heat_row("bits", [_bits_cell(place, limit) for place in shown]),
        heat_row("rank", [f"<td>{place.rank}</td>" for place in shown]),
        *(
            heat_row(f"{number + 1}.", [_cell(place.best[number]) for place in shown])
            for number in range(len(shown[0].best))
        ),
    ]
    names = [visible(place.unit) for place in shown]
    return heat_table(title, f"true {unit.removesuffix('s')}", names, rows, direction=direction)


def _bits_cell(place: Prediction, limit: float) -> str:
    share = _share(place.surprisal, limit)
    return f'<td class="bits" style="--p:{share:.3f}">{place.surprisal:.2f}</td>'


def _cell(found: Candidate) -> str:
    name = "true" if found.is_true else "other"
    return (
        f'<td class="{name}" style="--p:{found.probability:.3f}">{cut(visible(found.unit))} '
        f"{found.probability:.2f}</td>"
    )


def _share(bits: float, limit: float) -> float:
    return min(bits / limit, 1.0)
