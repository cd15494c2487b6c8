"""Parts of a page: a text with its entities, and the probability of each label at each token."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from spacy import displacy

from ..draw.html import scrolling, visible
from ..ner.biluo import TAGS_PER_LABEL, n_tags

# A label that reaches this probability anywhere has a row of its own, up to this many rows; the
# others are summed.
LEAST_PROBABLE = 0.01
MOST_LABELS = 12
OTHERS = "all other labels"
NONE = "no entity"
LEAST_SHOWN = 0.005  # a cell is empty if its value rounds to 0
MOST_TOKENS = 1000  # columns of a page
MOST_NAMED = 10  # differences that the sentence lists

ENTITY = (
    '<mark style="background: {bg}">{text}<span class="label">{label}'
    '<span class="score"> {score}</span></span></mark>'
)
TEXT_STYLE = """
.seqrnn .entities { margin: 0 0 1em; line-height: 2.2 !important; overflow-wrap: anywhere;
  white-space: pre-wrap; padding-inline-end: .6em; }
.seqrnn .entities mark { color: #1b1b1f; padding: .2em .4em; border-radius: .3em;
  unicode-bidi: isolate; box-decoration-break: clone; -webkit-box-decoration-break: clone; }
.seqrnn .entities .label { font-size: .75em; font-weight: 700; margin-inline-start: .6em;
  unicode-bidi: isolate; }
