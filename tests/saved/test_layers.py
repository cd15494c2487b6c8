"""Descriptions of layers, which also apply to their copies."""

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, get_origin

import numpy as np
import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.util import registry
from thinc.api import Linear as ThincLinear
from thinc.api import Model, chain

import spacy_seqrnn
from spacy_seqrnn.batch.composition import FORWARD_WITHIN
from spacy_seqrnn.batch.packed import forward_packed
from spacy_seqrnn.heads.common import dropout_forward
from spacy_seqrnn.heads.linear import Linear
from spacy_seqrnn.heads.pooling import POOLINGS
from spacy_seqrnn.saved.checkpoints import guard
from spacy_seqrnn.saved.layers import OURS, find_description
from spacy_seqrnn.saved.shapes import Layer, check_fits, check_saved
from spacy_seqrnn.types import Floats1d, Floats2d, FloatsXd

from ..conftest import gold_examples
from ..pipes import get_pipe
from ..small import small_ner, small_textcat, small_tok2vec
from ..trust.test_foreign_code import as_bytes, changed, model_of, packed, with_model

HELPERS = {dropout_forward, forward_packed}  # called like layers


def functions() -> Iterator[Callable[..., Any]]:
    """The public functions of the package that could be the forward function of a layer."""
    for module in pkgutil.walk_packages(spacy_seqrnn.__path__, "spacy_seqrnn."):
        for name, function in inspect.getmembers(import_module(module.name), inspect.isfunction):
            signature = inspect.signature(function)
            names = [p.name for p in signature.parameters.values() if p.kind != p.KEYWORD_ONLY]
            like_forward = len(names) == 3 and names[0] == "model" and names[2] == "is_train"
            gives_backprop = get_origin(signature.return_annotation) is tuple
            if name.startswith("_") or function.__module__ != module.name:
                continue
            if like_forward and gives_backprop:
                yield function


def test_every_forward_function_is_described() -> None:
    within = set(FORWARD_WITHIN.values())  # these replace the described functions
    assert set(functions()) - within == set(OURS) | HELPERS


def forward(model: Model[Any, Any], X: Any, is_train: bool) -> tuple[Any, Callable[..., Any]]:
    raise NotImplementedError


forward.__module__ = "spacy_seqrnn.heads.new"


def test_a_layer_of_ours_that_is_not_described_is_an_error() -> None:
    W: Floats2d = np.zeros((2, 2), dtype="float32")
    model: Model[Any, Any] = Model("new", forward, params={"W": W})
    for layer in (
        model,
        chain(model, Linear(nO=2, nI=2)),
        Layer("new", forward, layers=[Linear(nO=2, nI=2)]),
    ):
        for check in (find_new, check_fits, lambda layer: check_saved(layer, layer.to_bytes())):
            with pytest.raises(LookupError, match="'new' of spacy_seqrnn"):
                check(layer)
    with pytest.raises(LookupError, match="call `describe_layer`"):
        Layer("new", forward).set_param("W", np.zeros(2, dtype="float32"))


def find_new(model: Model[Any, Any]) -> None:
    find_description(next(node for node in model.walk() if node.name == "new"))


def of_a_user(model: Model[Any, Any], X: Any, is_train: bool) -> tuple[Any, Callable[..., Any]]:
    raise NotImplementedError


def test_a_layer_of_a_user_has_parameters_of_any_shape() -> None:
    """But the layers within it and beside it do not."""

    def build(size: int, nI: int = 3) -> Model[Any, Any]:
        params: dict[str, FloatsXd] = {"any": np.ones((size, 2, size), dtype="float64")}
        inner = ThincLinear(2, 3).initialize()
        own: Model[Any, Any] = Model(
            "own", of_a_user, params=params, layers=[inner], dims={"nO": 3}
        )
        return chain(own, Linear(nO=2, nI=nI).initialize())

    model = build(1)
    saved = build(5).to_bytes()
    check_saved(model, saved)
    model.from_bytes(saved)
    check_fits(model)
    assert model.layers[0].get_param("any").shape == (5, 2, 5)
    data = srsly.msgpack_loads(saved)
    at = [node.name for node in model.walk()].index("linear")
    data["params"][at]["b"] = np.zeros(7, dtype="float32")
    with pytest.raises(ValueError, match=r"parameter 'b' of the layer 'linear' has the shape \(7,"):
        check_saved(model, srsly.msgpack_dumps(data))
    with pytest.raises(ValueError, match="'nI' = 4, but 3 is needed"):
        check_fits(build(1, nI=4))


def test_a_layer_without_parameters_gets_none() -> None:
    model: Model[Any, Any] = chain(Linear(nO=2, nI=2).initialize(), Linear(nO=2, nI=2).initialize())
    data = srsly.msgpack_loads(model.to_bytes())
    data["params"][0]["W"] = np.zeros(7, dtype="float32")
    with pytest.raises(ValueError, match="the layer has no parameter 'W'"):
        check_saved(model, srsly.msgpack_dumps(data))


def test_an_attribute_that_decides_a_width_is_not_added() -> None:
    model = POOLINGS["mean"](bidirectional=False)
    other = POOLINGS["mean"](bidirectional=False)
    other.attrs["times"] = 5
    with pytest.raises(ValueError, match="`times = 5` of the layer 'mean_pooling', which is None"):
        check_saved(model, other.to_bytes())


