"""Pictures of gates and gradients."""

import numpy as np

from ..draw.html import visible
from ..draw.svg import as_svg, new_figure, plain_numbers, style
from .gates import GatesOfText, GateView
from .gradients import GradientCurves

# The most units that a heat map shows; of wider layers, it shows the units that vary most.
MOST_UNITS = 40
MOST_WORDS = 500
# A curve ends where its value falls below this.
SMALLEST_NORM = 1e-12


def draw_gates(found: GatesOfText, view: GateView) -> str:
    """A heat map of each gate over the text: units as rows, words as columns.

    Raises ValueError for a text that is too long to draw.
    """
    if len(found.tokens) > MOST_WORDS:
        raise ValueError(
            f"The text has {len(found.tokens)} tokens, but a heat map shows at most {MOST_WORDS}: "
            "shorten it, or write the numbers with --json."
        )
    with style():
        return _draw_gates(found, view)


def _draw_gates(found: GatesOfText, view: GateView) -> str:
    panels = view.gates or {"hidden state": view.hidden}
    figure = new_figure(max(6.0, 1.5 + 0.45 * len(found.tokens)), 1.2 + 2.4 * len(panels))
    axes = figure.subplots(len(panels), 1, squeeze=False, sharex=True)[:, 0]
    lowest = 0.0 if view.gates else -1.0
    for axis, (name, rows) in zip(axes, panels.items(), strict=True):
        values = np.asarray(rows).T
        values = values[np.sort(np.argsort(-values.std(axis=1), kind="stable")[:MOST_UNITS])]
        image = axis.imshow(values, aspect="auto", vmin=lowest, vmax=1.0, cmap="cividis")
        axis.set_title(f"{name} gate" if view.gates else name, fontsize=10, loc="left")
        axis.set_ylabel("unit")
        axis.set_yticks([])
    words = [visible(token) for token in found.tokens]
    placed = {"rotation": 60, "ha": "right", "rotation_mode": "anchor"}
    axes[-1].set_xticks(range(len(words)), words, **placed)
    figure.colorbar(image, ax=list(axes), label="activation", pad=0.01, aspect=30)
    n_units = np.shape(view.hidden)[1]
    figure.suptitle(view.title + _left_out(n_units), fontsize=11)
    return as_svg(figure)


def describe_gates(found: GatesOfText, view: GateView) -> str:
    """A description of the heat map."""
    names = ", ".join(f"{name} gate" for name in view.gates) or "hidden state"
    return (
        f"Heat map of {view.title}, {names}: activations of its units at each of the "
        f"{len(found.tokens)} tokens. The table has the means."
    )


def _left_out(n_units: int) -> str:
    if n_units <= MOST_UNITS:
        return ""
    return f": the {MOST_UNITS} units that vary most, {n_units - MOST_UNITS} left out"


def draw_gradients(found: GradientCurves) -> str:
    """The norms, on a logarithmic axis, by step."""
    with style():
        figure = new_figure(8.0, 4.8)
        axis = figure.subplots()
        styles = ["-", "--", "-.", ":"]
        for i, curve in enumerate(found.curves):
            norms = np.where(np.asarray(curve.norms) < SMALLEST_NORM, np.nan, curve.norms)
            line = {"linewidth": 1.8, "label": curve.title, "gid": f"curve-{i}"}
            axis.semilogy(curve.steps, norms, styles[i % len(styles)], **line)
        plain_numbers(axis)
        axis.set_xlabel(found.axis)
        axis.set_ylabel(found.measure)
        axis.grid(True)
        figure.legend(loc="outside lower center", ncols=min(3, len(found.curves)))
        return as_svg(figure)


def describe_gradients(found: GradientCurves) -> str:
    """A description of the curves."""
    ends = [
        f"{curve.title} from {curve.norms[0]:.2g} to {curve.norms[-1]:.2g}"
        for curve in found.curves
    ]
    return (
        f"Curves of the {found.measure} against the {found.axis}: {'; '.join(ends)}. "
        "The table has more of their values."
    )
