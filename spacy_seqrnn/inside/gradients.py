"""How far back a recurrent cell's last state still depends on its earlier ones.

The norm of the derivative of h_T for h_t, against T − t: where it falls to 0, nothing that far back
can be learnt (Hochreiter 1991; Bengio et al. 1994; Pascanu et al. 2013).
"""

from dataclasses import dataclass

import numpy as np
from spacy.language import Language
from thinc.api import fix_random_seed

from ..checks import check_choice, check_int
from ..layers.packed import Packed, make_packing
from ..layers.rnn import CELLS, RNN
from .find import find_encoders, make_doc
from .gates import cell_weights, trace_encoder
from .html import page, table
from .trace import Trace, trace

LONGEST, WIDEST = 10_000, 1024
SHOWN = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class GradientCurve:
    """One cell, or one direction of a layer.

    norms: the spectral norm of the derivative of the last hidden state for the hidden state
        T − t steps before it. Shape (n_steps,); the first is 1, the state's own derivative.
    """

    title: str
    norms: tuple[float, ...]


@dataclass(frozen=True)
class GradientCurves:
    """Curves to compare."""

    curves: tuple[GradientCurve, ...]

    def tables(self) -> list[tuple[str, list[str], list[list[str]]]]:
        """Title, header and rows of one table, at some of the distances."""
        longest = max(len(curve.norms) for curve in self.curves)
        distances = sorted({*(d for d in SHOWN if d < longest), longest - 1})
        rows = [
            [
                curve.title,
                *(f"{curve.norms[d]:.3g}" if d < len(curve.norms) else "" for d in distances),
            ]
            for curve in self.curves
        ]
        title = "Norm of the derivative of the last state for the state so many steps before"
        return [(title, ["cell", *map(str, distances)], rows)]

    def _repr_html_(self) -> str:
        return page("Gradients through time", [table(*one) for one in self.tables()])


def gradients_of_cells(
    cells: list[str], *, length: int = 100, width: int = 64, seed: int = 0
) -> GradientCurves:
    """Fresh cells, as training starts with them, over standard normal inputs.

    cells: names of `spacy_seqrnn.layers.rnn.CELLS`.
    length: steps of the input.
    width: of the hidden state and of the input.
    seed: of weights and input, the same input for all cells.

    Raises ValueError for an unknown cell or a number out of range.
    """
    check_int("length", length, 2, LONGEST)
    check_int("width", width, 1, WIDEST)
    if not cells:
        raise ValueError(f"`cells` is empty: name at least one of {', '.join(CELLS)}.")
    for cell in cells:
        check_choice("cells", cell, list(CELLS))
    X = np.random.default_rng(seed).normal(size=(length, width)).astype("float32")
    return GradientCurves(tuple(_fresh(cell, X, seed) for cell in cells))


def _fresh(cell: str, X: np.ndarray, seed: int) -> GradientCurve:
    fix_random_seed(seed)
    layer = RNN(cell=cell, nO=X.shape[1], bidirectional=False)
    layer.initialize(X=Packed(layer.ops.asarray(X), make_packing([len(X)])))
    (weights,) = cell_weights(layer)
    return GradientCurve(cell, gradient_norms(trace(weights, X)))


def gradients_of_text(nlp: Language, text: str) -> GradientCurves:
    """Every recurrent layer and direction of a pipeline over a text.

    Raises ValueError for a pipeline without an encoder of this package or an empty text.
    """
    encoders = find_encoders(nlp)
    doc = make_doc(nlp, text)
    traced = [one for encoder in encoders for one in trace_encoder(encoder, doc)]
    return GradientCurves(
        tuple(GradientCurve(title, gradient_norms(found)) for title, _, found, _, _ in traced)
    )


def gradient_norms(found: Trace) -> tuple[float, ...]:
    """The norms for T − t = 0, 1, …, as many as there are steps.

    What h_t does by way of later cell states counts, the cell state c_t beside it does not.
    """
    width = found.hidden.shape[1]
    to_last = np.eye(width, found.states.shape[1])  # of the hidden state alone
    norms = [1.0]
    for step in range(len(found.states) - 1, 0, -1):
        to_last = to_last @ found.jacobian(step)
        norms.append(float(np.linalg.norm(to_last[:, :width], 2)))
    return tuple(norms)
