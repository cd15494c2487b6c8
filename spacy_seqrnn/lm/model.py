"""The model of a language model: from documents to the states that predict units."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model

from ..batch.composition import in_reverse, run_packed
from ..batch.docs import DocBatch
from ..batch.packed import Packed, take_rows
from ..batch.windows import (
    Chunk,
    encode_chunks,
    predict_chunks,
    run_in_chunks,
    whole_docs,
)
from ..config_places import pipeline_at_work
from ..embed.known_vectors import (
    check_known,
    check_vectors,
    know_vectors,
    static_vectors_attrs,
)
from ..heads.common import check_width, clip_gradients, dropout_forward, init_tok2vec
from ..saved.layers import check_same, describe_layer, output_width
from ..saved.shapes import Layer
from ..types import Floats2d
from .directions import check_words_alone, n_directions
from .positions import Positions, find_positions
from .shared import Tok2Vec, check_listener, is_listener, origin_of
from .softmax import AdaptiveSoftmax
from .spaces import SpaceBefore


@dataclass(frozen=True)
class Predictors:
    """The states that predict units, for each direction that is read.

    states: Shape (n_predictions, width) each.
    positions: the token that each of them predicts.
    """

    states: list[Floats2d]
    positions: list[Positions]


LanguageModel: TypeAlias = Model[list[Doc], Predictors]


def language_model(
    tok2vec: Tok2Vec, *, unit: str, cutoffs: Sequence[int], spaces: bool, max_grad_norm: float
) -> LanguageModel:
    """From documents to the states that predict their units; see `LanguageModel`.

    spaces: whether it learns where there is a space between two units.

    Raises ConfigError for an encoder whose states have read what they would predict.
    """
    check_listener(tok2vec)
    softmax = AdaptiveSoftmax(list(cutoffs))
    before = SpaceBefore() if spaces else None
    return Layer(
        "seqrnn_lm",
        forward,
        init=init,
        dims={"nI": None, "nO": None},
        params={"start": None},
        layers=[tok2vec, softmax, *([before] if before else [])],
        refs={"tok2vec": tok2vec, "softmax": softmax, "spaces": before},
        attrs={
            "unit": unit,
            # What a listener listens to is known when the model is initialised.
            "n_directions": None if is_listener(tok2vec) else n_directions(tok2vec),
            "dropout_rate": 0.0,
            "max_grad_norm": max_grad_norm,
            **static_vectors_attrs([tok2vec]),
        },
    )


def forward(
    model: LanguageModel, docs: list[Doc], is_train: bool
) -> tuple[Predictors, Callable[[Predictors], list[Doc]]]:
    batch = DocBatch(docs)
    check_vectors(model, batch, is_train=is_train)
    X, backprop_tokvecs = run_packed(model.get_ref("tok2vec"), batch, is_train)
    lengths = np.asarray(batch.lengths)
    found, backprop_states = _find_states(model, X, whole_docs(lengths), lengths, is_train)

    def backprop(gradient: Predictors) -> list[Doc]:
        d_docs: list[Doc] = backprop_tokvecs(backprop_states(gradient))
        clip_gradients(model, model.attrs["max_grad_norm"])
        return d_docs

    return found, backprop


def param_shape(model: LanguageModel, param: str) -> tuple[int, ...]:
    """The shape of the states before any unit."""
    return model.attrs["n_directions"], model.get_dim("nI")


def width_of(model: LanguageModel, width: int | None) -> None:
    """The directions share the width of the token vectors, and predict with the same layers."""
    of_states = model.maybe_get_dim("nI")
    of_tokens = output_width(model.get_ref("tok2vec"), None)
    n = model.attrs["n_directions"]
    if of_states and of_tokens and of_states * n != of_tokens:
        raise ValueError(
            f"the layer '{model.name}' has states of {of_states}, and token vectors of {of_tokens}"
        )
    for name in ("softmax", "spaces"):
        if output := model.maybe_get_ref(name):
            check_same(output, "nI", of_states)
            check_same(output, "nO", model.maybe_get_dim("nO"))


def check_loaded(model: LanguageModel) -> None:
    """Raise ValueError if a number of directions, or a record of vectors, is not valid."""
    tok2vec, found = model.get_ref("tok2vec"), model.attrs["n_directions"]
    valid = (None, 1, 2) if is_listener(tok2vec) else (n_directions(tok2vec),)
    if found not in valid:
        raise ValueError(
            f"`n_directions = {str(found)[:50]}` of the layer '{model.name}', which its encoder "
            "does not have"
        )
    check_known(model)


describe_layer(
    forward,
    param_shapes=param_shape,
    width=width_of,
    fixed_attrs=["unit"],
    check=check_loaded,
)


def in_chunks(
    model: LanguageModel, docs: list[Doc], is_train: bool
) -> Iterator[tuple[Chunk, Predictors, Callable[[Predictors], list[Doc]]]]:
    """Run the model on a batch of any size; see `run_in_chunks`."""
    return run_in_chunks(model, [model.get_ref("tok2vec")], docs, is_train, run_windows)


def run_windows(
    model: LanguageModel, batch: DocBatch, parts: list[Chunk], is_train: bool
) -> Iterator[tuple[Chunk, Predictors, Callable[[Predictors], list[Doc]]]]:
    """Embed documents as a whole, and encode them chunk by chunk."""
    check_vectors(model, batch, is_train=is_train)
    lengths = np.asarray(batch.lengths)
    tok2vec = model.get_ref("tok2vec")
    for chunk, X, backprop_encoded in encode_chunks(tok2vec, batch, parts, is_train):
        found, backprop_states = _find_states(model, X, chunk, lengths, is_train)
        yield chunk, found, in_reverse([backprop_encoded, backprop_states])
    if is_train:
        clip_gradients(model, model.attrs["max_grad_norm"])


def predict_states(model: LanguageModel, docs: list[Doc]) -> Iterator[tuple[Chunk, Predictors]]:
    """The states of a batch of any size, chunk by chunk, each prediction once."""
    batch = DocBatch(docs)
    check_vectors(model, batch, is_train=False)
    lengths = np.asarray(batch.lengths)
    for chunk, X in predict_chunks(model.get_ref("tok2vec"), batch):
        yield chunk, _find_states(model, X, chunk, lengths, is_train=False)[0]


def _find_states(
    model: LanguageModel, X: Packed, chunk: Chunk, lengths: np.ndarray, is_train: bool
) -> tuple[Predictors, Callable[[Predictors], Packed]]:
    """The states that predict, of tokens with the vectors X.

    lengths: tokens of each document of the batch.
    """
    ops, tokvecs = model.ops, X.data
    check_width(model.get_ref("tok2vec"), tokvecs)
    dropped, backprop_dropout = dropout_forward(model, tokvecs, is_train)
    rows = take_rows(ops, dropped, X.packing.from_packed)  # document-major
    start, width = model.get_param("start"), model.get_dim("nI")
    n = len(start)
    positions = [find_positions(chunk, lengths, ahead=not i) for i in range(n)]
    states = []
    for i, of_direction in enumerate(positions):
        # START is -1, the last row.
        known = ops.xp.vstack([rows[:, i * width : (i + 1) * width], start[i : i + 1]])
        states.append(take_rows(ops, known, of_direction.states))

    def backprop(gradient: Predictors) -> Packed:
        d_rows = ops.alloc2f(len(rows) + 1, n * width)
        d_start = ops.alloc2f(n, width)
        for i, (found, d_states) in enumerate(zip(positions, gradient.states, strict=True)):
            # No token's state makes more than one prediction, so nothing is added up but here.
            is_start = found.states < 0
            d_start[i] = d_states[ops.xp.asarray(is_start)].sum(axis=0)
            tokens = ops.xp.asarray(found.states[~is_start])
            columns = slice(i * width, (i + 1) * width)
            d_rows[tokens, columns] = d_states[ops.xp.asarray(~is_start)]
        model.inc_grad("start", d_start)
        d_tokvecs = take_rows(ops, d_rows, X.packing.to_packed)
        return Packed(backprop_dropout(d_tokvecs), X.packing)

    return Predictors(states, positions), backprop


def init(model: LanguageModel, X: list[Doc] | None = None, Y: None = None) -> None:
    know_vectors(model, X)
    tok2vec = model.get_ref("tok2vec")
    of_tokens = init_tok2vec(tok2vec, X)
    origin = origin_of(tok2vec, pipeline_at_work())
    check_words_alone(origin, X)
    n = model.attrs["n_directions"] = n_directions(origin)
    width = of_tokens // n
    model.set_dim("nI", width)
    model.set_param("start", model.ops.alloc2f(n, width))
    for name in ("softmax", "spaces"):
        if output := model.maybe_get_ref(name):
            output.set_dim("nI", width)
            output.set_dim("nO", model.get_dim("nO"))
            output.initialize()
