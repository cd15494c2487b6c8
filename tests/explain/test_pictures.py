"""The content of the pictures, read from the SVG."""

import re

import numpy as np
import pytest

from spacy_seqrnn.explain.gates import GatesOfText, GateView
from spacy_seqrnn.explain.gradients import GradientCurves, through_time
from spacy_seqrnn.explain.pictures import draw_gates, draw_gradients


def points(svg: str, curve: int) -> list[tuple[float, float]]:
    """The corners of a curve."""
    path = re.search(rf'id="curve-{curve}">\s*<path d="([^"]*)"', svg)
    assert path
    return [(float(x), float(y)) for x, y in re.findall(r"[ML] ([\d.]+) ([\d.]+)", path.group(1))]


def test_a_curve_ends_where_its_norms_vanish() -> None:
    falling = through_time("falling", tuple(10.0**-k for k in range(31)))
    level = through_time("level", (1.0,) * 31)
    svg = draw_gradients(GradientCurves((falling, level)))
    first, *_, last = points(svg, 1)
    # 1e-12 is the last value that is drawn: 12 of 30 steps
    assert points(svg, 0)[0] == first
    assert points(svg, 0)[-1][0] == pytest.approx(first[0] + 12 / 30 * (last[0] - first[0]))


@pytest.mark.parametrize(
    ("n_units", "title"), [(40, "v"), (64, "v: the 40 units that vary most, 24 left out")]
)
def test_a_heat_map_says_how_many_units_are_left_out(n_units: int, title: str) -> None:
    rows = tuple(tuple(row) for row in np.random.default_rng(0).random((3, n_units)).tolist())
    view = GateView("v", {"input": rows}, None, rows, 0.0)
    assert f">{title}</text>" in draw_gates(GatesOfText(("a", "b", "c"), (view,)), view)
