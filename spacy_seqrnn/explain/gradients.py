"""How far back a recurrent cell's last state still depends on its earlier ones.

The norm of the derivative of h_T for h_t, against T − t: where it falls to 0, nothing that far back
can be learnt (Hochreiter 1991; Bengio et al. 1994; Pascanu et al. 2013).
"""

from dataclasses import dataclass

import numpy as np
from spacy.language import Language
from thinc.api import Model, fix_random_seed

from ..batch.packed import Packed
from ..batch.packing import make_packing
from ..checks import check_choice, check_int
from ..draw.html import page, table
from ..rnn.cells import CELLS
from ..rnn.layer import RNN
from ..rnn.tensors import cell_of, direction_weights
from ..types import Floats2d
from .find import find_encoders, make_doc
from .gates import trace_encoder
from .trace import trace_text

LONGEST, WIDEST = 10_000, 1024
SHOWN = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class GradientCurve:
    """One cell, or one direction of a layer.

    norms: of the derivatives; those through time are spectral norms.
    steps: where each of them is on the axis. Shape (n_norms,), the same as `norms`.
    """

    title: str
    norms: tuple[float, ...]
    steps: tuple[int, ...]


def through_time(title: str, norms: tuple[float, ...]) -> GradientCurve:
    """A curve of norms for T − t = 0, 1, …"""
    return GradientCurve(title, norms, tuple(range(len(norms))))


@dataclass(frozen=True)
class GradientCurves:
    """Curves to compare.

    measure: what the norms are of.
    axis: what the steps count.
    """

    curves: tuple[GradientCurve, ...]
    measure: str = "norm of the derivative of h_T for h_t"
    axis: str = "steps before the last, T - t"

    def tables(self) -> list[tuple[str, list[str], list[list[str]]]]:
        """Title, header and rows of one table, at some of the distances."""
        there = {step for curve in self.curves for step in curve.steps}
        shown = sorted({step for step in SHOWN if step in there} | {max(there)})
        rows = []
        for curve in self.curves:
            found = dict(zip(curve.steps, curve.norms, strict=True))
            rows.append([curve.title, *(f"{found[d]:.3g}" if d in found else "" for d in shown)])
        title = f"{self.measure[0].upper()}{self.measure[1:]}, by {self.axis}"
        return [(title, ["curve", *map(str, shown)], rows)]

    def _repr_html_(self) -> str:
        return page("Gradients through time", [table(*one) for one in self.tables()])


def gradients_of_cells(
    cells: list[str], *, length: int = 100, width: int = 64, seed: int = 0
) -> GradientCurves:
    """Fresh cells, as training starts with them, over standard normal inputs.

    cells: names of `spacy_seqrnn.rnn.cells.CELLS`.
    length: steps of the input.
    width: of the hidden state and of the input.
    seed: of weights and input, the same input for all cells.

    Raises ValueError for an unknown cell or a number out of range.
    """
    if not cells:
        raise ValueError(f"`cells` is empty: name at least one of {', '.join(CELLS)}.")
    for cell in cells:
        check_choice("cells", cell, list(CELLS))
    X = normal_inputs(length, width, seed)
    return GradientCurves(tuple(curve_of(fresh_layer(cell, X, seed), X, cell) for cell in cells))


def normal_inputs(length: int, width: int, seed: int) -> Floats2d:
    """Standard normal token vectors of one text. Shape (length, width)."""
    check_int("length", length, 2, LONGEST)
    check_int("width", width, 1, WIDEST)
    return np.random.default_rng(seed).normal(size=(length, width)).astype("float32")


def fresh_layer(cell: str, X: Floats2d, seed: int) -> Model[Packed, Packed]:
    """A layer that reads left to right, as wide as its input, before any training."""
    fix_random_seed(seed)
    layer = RNN(cell=cell, nO=X.shape[1], bidirectional=False)
    layer.initialize(X=Packed(layer.ops.asarray(X), make_packing([len(X)])))
    return layer


def curve_of(layer: Model[Packed, Packed], X: Floats2d, title: str) -> GradientCurve:
    """How far back the last state of such a layer depends on earlier ones. X: the inputs."""
    (weights,) = direction_weights(layer)
    return through_time(title, trace_text(cell_of(layer), weights, X).gradient_norms())


def gradients_of_text(nlp: Language, text: str) -> GradientCurves:
    """Every recurrent layer and direction of a pipeline over a text.

    Raises ValueError for a pipeline without an encoder of this package or an empty text.
    """
    encoders = find_encoders(nlp)
    doc = make_doc(nlp, text)
    traced = [one for encoder in encoders for one in trace_encoder(encoder, doc)]
    return GradientCurves(
        tuple(through_time(title, found.gradient_norms()) for title, found, _, _ in traced)
    )