.seqrnn .entities .score { font-weight: 400; }
""".strip()
TABLE_STYLE = """
.seqrnn .heat th, .seqrnn .heat td { padding: .2em .5em; text-align: center; white-space: nowrap; }
.seqrnn .heat caption { text-align: start; }
.seqrnn .heat caption span { position: sticky; inset-inline-start: 0; }
.seqrnn .heat th[scope=row], .seqrnn .heat .corner { position: sticky; inset-inline-start: 0;
  z-index: 1; text-align: start; background: #fff; box-shadow: inset 0 -1px #ccc; }
.seqrnn .heat td { background: rgb(59 130 246 / calc(var(--p, 0) * 55%)); }
.seqrnn .heat .differs { outline: 2px solid #b45309; outline-offset: -2px; font-weight: 700; }
.seqrnn .cut { display: inline-block; max-width: 10em; overflow: hidden; text-overflow: ellipsis;
  vertical-align: bottom; }
.seqrnn .heat th[scope=row] .cut { width: max-content; max-width: min(12em, 30vw);
  white-space: normal; overflow-wrap: break-word; }
@media (prefers-color-scheme: dark) {
  .seqrnn .heat th[scope=row], .seqrnn .heat .corner { background: #17171b;
    box-shadow: inset 0 -1px #444; }
  .seqrnn .heat .differs { outline-color: #fbbf24; }
}
""".strip()
STYLE = f"{TEXT_STYLE}\n{TABLE_STYLE}"


def entity_text(
    text: str, entities: Sequence[tuple[int, int, str, float]], *, direction: str = "ltr"
) -> str:
    """A text with its entities in displaCy's layout and colours.

    entities: first character, the one after the last, label and probability of each.
    direction: of the text, "ltr" or "rtl".
    """
    ents = [
        {
            "start": start,
            "end": end,
            "label": label,  # selects the colour, and is not escaped by displaCy
            "params": {"label": escape(label), "score": f"{score:.2f}"},
        }
        for start, end, label, score in entities
    ]
    return draw_entities(text, ents, ENTITY, direction=direction)


def draw_entities(
    text: str, ents: list[dict[str, Any]], template: str, *, direction: str = "ltr"
) -> str:
    """A text with entities in displaCy's markup.

    ents: entities in displaCy's manual format, with the template's values as "params". displaCy
        does not escape their labels.
    """
    return displacy.render(
        {"text": text, "ents": ents, "settings": {"direction": direction}},
        style="ent",
        manual=True,
        jupyter=False,
        options={"template": template},
    )


def heat_map(
    tokens: Sequence[str],
    found: Sequence[str],
    unconstrained: Sequence[str],
    labels: Sequence[str],
    marginals: np.ndarray,
    *,
    direction: str = "ltr",
    note: str = "",
) -> str:
    """A table with a column per token: its tags, and the probability of each label as a colour.

    found: the tag of each token in the predicted entities.
    unconstrained: the best tags without constraints; where the two differ, both are marked.
    labels: the recogniser's labels.
    marginals: the probability of each tag at each token; four tags for each label, after O.
        Shape (n_tokens, n_tags).
    direction: of the text, "ltr" or "rtl": on which side the first token is.
    note: appended to the caption.

    For a text longer than `MOST_TOKENS`, the table has the first ones.
    """
    title = f"Probability of each label at each token{note}"
    if len(tokens) > MOST_TOKENS:
        title += f", the first {MOST_TOKENS} of {len(tokens)} tokens"
    shown = slice(MOST_TOKENS)
    tokens, found, unconstrained = tokens[shown], found[shown], unconstrained[shown]
    words = [visible(token) for token in tokens]
    by_label = _by_label(labels, marginals[shown])
    differs = [one != other for one, other in zip(found, unconstrained, strict=True)]
    rows = [
        heat_row("tag", [_tag_cell(*cell) for cell in zip(found, differs, strict=True)]),
        heat_row(
            "without constraints",
            [_tag_cell(*cell) for cell in zip(unconstrained, differs, strict=True)],
        ),
        *(_row_of_label(name, words, values) for name, values in by_label),
    ]
    return heat_table(title, "token", words, rows, direction=direction)


def heat_table(
    title: str, corner: str, columns: Sequence[str], rows: Sequence[str], *, direction: str = "ltr"
) -> str:
    """A table whose first column stays in view while the others scroll.

    corner: the name of the first column.
    columns: the names of the others.
    rows: their markup.
    """
    head = "".join(f'<th scope="col">{cut(name)}</th>' for name in columns)
    region = scrolling(
        title,
        f'<table class="heat"><caption><span dir="ltr">{escape(title)}</span></caption><thead><tr>'
        f'<th class="corner" scope="col">{escape(corner)}</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>",
    )
    return f'<div dir="{direction}">{region}</div>'


def describe_differences(
    tokens: Sequence[str], found: Sequence[str], unconstrained: Sequence[str]
) -> str:
    """A sentence that says where the best tags would differ without constraints."""
    places = [i for i, tag in enumerate(found) if tag != unconstrained[i]]
    if not places:
        return "Without constraints, the best tags would be the same."
    # Isolated, so that words of the other direction do not reorder the sentence.
    named = [f"\u2068{visible(tokens[i])}\u2069 {unconstrained[i]}" for i in places[:MOST_NAMED]]
    more = f" and {len(places) - MOST_NAMED} more" if len(places) > MOST_NAMED else ""
    return (
        f"Without constraints, the best tags would differ at {len(places)} of {len(tokens)} "
        f"tokens, marked \N{NOT EQUAL TO}: {', '.join(named)}{more}."
    )


def _by_label(labels: Sequence[str], marginals: np.ndarray) -> list[tuple[str, list[float]]]:
    """Name and probabilities of each row: the likeliest labels, the others' sum, no entity."""
    marginals = marginals.reshape(-1, n_tags(len(labels)))
    of_labels = marginals[:, 1:].reshape(-1, len(labels), TAGS_PER_LABEL).sum(axis=2)
    highest = of_labels.max(axis=0, initial=0.0)
    shown = [i for i in np.argsort(-highest, kind="stable") if highest[i] >= LEAST_PROBABLE]
    shown = shown[:MOST_LABELS]
    rows = [(labels[i], of_labels[:, i].tolist()) for i in shown]
    if len(shown) < len(labels):
        rest = np.delete(of_labels, shown, axis=1).sum(axis=1)
        rows.append((OTHERS, rest.tolist()))
    return [*rows, (NONE, marginals[:, 0].tolist())]


def heat_row(name: str, cells: Sequence[str]) -> str:
    """A row of a heat map. cells: their markup."""
    return f'<tr><th scope="row">{cut(name)}</th>{"".join(cells)}</tr>'


def _tag_cell(tag: str, differs: bool) -> str:
    if not differs:
        return f"<td>{cut(tag)}</td>"
    return f'<td class="differs" title="The constraints change this tag">≠ {cut(tag)}</td>'


def _row_of_label(name: str, words: list[str], values: list[float]) -> str:
    pairs = zip(words, values, strict=True)
    return heat_row(name, [_heat_cell(f"{word}: {name}", value) for word, value in pairs])


def _heat_cell(title: str, probability: float) -> str:
    if probability < LEAST_SHOWN:
        return "<td></td>"
    number = f"{probability:.2f}"
    return f'<td style="--p:{probability:.3f}" title="{escape(title)} {number}">{number}</td>'


def cut(text: str) -> str:
    """A text that a narrow column truncates."""
    return f'<span class="cut" dir="auto" title="{escape(text)}">{escape(text)}</span>'
