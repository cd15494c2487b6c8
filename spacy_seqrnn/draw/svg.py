"""Pictures as SVG for light and dark pages, drawn by matplotlib, which is imported only here."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from html import escape
from importlib.util import find_spec
from io import StringIO
from typing import Any

# This colour is replaced by the colour of the text around the picture.
TEXT = "#0a0b0c"
# Each colour is visible on white and on near black.
BLUE, ORANGE, GREEN, PURPLE, RED = "#3b82f6", "#d97706", "#059669", "#a855f7", "#ef4444"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, RED)

# What a stand-alone SVG file needs in addition
FILE_STYLE = (
    "<style>:root{color:#1b1b1f}@media(prefers-color-scheme:dark){:root{color:#e6e6ea}}</style>"
)


def check_drawing() -> None:
    """Raise ImportError if matplotlib is missing, before anything is computed for a picture."""
    if find_spec("matplotlib") is None:
        raise ImportError(
            "Pictures need matplotlib: install it with `pip install spacy-seqrnn[inside]`."
        )


@contextmanager
def style() -> Iterator[None]:
    """Draw without a background and in the colour of the surrounding text.

    Raises ImportError if matplotlib is missing.
    """
    check_drawing()
    import matplotlib as mpl  # noqa: PLC0415
    from cycler import cycler  # noqa: PLC0415

    coloured = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    settings: Any = {
        **dict.fromkeys((*coloured, "grid.color"), TEXT),
        **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), "none"),
        "legend.frameon": False,
        "axes.prop_cycle": cycler(color=COLOURS),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "font.size": 9,
        "grid.alpha": 0.2,
        # Show labels and words literally: "$" does not start a formula.
        "text.parse_math": False,
        "svg.hashsalt": "seqrnn",  # the same picture at each call
        "svg.fonttype": "none",  # text stays text, in whatever script it is
    }
    with mpl.rc_context(settings):
        yield


def new_figure(width: float, height: float) -> Any:
    """A figure of the given size in inches. Call it within `style`."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    return Figure(figsize=(width, height), layout="constrained")


def plain_numbers(axis: Any) -> None:
    """Label a logarithmic y axis with plain numbers; formulas are not rendered."""
    from matplotlib.ticker import LogLocator  # noqa: PLC0415

    low, high = axis.get_ylim()
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_locator(LogLocator(subs=(2.0, 5.0)))
    axis.yaxis.set_minor_formatter("{x:g}" if high < 100 * low else "")


def as_svg(figure: Any) -> str:
    """A figure as an element of a page. Call it within `style`."""
    text = StringIO()
    with warnings.catch_warnings():
        # Matplotlib measures text with its own font; the reader's font has the glyphs it lacks.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :].replace(TEXT, "currentColor")


def as_file(svg: str) -> str:
    """A picture as a file of its own, which follows the reader's light or dark theme."""
    end = svg.index(">") + 1
    return f"{svg[:end]}{FILE_STYLE}{svg[end:]}"


def as_element(svg: str, description: str) -> str:
    """A picture within a page. description: alternative text, for screen readers."""
    prefix = "p" + sha256((svg + description).encode()).hexdigest()[:8]
    for before in ('id="', 'href="#', "url(#"):
        svg = svg.replace(before, before + prefix)  # other pictures on the page use the same ids
    inline = svg.replace("<svg", f'<svg role="img" aria-label="{escape(description)}"', 1)
    return f'<figure class="picture">{inline}</figure>'
