"""The marginals of a text as a heat map: a table whose columns are tokens and whose rows are tags.

The numbers stand in the cells, so it says the same without colours and to a screen reader.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from .html import paragraph, scrolling, visible

# Columns and rows that a page has room for
MOST_TOKENS = 1000
MOST_TAGS = 30
# What is less would be written 0.00.
LEAST = 0.005
# Differences that the sentence names
MOST_NAMED = 10

STYLE = """
.seqrnn .heat { --ground: #fff; --heat: 96 165 250; --differs: #d97706; }
.seqrnn .heat table { border-collapse: separate; border-spacing: 1px; }
.seqrnn .heat caption { text-align: start; }
.seqrnn .heat caption span { position: sticky; inset-inline-start: 0; }
.seqrnn .heat th, .seqrnn .heat td { padding: .2em .35em; text-align: center; min-width: 2.2em;
  white-space: nowrap; border: 0; }
.seqrnn .heat td { background: rgb(var(--heat) / var(--p, 0)); }
.seqrnn .heat tr > :first-child { position: sticky; inset-inline-start: 0; z-index: 1;
  text-align: start; background: var(--ground); }
.seqrnn .heat .best { outline: 2px solid currentColor; outline-offset: -2px; }
.seqrnn .heat .differs { font-weight: 600; outline: 2px solid var(--differs);
  outline-offset: -2px; }
.seqrnn .cut { display: inline-block; max-width: 10em; overflow: hidden; text-overflow: ellipsis;
  vertical-align: bottom; }
.seqrnn .heat tr > :first-child .cut { width: max-content; max-width: min(12em, 30vw);
  white-space: normal; overflow-wrap: break-word; }
@media (prefers-color-scheme: dark) {
  .seqrnn .heat { --ground: #17171b; --heat: 29 78 216; }
}
""".strip()


@dataclass(frozen=True)
class TagMarginals:
    """What a heat map shows.

    tokens: the text's.
    tags: all tags that the model knows.
    values: the probability of each tag at each token. Shape (n_tokens, n_tags).
    best: the tags of what is found.
    free: the best tags without constraints.
    """

    tokens: Sequence[str]
    tags: Sequence[str]
    values: Sequence[Sequence[float]]
    best: Sequence[str]
    free: Sequence[str]

    def differences(self) -> list[int]:
        """The tokens at which constraints made the decision."""
        pairs = zip(self.best, self.free, strict=True)
        return [i for i, (best, free) in enumerate(pairs) if best != free]


def heat_map(found: TagMarginals, *, title: str, direction: str) -> str:
    """A heat map and the sentences that it needs. All text is escaped.

    It has the tags that are found and those that have a probability of `LEAST` anywhere, of more
    than `MOST_TAGS` those that come to the highest, and the sum of all others; of a text that is
    longer than `MOST_TOKENS` the first ones.

    title: the caption.
    direction: of the text, "ltr" or "rtl": where the first token stands.
    """
    n_tokens = len(found.tokens)
    if n_tokens > MOST_TOKENS:
        title += f", the first {MOST_TOKENS} of {n_tokens} tokens"
    rows = [
        _row("token", [_head(token) for token in found.tokens[:MOST_TOKENS]]),
        *_sequences(found),
        *_probabilities(found),
    ]
    inside = (
        f'<table><caption><span dir="ltr">{escape(title)}</span></caption>'
        f"<thead>{rows[0]}</thead><tbody>{rows[1]}{rows[2]}</tbody>"
        f"<tbody>{''.join(rows[3:])}</tbody></table>"
    )
    region = f'<div class="heat" dir="{direction}">{scrolling(title, inside)}</div>'
    return paragraph(_legend()) + paragraph(describe_differences(found)) + region


def _legend() -> str:
    return (
        "The stronger a colour, the more probable the tag at the token; cells below "
        f"{LEAST} are empty. The frames are around the tags of what is found."
    )


def describe_differences(found: TagMarginals) -> str:
    """Where constrained and unconstrained tags differ, as a sentence."""
    places = found.differences()
    if not places:
        return "Without constraints, the best tags would be the same."
    # Isolated, so that words of the other direction leave the order of the sentence alone.
    named = [f"\u2068{visible(found.tokens[i])}\u2069 {found.free[i]}" for i in places[:MOST_NAMED]]
    more = f" and {len(places) - MOST_NAMED} more" if len(places) > MOST_NAMED else ""
    return (
        f"Without constraints, the best tags would differ at {len(places)} of "
        f"{len(found.tokens)} tokens, marked \N{NOT EQUAL TO}: {', '.join(named)}{more}."
    )


def _sequences(found: TagMarginals) -> list[str]:
    """The rows of the best tags with and without constraints."""
    marks = set(found.differences())
    best = [_tag(tag, differs=i in marks) for i, tag in enumerate(found.best[:MOST_TOKENS])]
    free = [_tag(tag, differs=i in marks) for i, tag in enumerate(found.free[:MOST_TOKENS])]
    return [_row("found", best), _row("without constraints", free)]


def _tag(tag: str, *, differs: bool) -> str:
    if differs:
        return f'<td class="differs">\N{NOT EQUAL TO} {_cut(tag)}</td>'
    return f"<td>{_cut(tag)}</td>"


def _probabilities(found: TagMarginals) -> list[str]:
    """A row for each tag that is shown, and one for the sum of all others."""
    values = np.asarray(found.values)[:MOST_TOKENS]
    shown = _shown(found, values)
    words = [visible(token) for token in found.tokens]
    rows = []
    for tag in shown:
        name = found.tags[tag]
        rows.append(_heat_row(name, words, values[:, tag], best=found.best))
    if len(shown) < len(found.tags):
        # Rounding must not make it negative.
        rest = np.maximum(values.sum(axis=1) - values[:, shown].sum(axis=1), 0.0)
        name = f"other tags ({len(found.tags) - len(shown)})"
        rows.append(_heat_row(name, words, rest, best=()))
    return rows


def _shown(found: TagMarginals, values: np.ndarray) -> list[int]:
    """The tags that have a row, in their order. values: shape (n_tokens, n_tags)."""
    best = set(found.best[:MOST_TOKENS])
    # What is found comes first, however improbable.
    weights = values.max(axis=0) + [tag in best for tag in found.tags]
    ranked = np.argsort(-weights, kind="stable")[:MOST_TAGS]
    return sorted(ranked[weights[ranked] >= LEAST].tolist())


def _heat_row(name: str, words: list[str], values: np.ndarray, *, best: Sequence[str]) -> str:
    framed = [tag == name for tag in best] or [False] * len(words)
    cells = [
        _heat_cell(f"{word}: {name} {value:.4f}", value, frame)
        for word, value, frame in zip(words, values.tolist(), framed, strict=False)
    ]
    return _row(name, cells)


def _heat_cell(title: str, value: float, frame: bool) -> str:
    best = ' class="best"' if frame else ""
    if value < LEAST:
        return f"<td{best}></td>"
    return f'<td{best} style="--p:{value:.2f}" title="{escape(title)}">{value:.2f}</td>'


def _row(name: str, cells: list[str]) -> str:
    return f'<tr><th scope="row">{_cut(name)}</th>{"".join(cells)}</tr>'


def _head(token: str) -> str:
    return f'<th scope="col">{_cut(visible(token))}</th>'


def _cut(text: str) -> str:
    """A text of which a narrow column shows the beginning."""
    return f'<span class="cut" dir="auto" title="{escape(text)}">{escape(text)}</span>'
