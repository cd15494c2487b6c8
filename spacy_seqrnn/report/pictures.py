"""The pictures of a report: each function returns an SVG; `page.py` adds the text."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..draw.svg import BLUE, GREEN, ORANGE, TEXT, as_svg, new_figure, plain_numbers, style
from .curves import Curves
from .entities import Confusion
from .reliability import Reliability
from .scores import Score
from .transitions import Transitions

WIDTH = 8.0
ROW = 0.3  # height of a row of dots, in inches
# Numbers must be legible in the darkest and in the lightest cell, on light and dark pages.
MOST_SHADE = 0.6
# Cell size of a heat map with a column for each tag
MOST_INCHES = 11.0


def draw_curves(curves: Curves) -> str:
    """Loss, development score, learning rate and speed, each by training step."""
    with style():
        figure = new_figure(WIDTH, 5.2)
        losses, scores, rates, speeds = figure.subplots(2, 2, sharex=True).flat
        few = {"marker": "." if len(curves.step) < 30 else ""}
        for name, values in curves.losses.items():
            losses.plot(curves.step, values, label=name, **few)
        losses.set_title("mean loss of a step", loc="left")
        losses.set_yscale("log")
        plain_numbers(losses)
        scores.plot(curves.step, curves.score, label="score", linewidth=2, **few)
        for name, values in curves.scores.items():
            if values != curves.score:
                scores.plot(curves.step, values, label=name, linestyle="--", **few)
        scores.set_title("development score", loc="left")
        scores.set_ylim(bottom=0)
        if curves.learn_rate:
            rates.plot(curves.step, curves.learn_rate, **few)
        rates.set_title("learning rate", loc="left")
        rates.set_ylim(bottom=0)
        speed = [np.nan if value is None else value for value in curves.words_per_second]
        speeds.plot(curves.step, speed, **few)
        speeds.set_title("words/s", loc="left")
        speeds.set_ylim(bottom=0)
        for axis in (losses, scores, rates, speeds):
            axis.axvline(curves.step[curves.best], color=TEXT, linestyle=":", linewidth=1)
            axis.grid(True)
        for axis in (losses, scores):
            axis.legend()
        for axis in (rates, speeds):
            axis.set_xlabel("step")
        return as_svg(figure)


def draw_scores(rows: Sequence[tuple[str, Score]], title: str) -> str:
    """Scores with their intervals, each in a row of its own."""
    with style():
        figure = new_figure(WIDTH, 0.9 + ROW * len(rows))
        axis = figure.subplots()
        values = np.asarray([score.value for _, score in rows])
        ends = np.asarray([[score.low, score.high] for _, score in rows]).T
        # An interval may start above the score, or end below it.
        distances = np.maximum([values - ends[0], ends[1] - values], 0)
        places = range(len(rows))
        axis.errorbar(values, places, xerr=distances, fmt="o", color=BLUE, capsize=3)
        axis.set_yticks(places, [name for name, _ in rows])
        axis.set_ylim(len(rows) - 0.5, -0.5)
        axis.set_xlim(-0.02, 1.02)
        axis.set_xlabel(title)
        axis.grid(True, axis="x")
        return as_svg(figure)


def draw_counts(rows: dict[str, int]) -> str:
    """Bars, each with its number."""
    with style():
        figure = new_figure(WIDTH, 0.7 + ROW * len(rows))
        axis = figure.subplots()
        bars = axis.barh(range(len(rows)), list(rows.values()), color=BLUE, height=0.7)
        axis.bar_label(bars, padding=3)
        axis.set_yticks(range(len(rows)), list(rows))
        axis.invert_yaxis()
        axis.margins(x=0.1)
        axis.set_xlabel("entities or pairs of entities")
        return as_svg(figure)


def draw_confusion(confusion: Confusion) -> str:
    """A heat map of each row's shares, with the counts."""
    with style():
        counts = np.asarray(confusion.counts)
        size = (2.2 + 0.75 * len(confusion.columns), 1.2 + 0.42 * len(confusion.rows))
        figure = new_figure(*(min(inches, MOST_INCHES) for inches in size))
        axis = figure.subplots()
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axis.imshow(_shaded(BLUE, MOST_SHADE * shares), aspect="auto")
        if len(confusion.rows) <= 20:
            for (i, j), n in np.ndenumerate(counts):
                axis.text(j, i, str(n), ha="center", va="center")
        _name_cells(axis, confusion.rows, confusion.columns)
        axis.set_ylabel("annotated")
        axis.set_xlabel("predicted")
        return as_svg(figure)


