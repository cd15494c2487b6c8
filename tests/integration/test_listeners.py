"""A shared `tok2vec`: with its listeners, without them, frozen, and moved to another pipeline."""

from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from thinc.api import Optimizer

from ..conftest import gold_examples
from ..pipes import get_pipe
from .components import (
    COMPONENTS,
    NO_STEP,
    TEXTS,
    assert_same,
    initialize,
    make_pipeline,
    resume,
    score,
    train,
)

FEW = 5  # steps of a training that is not finished


@pytest.fixture(params=COMPONENTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def unfinished(name: str) -> tuple[Language, Optimizer]:
    """A pipeline of `tok2vec` and a listener, and its optimizer in the middle of training."""
    nlp = make_pipeline(name, shared=True)
    optimizer = initialize(nlp)
    train(nlp, optimizer, steps=FEW)
    return nlp, optimizer


def test_replaced_listeners_predict_the_same_and_go_on_learning(
    name: str, unfinished: tuple[Language, Optimizer]
) -> None:
    nlp, optimizer = unfinished
    before = list(nlp.pipe(TEXTS))
    shared = get_pipe(nlp, "tok2vec").model.to_bytes()
    nlp.replace_listeners("tok2vec", name, ["model.tok2vec"])
    assert_same(nlp.pipe(TEXTS), before)
    history = train(nlp, optimizer, exclude=["tok2vec"])
    assert history[-1][name] < 0.1 * history[0][name]
    assert score(nlp, name) == 1.0
    assert get_pipe(nlp, "tok2vec").model.to_bytes() == shared


def test_replaced_listeners_are_saved(
    name: str, unfinished: tuple[Language, Optimizer], tmp_path: Path
) -> None:
    nlp, _ = unfinished
    nlp.replace_listeners("tok2vec", name, ["model.tok2vec"])
    nlp.remove_pipe("tok2vec")
    nlp.to_disk(tmp_path)
    assert_same(spacy.load(tmp_path).pipe(TEXTS), nlp.pipe(TEXTS))


def test_listens_to_a_frozen_tok2vec(name: str, unfinished: tuple[Language, Optimizer]) -> None:
    nlp = make_pipeline(name, shared=True).from_bytes(unfinished[0].to_bytes())
    tok2vec, listener = get_pipe(nlp, "tok2vec").model, get_pipe(nlp, name).model
    frozen, before = tok2vec.to_bytes(), listener.to_bytes()
    optimizer = resume(nlp)
    history = train(nlp, optimizer, exclude=["tok2vec"], annotates=["tok2vec"])
    assert history[-1][name] < 0.5 * history[0][name]
    assert tok2vec.to_bytes() == frozen
    assert listener.to_bytes() != before


def test_sourced_with_its_tok2vec(name: str, unfinished: tuple[Language, Optimizer]) -> None:
    source, _ = unfinished
    before = list(source.pipe(TEXTS))
    nlp = spacy.blank("xx")
    nlp.add_pipe("tok2vec", source=source)
    nlp.add_pipe(name, source=source)
    assert_same(nlp.pipe(TEXTS), before)
    train(nlp, resume(nlp))
    assert score(nlp, name) == 1.0


def test_sourced_by_itself(name: str) -> None:
    source = make_pipeline(name, shared=False)
    train(source, initialize(source), steps=FEW)
    before = list(source.pipe(TEXTS))
    nlp = make_pipeline("tagger", shared=True)
    initialize(nlp)
    nlp.add_pipe(name, source=source, name="sourced")
    nlp.disable_pipes("tok2vec", "tagger")
    assert_same(nlp.pipe(TEXTS), before)


def test_many_components_share_one_tok2vec(tmp_path: Path) -> None:
    names = ["tagger", "morphologizer", "parser", "spancat", "seqrnn_ner", "seqrnn_textcat"]
    nlp = make_pipeline(*names, shared=True)
    train(nlp, initialize(nlp))
    assert {name: score(nlp, name) for name in names} == dict.fromkeys(names, 1.0)
    nlp.to_disk(tmp_path)
    assert_same(spacy.load(tmp_path).pipe(TEXTS), nlp.pipe(TEXTS))


def test_a_batch_without_entities_still_teaches_the_shared_tok2vec() -> None:
    nlp = make_pipeline("seqrnn_textcat", "seqrnn_ner", shared=True)
    initialize(nlp)
    examples = gold_examples(nlp)
    for example in examples:
        example.reference.set_ents([], default="missing")
    nlp.update(examples, sgd=NO_STEP)
    nodes = list(get_pipe(nlp, "tok2vec").model.walk())
    assert any(node.get_grad(name).any() for node in nodes for name in node.grad_names)
