"""Pictures as SVG, drawn by matplotlib, which is imported only here and when it is needed."""

from io import StringIO
from typing import Any

import numpy as np

from .gates import GatesOfText, GateView
from .gradients import GradientCurves

# Units that a heat map has room for; of wider layers it shows those that vary most.
MOST_UNITS = 40
MOST_WORDS = 500
# A curve ends where it falls below this.
SMALLEST_NORM = 1e-12


def _figure(width: float, height: float) -> Any:
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise ImportError(
            "Pictures need matplotlib: install it with `pip install spacy-seqrnn[inside]`."
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def _svg(figure: Any) -> str:
    """The picture as an element of a page, the same at each call."""
    import matplotlib as mpl  # noqa: PLC0415

    with mpl.rc_context({"svg.hashsalt": "seqrnn", "svg.fonttype": "path"}):
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def as_element(svg: str, description: str) -> str:
    """An SVG within a page, with a description for screen readers."""
    inline = svg[svg.index("<svg") :].replace("<svg", '<svg role="img"', 1)
    return f'<figure class="picture" aria-label="{description}">{inline}</figure>'


def draw_gates(found: GatesOfText, view: GateView) -> str:
    """A heat map of each gate over the text: units are rows, words are columns.

    Raises ValueError for a text that is too long to draw.
    """
    if len(found.tokens) > MOST_WORDS:
        raise ValueError(
            f"The text has {len(found.tokens)} tokens, but a heat map has room for {MOST_WORDS}: "
            "give a shorter one, or write the numbers with --json."
        )
    names = list(view.gates)
    n_panels = len(names) or 1
    figure = _figure(max(6.0, 1.5 + 0.45 * len(found.tokens)), 1.2 + 2.4 * n_panels)
    axes = figure.subplots(n_panels, 1, squeeze=False, sharex=True)[:, 0]
    panels = view.gates or {"hidden state": view.hidden}
    lowest = 0.0 if view.gates else -1.0
    for axis, (name, rows) in zip(axes, panels.items(), strict=True):
        values = np.asarray(rows).T
        values = values[np.sort(np.argsort(-values.std(axis=1), kind="stable")[:MOST_UNITS])]
        image = axis.imshow(values, aspect="auto", vmin=lowest, vmax=1.0, cmap="cividis")
        axis.set_title(f"{name} gate" if view.gates else name, fontsize=10, loc="left")
        axis.set_ylabel("unit", fontsize=9)
        axis.set_yticks([])
    # "$" in a text is no formula, and a line break would fall out of its column.
    words = [" ".join(token.split()) or "(space)" for token in found.tokens]
    style = {"rotation": 60, "ha": "right", "rotation_mode": "anchor", "fontsize": 9}
    axes[-1].set_xticks(range(len(words)), words, parse_math=False, **style)
    figure.colorbar(image, ax=list(axes), label="activation", pad=0.01, aspect=30)
    n_units = np.shape(view.hidden)[1]
    figure.suptitle(view.title + _left_out(n_units), fontsize=11)
    return _svg(figure)


def _left_out(n_units: int) -> str:
    if n_units <= MOST_UNITS:
        return ""
    return f": the {MOST_UNITS} units that vary most, {n_units - MOST_UNITS} left out"


def draw_gradients(found: GradientCurves) -> str:
    """The norms on a logarithmic axis against the steps."""
    figure = _figure(8.0, 4.8)
    axis = figure.subplots()
    styles = ["-", "--", "-.", ":"]
    for i, curve in enumerate(found.curves):
        norms = np.where(np.asarray(curve.norms) < SMALLEST_NORM, np.nan, curve.norms)
        style = {"linewidth": 1.8, "label": curve.title, "gid": f"curve-{i}"}
        axis.semilogy(curve.steps, norms, styles[i % len(styles)], **style)
    axis.set_xlabel(found.axis)
    axis.set_ylabel(found.measure)
    axis.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=min(3, len(found.curves)), fontsize=9)
    return _svg(figure)