def _shaded(colour: str, strength: np.ndarray) -> np.ndarray:
    """A colour with the values from 0 to 1 as its opacity, on any background."""
    from matplotlib.colors import to_rgb  # noqa: PLC0415

    return np.dstack(
        [np.broadcast_to(part, strength.shape) for part in to_rgb(colour)] + [strength]
    )


def _name_cells(axis: Any, rows: Sequence[str], columns: Sequence[str]) -> None:
    size = min(9.0, 500 / max(len(rows), len(columns)))
    axis.set_yticks(range(len(rows)), rows, fontsize=size)
    placed = {"rotation": 60, "ha": "right", "rotation_mode": "anchor"}
    axis.set_xticks(range(len(columns)), columns, fontsize=size, **placed)
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)


def draw_reliability(found: Reliability) -> str:
    """The share of correct predictions by score, and how many predictions have each score."""
    with style():
        figure = new_figure(4.8, 5.0)
        axis, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
        axis.plot([0, 1], [0, 1], color=TEXT, linewidth=1, linestyle=":", label="probabilities")
        scores = [each.score for each in found.bins]
        axis.plot(
            scores, [each.right for each in found.bins], "o-", color=BLUE, label="these scores"
        )
        axis.set_ylabel("share correct")
        axis.set_ylim(-0.02, 1.02)
        axis.set_xlim(-0.02, 1.02)
        axis.grid(True)
        axis.legend(loc="upper left")
        below.bar(scores, [each.n for each in found.bins], width=0.04, color=BLUE)
        below.set_ylabel("how many")
        below.set_xlabel("mean score")
        return as_svg(figure)


def draw_transitions(found: Transitions) -> str:
    """A heat map of scores, with a cross in each forbidden cell."""
    with style():
        from matplotlib.cm import ScalarMappable  # noqa: PLC0415
        from matplotlib.colors import ListedColormap, Normalize  # noqa: PLC0415

        scores = np.asarray(found.scores, dtype="float64")  # None becomes nan
        peak = float(np.nanmax(np.abs(scores), initial=0.0)) or 1.0
        inches = min(2.0 + 0.28 * len(found.rows), MOST_INCHES)
        figure = new_figure(inches + 0.8, inches)
        axis = figure.subplots()
        strength = np.nan_to_num(scores / peak)
        image = np.where(
            strength[..., None] < 0,
            _shaded(ORANGE, np.abs(strength)),
            _shaded(GREEN, np.abs(strength)),
        )
        axis.imshow(image)
        forbidden = np.argwhere(np.isnan(scores))
        mark = min(16.0, 1200 / len(found.rows))
        axis.scatter(
            forbidden[:, 1],
            forbidden[:, 0],
            s=mark,
            marker="x",
            color=TEXT,
            alpha=0.5,
            linewidth=0.7,
        )
        _name_cells(axis, found.rows, found.columns)
        axis.set_ylabel("tag")
        axis.set_xlabel("next tag")
        levels = np.linspace(-1, 1, 101)[None]
        colours = np.where(
            levels[..., None] < 0, _shaded(ORANGE, abs(levels)), _shaded(GREEN, abs(levels))
        )[0]
        scale = ScalarMappable(Normalize(-peak, peak), ListedColormap(colours))
        figure.colorbar(scale, ax=axis, label="score in nats", shrink=0.6)
        return as_svg(figure)
