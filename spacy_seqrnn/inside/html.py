"""Pages that need no network and follow the reader's choice of light or dark."""

from html import escape

STYLE = """
.seqrnn { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; padding: 1em;
  max-width: 70em; color: #1b1b1f; background: #fff; }
.seqrnn table { border-collapse: collapse; margin: 0 0 1.5em; }
.seqrnn caption { text-align: left; font-weight: 600; padding: .3em 0; }
.seqrnn th, .seqrnn td { text-align: left; padding: .25em .8em .25em 0; vertical-align: top;
  border-bottom: 1px solid #ccc; font-variant-numeric: tabular-nums; }
.seqrnn svg { max-width: 100%; height: auto; }
.seqrnn .picture { background: #fff; padding: .5em; overflow-x: auto; }
@media (prefers-color-scheme: dark) {
  .seqrnn { color: #e6e6ea; background: #17171b; }
  .seqrnn th, .seqrnn td { border-color: #444; }
}
""".strip()


def table(title: str, header: list[str], rows: list[list[str]]) -> str:
    """A table with a caption and with headers for screen readers. All text is escaped."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join(_row(row) for row in rows) or (f'<tr><td colspan="{len(header)}">none</td></tr>')
    return (
        f"<table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def _row(cells: list[str]) -> str:
    first, *others = map(escape, cells)
    return f'<tr><th scope="row">{first}</th>{"".join(f"<td>{c}</td>" for c in others)}</tr>'


def page(title: str, parts: list[str]) -> str:
    """A part of a page that brings its own style, for a notebook."""
    inside = "\n".join(parts)
    return f'<div class="seqrnn"><style>{STYLE}</style><h2>{escape(title)}</h2>\n{inside}</div>'


def document(title: str, parts: list[str]) -> str:
    """A whole file. parts: what `page` gives."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )
