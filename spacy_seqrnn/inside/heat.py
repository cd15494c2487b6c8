"""The text with its entities, and how probable each label is at each token, as parts of a page."""

from collections.abc import Sequence
from html import escape

import numpy as np
from spacy import displacy

from ..labels import TAGS_PER_LABEL, n_tags
from .html import scrolling

# Labels that are no less probable than this anywhere have a row of their own, but no more than
# these; the others are summed.
LEAST_PROBABLE = 0.01
MOST_LABELS = 12
OTHERS = "all other labels"
NONE = "no entity"
LEAST_SHOWN = 0.005  # of what rounds to 0 the cell is empty

ENTITY = (
    '<mark style="background: {bg}">{text}<span class="label">{label}'
    '<span class="score"> {score}</span></span></mark>'
)
STYLE = """
.seqrnn .entities { margin: 0 0 1em; line-height: 2.2 !important; overflow-wrap: anywhere;
  white-space: pre-wrap; }
.seqrnn .entities mark { color: #1b1b1f; padding: .2em .4em; border-radius: .3em;
  box-decoration-break: clone; -webkit-box-decoration-break: clone; }
.seqrnn .entities .label { font-size: .75em; font-weight: 700; margin-left: .6em; }
.seqrnn .entities .score { font-weight: 400; }
.seqrnn .heat th, .seqrnn .heat td { padding: .2em .5em; text-align: center; white-space: nowrap; }
.seqrnn .heat th[scope=row], .seqrnn .heat .corner { position: sticky; left: 0; text-align: left;
  background: #fff; box-shadow: inset 0 -1px #ccc; }
.seqrnn .heat td { background: rgb(59 130 246 / calc(var(--p, 0) * 55%)); }
.seqrnn .heat .differs { outline: 2px solid #b45309; outline-offset: -2px; font-weight: 700; }
@media (prefers-color-scheme: dark) {
  .seqrnn .heat th[scope=row], .seqrnn .heat .corner { background: #17171b;
    box-shadow: inset 0 -1px #444; }
  .seqrnn .heat .differs { outline-color: #fbbf24; }
}
""".strip()


def entity_text(text: str, entities: Sequence[tuple[int, int, str, float]]) -> str:
    """A text with its entities as displaCy draws them, in its colours.

    entities: first character, the one after the last, label and probability of each.
    """
    ents = [
        {
            "start": start,
            "end": end,
            "label": escape(label),  # which displaCy does not do
            "params": {"score": f"{score:.2f}"},
        }
        for start, end, label, score in entities
    ]
    return displacy.render(
        {"text": text, "ents": ents, "title": None},
        style="ent",
        manual=True,
        jupyter=False,
        options={"template": ENTITY},
    )


def heat_map(
    tokens: Sequence[str],
    found: Sequence[str],
    unconstrained: Sequence[str],
    labels: Sequence[str],
    marginals: np.ndarray,
) -> str:
    """A table with a column for each token: its tags, and how probable each label is, as colour.

    found: the tag of each token in the entities that are found.
    unconstrained: the best tags without constraints; where they are others, both are marked.
    labels: of the recogniser.
    marginals: the probability of each tag at each token; four tags for each label, after O.
        Shape (n_tokens, n_tags).
    """
    title = "Probability of each label at each token"
    differs = [one != other for one, other in zip(found, unconstrained, strict=True)]
    head = "".join(f'<th scope="col">{escape(_shown(token))}</th>' for token in tokens)
    rows = [
        _row("tag", [_tag_cell(*cell) for cell in zip(found, differs, strict=True)]),
        _row(
            "without constraints",
            [_tag_cell(*cell) for cell in zip(unconstrained, differs, strict=True)],
        ),
        *(_row(name, [*map(_heat_cell, values)]) for name, values in _by_label(labels, marginals)),
    ]
    return scrolling(
        title,
        f'<table class="heat"><caption>{title}</caption><thead><tr>'
        f'<th class="corner" scope="col">token</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>",
    )


def _by_label(labels: Sequence[str], marginals: np.ndarray) -> list[tuple[str, list[float]]]:
    """Name and probabilities of each row: the likeliest labels, the others together, none."""
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


def _row(name: str, cells: Sequence[str]) -> str:
    return f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}</tr>'


def _tag_cell(tag: str, differs: bool) -> str:
    if not differs:
        return f"<td>{escape(tag)}</td>"
    return f'<td class="differs" title="The constraints change this tag">≠ {escape(tag)}</td>'


def _heat_cell(probability: float) -> str:
    if probability < LEAST_SHOWN:
        return "<td></td>"
    return f'<td style="--p:{probability:.3f}">{probability:.2f}</td>'


def _shown(token: str) -> str:
    """White space can be seen as its escape sequence."""
    return token if token.strip() else repr(token)[1:-1].replace(" ", "␣")
