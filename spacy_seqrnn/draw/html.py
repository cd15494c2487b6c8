"""Pages that need no network and follow the reader's light or dark theme."""

from html import escape

# Longest title; a text may be pages long.
MOST_CHARACTERS = 100

STYLE = """
.seqrnn { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; padding: 1em;
  max-width: 70em; color: #1b1b1f; background: #fff; }
.seqrnn p { overflow-wrap: anywhere; }
.seqrnn table { border-collapse: collapse; }
.seqrnn caption { text-align: left; font-weight: 600; padding: .3em 0; }
.seqrnn th, .seqrnn td { text-align: left; padding: .25em .8em .25em 0; vertical-align: top;
  border-bottom: 1px solid #ccc; font-variant-numeric: tabular-nums; }
.seqrnn .scroll { overflow-x: auto; margin: 0 0 1.5em; }
.seqrnn .picture { margin: 0 0 1em; overflow-x: auto; }
.seqrnn svg { max-width: 100%; height: auto; }
.seqrnn details { margin: 0 0 1.5em; }
.seqrnn summary { cursor: pointer; }
.seqrnn pre { overflow-x: auto; padding: .8em; border: 1px solid #ccc; }
.seqrnn a { color: #1d4ed8; }
.seqrnn :focus-visible { outline: 2px solid #3b82f6; outline-offset: 2px; }
@media (prefers-color-scheme: dark) {
  .seqrnn { color: #e6e6ea; background: #17171b; }
  .seqrnn th, .seqrnn td, .seqrnn pre { border-color: #444; }
  .seqrnn a { color: #93c5fd; }
}
""".strip()

# Only for a whole file: a notebook has its own background and headings.
FILE_STYLE = """
html { background: #fff; }
body { margin: 0; }
body.seqrnn { margin: 0 auto; box-sizing: border-box; }
.seqrnn .seqrnn { padding: 0; }
.seqrnn .skip { position: absolute; left: -99em; }
.seqrnn .skip:focus { left: 1em; top: .5em; }
.seqrnn nav ul { display: flex; flex-wrap: wrap; gap: .2em 1.2em; padding: 0; list-style: none; }
.seqrnn h1 { overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) { html { background: #17171b; } }
""".strip()


def table(title: str, header: list[str], rows: list[list[str]]) -> str:
    """A table with a caption, and with header cells for screen readers. All text is escaped.

    A wide table scrolls on its own, also from the keyboard.
    """
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join(_row(row) for row in rows) or (f'<tr><td colspan="{len(header)}">none</td></tr>')
    inside = (
        f"<table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )
    return scrolling(title, inside)


def _row(cells: list[str]) -> str:
    first, *others = map(escape, cells)
    return f'<tr><th scope="row">{first}</th>{"".join(f"<td>{c}</td>" for c in others)}</tr>'


def scrolling(title: str, inside: str) -> str:
    """A region that scrolls if its content is wider than the page."""
    region = f'role="region" tabindex="0" aria-label="{escape(title)}"'
    return f'<div class="scroll" {region}>{inside}</div>'


def visible(token: str) -> str:
    """A token on one line: a line break would spill out of its row or column.

    Tokens of white space are shown as ASCII escape sequences, which every terminal can display.
    """
    return " ".join(token.split()) or repr(token)[1:-1].replace(" ", r"\x20")


def heading(text: str) -> str:
    """The beginning of a text on one line, as the title of a page."""
    line = " ".join(text.split())
    rest = " \N{HORIZONTAL ELLIPSIS}" if len(line) > MOST_CHARACTERS else ""
    return line[:MOST_CHARACTERS] + rest


def paragraph(text: str) -> str:
    """A paragraph. The text is escaped."""
    return f"<p>{escape(text)}</p>"


def details(summary: str, inside: str) -> str:
    """A section that is collapsed until the reader opens it. The summary is escaped."""
    return f"<details><summary>{escape(summary)}</summary>\n{inside}</details>"


def page(title: str, parts: list[str], *, style: str = "") -> str:
    """A fragment of a page with its own style, for a notebook. style: more CSS."""
    inside = "\n".join(parts)
    return (
        f'<div class="seqrnn"><style>{STYLE}{style}</style><h2>{escape(title)}</h2>\n{inside}</div>'
    )


def section(name: str, title: str, parts: list[str]) -> str:
    """A section that links can point to. name: letters and dashes, unique in the file."""
    inside = "\n".join(parts)
    return f'<section id="{name}"><h2>{escape(title)}</h2>\n{inside}</section>'


def links(sections: dict[str, str]) -> str:
    """Links to sections. sections: each section's title by its name."""
    items = "".join(
        f'<li><a href="#{name}">{escape(title)}</a></li>' for name, title in sections.items()
    )
    return f'<nav aria-label="Contents"><ul>{items}</ul></nav>'


def document(title: str, parts: list[str], *, style: str = "") -> str:
    """A whole file. parts: what `page` or `section` returns. style: more CSS."""
    inside = "\n".join(parts)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>
{STYLE}
{FILE_STYLE}
{style}
</style></head>
<body class="seqrnn">
<a class="skip" href="#main">Skip to content</a>
<main id="main" tabindex="-1">
<h1 dir="auto">{escape(title)}</h1>
{inside}
</main></body></html>
"""
