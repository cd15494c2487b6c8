"""What the gates of a recurrent encoder do at each word of a text."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from ..batch.packed import Packed
from ..batch.packing import make_packing
from ..draw.html import page, table, visible
from ..rnn.tensors import cell_of, direction_weights
from .find import Encoder, find_encoders, make_doc
from .trace import TextTrace, trace_text


@dataclass(frozen=True)
class GateView:
    """One direction of one layer, in the order of the text.

    title: encoder, layer and direction.
    gates: by name, the activation of each unit at each token, from 0 to 1.
    cell_norms: Euclidean norm of the cell state at each token; None for cells without one.
    hidden: the hidden states at each token.
    difference: the largest difference of these from what the layer itself gives.
    """

    title: str
    gates: dict[str, tuple[tuple[float, ...], ...]]
    cell_norms: tuple[float, ...] | None
    hidden: tuple[tuple[float, ...], ...]
    difference: float


@dataclass(frozen=True)
class GatesOfText:
    """The gates of all recurrent layers over a text.

    tokens: the text's.
    views: each layer's directions, from the input to the output.
    """

    tokens: tuple[str, ...]
    views: tuple[GateView, ...]

    def tables(self) -> list[tuple[str, list[str], list[list[str]]]]:
        """Title, header and rows of a table for each view, with the mean over the units."""
        tables = []
        for view in self.views:
            columns = {f"{name} (mean)": np.mean(of, axis=1) for name, of in view.gates.items()}
            if view.cell_norms is not None:
                columns["cell norm"] = np.asarray(view.cell_norms)
            columns["hidden norm"] = np.linalg.norm(view.hidden, axis=1)
            rows = [
                [visible(token), *(f"{values[i]:.3f}" for values in columns.values())]
                for i, token in enumerate(self.tokens)
            ]
            tables.append((view.title, ["token", *columns], rows))
        return tables

    def _repr_html_(self) -> str:
        return page("Gates", [table(*one) for one in self.tables()])


def gates_of_text(nlp: Language, text: str) -> GatesOfText:
    """Recompute a text in every recurrent encoder of a pipeline, with all gates.

    nlp: a pipeline with a `spacy-seqrnn.RNNEncoder.v1` in any component.
    text: what the pipeline reads.

    Raises ValueError for a pipeline without an encoder of this package or an empty text.
    """
    encoders = find_encoders(nlp)
    doc = make_doc(nlp, text)
    views = tuple(_view(*traced) for each in encoders for traced in trace_encoder(each, doc))
    return GatesOfText(tuple(token.text for token in doc), views)


def trace_encoder(encoder: Encoder, doc: Doc) -> Iterator[tuple[str, TextTrace, np.ndarray, bool]]:
    """Title, trace, own output and reading direction of all layers and directions.

    The trace is in reading order; the output, shape (n_tokens, H), in the order of the text. The
    last is whether the direction reads from right to left.
    """
    ops = encoder.embed.ops
    X = ops.asarray(encoder.embed.predict([doc])[0], dtype="float32")
    for number, layer in enumerate(encoder.layers, start=1):
        Y = layer.predict(Packed(X, make_packing([len(X)]))).data
        weights = direction_weights(layer)
        outputs = np.split(ops.to_numpy(Y), len(weights), axis=1)
        for is_reversed, (own, output) in enumerate(zip(weights, outputs, strict=True)):
            inputs = ops.to_numpy(X)[:: -1 if is_reversed else 1]
            side = "right to left" if is_reversed else "left to right"
            title = f"{encoder.name}: layer {number}, {layer.attrs['cell']}, {side}"
            yield title, trace_text(cell_of(layer), own, inputs), output, bool(is_reversed)
        X = X + Y if encoder.residual and X.shape == Y.shape else Y


def _view(title: str, found: TextTrace, output: np.ndarray, is_reversed: bool) -> GateView:
    order = slice(None, None, -1 if is_reversed else 1)
    hidden = found.hidden[order]
    norms = None if found.cells is None else np.linalg.norm(found.cells[order], axis=1)
    return GateView(
        title=title,
        gates={name: _rows(values[order]) for name, values in found.gates.items()},
        cell_norms=None if norms is None else tuple(norms.tolist()),
        hidden=_rows(hidden),
        difference=float(np.abs(hidden - output).max()),
    )


def _rows(values: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in values.tolist())