def test_an_attribute_is_not_taken_for_a_size() -> None:
    model, other = Linear(nO=2, nI=2).initialize(), Linear(nO=2, nI=2).initialize()
    data = srsly.msgpack_loads(other.to_bytes())
    data["attrs"][0]["nO"] = srsly.msgpack_dumps(7)
    data["params"][0]["b"] = SEVEN
    with pytest.raises(ValueError, match="parameter 'b'"):
        check_saved(model, srsly.msgpack_dumps(data))


# Replaced listeners are copies made by Thinc

LISTENER = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
MODELS = {
    "tagger": {"@architectures": "spacy.Tagger.v2", "tok2vec": LISTENER},
    "textcat": {**small_textcat(True), "tok2vec": LISTENER},
    "seqrnn_ner": {**small_ner(), "tok2vec": LISTENER},
}
SEVEN: Floats1d = np.zeros(7, dtype="float32")


def replaced(name: str) -> Language:
    """A pipeline whose component had a listener and has a copy of the encoder."""
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": small_tok2vec()})
    nlp.add_pipe(name, config={"model": MODELS[name]})
    examples = gold_examples(nlp)
    nlp.update(examples, sgd=nlp.initialize(lambda: examples))
    nlp.replace_listeners("tok2vec", name, ["model.tok2vec"])
    nlp.remove_pipe("tok2vec")
    return guard(nlp)


def of_seven_weights(model: Model[Any, Any], saved: dict[str, Any]) -> bytes:
    """A saved model whose recurrent layer has a width of only seven."""
    at = next(i for i, node in enumerate(model.walk()) if node.name == "lstm")
    assert saved["params"][at]["weights"].size > 7
    return changed(saved, "params", at, {"weights": SEVEN})


@pytest.mark.parametrize("name", MODELS)
def test_copies_reject_parameters_of_other_shapes(name: str, tmp_path: Path) -> None:
    """Through the pipeline with `whole_files` and without, through the component and its model."""
    nlp = replaced(name)
    nlp.to_disk(tmp_path)
    component: Any = nlp.get_pipe(name)
    intact = model_of(tmp_path, name)
    model = of_seven_weights(component.model, intact)
    data = as_bytes(tmp_path, name, model)
    with_model(tmp_path, name, model, guarded=True)
    ways: list[tuple[Callable[..., Any], Any]] = [
        (nlp.from_bytes, data),
        (nlp.from_disk, tmp_path),
        (partial(Language.from_bytes, nlp), data),
        (partial(Language.from_disk, nlp), tmp_path),
        (component.from_bytes, srsly.msgpack_loads(data)[name]),
        (partial(component.from_disk, exclude=["vocab"]), tmp_path / name),
        (component.model.from_bytes, model),
        (component.model.from_dict, srsly.msgpack_loads(model)),
    ]
    for load, saved in ways:
        with pytest.raises(ValueError, match="parameter 'weights' of the layer 'lstm'"):
            load(saved)
    nlp.from_bytes(as_bytes(tmp_path, name, packed(intact)))


@pytest.mark.parametrize("name", MODELS)
def test_copies_of_copies_are_layers_too(name: str) -> None:
    model = get_pipe(replaced(name), name).model.copy()
    layers = [node for node in model.walk() if isinstance(node, Layer)]
    assert {"rnn_stack", "lstm", "with_lexemes"} <= {node.name for node in layers}
    lstm = next(node for node in layers if node.name == "lstm")
    with pytest.raises(ValueError, match="parameter 'weights'"):
        lstm.set_param("weights", SEVEN)


def test_a_copy_that_is_no_layer_is_checked_too() -> None:
    """Any other copy still has its function."""
    model = Linear(nO=2, nI=3).initialize()
    plain: Model[Any, Any] = Model(
        model.name, model._func, dims={"nO": 2, "nI": 3}, params={"W": SEVEN}
    )
    with pytest.raises(ValueError, match="parameter 'W'"):
        check_fits(plain)
    saved = chain(plain, Linear(nO=2, nI=2)).to_bytes()
    with pytest.raises(ValueError, match="parameter 'W'"):
        check_saved(
            chain(Model(model.name, model._func, dims={"nO": 2, "nI": 3}), Linear(nO=2, nI=2)),
            saved,
        )


def test_weights_of_another_cell_are_not_loaded_into_a_layer_of_another_package() -> None:
    """As `init_tok2vec` of [initialize] loads them into spaCy's `Tok2Vec`."""
    lstm, gru = (made_tok2vec(cell=cell) for cell in ("lstm", "gru"))
    with pytest.raises(ValueError, match=r"has the shape \(1664,\), but \(1248,\) in the layer"):
        gru.from_bytes(lstm.to_bytes())
    made_tok2vec(cell="lstm").from_bytes(lstm.to_bytes())


def made_tok2vec(**encoder: Any) -> Any:
    tok2vec = registry.resolve({"tok2vec": small_tok2vec(**encoder)})["tok2vec"]
    tok2vec.initialize(X=[spacy.blank("en").make_doc("Oslo sleeps")])
    return tok2vec
