"""The component `seqrnn_lm`: what it learns, and what it says about texts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.util import load_model_from_config

from spacy_seqrnn.batch import windows
from spacy_seqrnn.lm.surprisal import surprisal_of

from ..pipes import get_pipe
from .models import TEXTS, examples, make_lm, trained_lm

BOTH = {"bidirectional": True}
SEPARATE: dict[str, Any] = {"bidirectional": True, "separate_directions": True, "depth": 2}
UNITS = ["words", "characters"]


def bits(nlp: Language, text: str) -> Any:
    found = surprisal_of(nlp(text))
    assert found is not None
    return found.bits


@pytest.mark.parametrize("unit", UNITS)
def test_a_surprisal_depends_on_nothing_behind_it(unit: str) -> None:
    nlp = trained_lm(unit, steps=5)
    whole = bits(nlp, "The cat said no to the dog")
    for n, prefix in [(2, "The cat"), (3, "The cat said"), (6, "The cat said no to the")]:
        # Of characters, the last word's following space is in the longer text only.
        known = n if unit == "words" else n - 1
        np.testing.assert_allclose(bits(nlp, prefix)[:known], whole[:known], atol=1e-5)


@pytest.mark.parametrize("unit", UNITS)
def test_the_next_units_have_all_probability_together(unit: str) -> None:
    nlp = trained_lm(unit, steps=5)
    component: Any = get_pipe(nlp, "seqrnn_lm")
    known = set(component.vocabulary.units)
    unknown = "¤"  # one of many units without a probability of their own
    assert unknown not in known
    begin = "The cat" if unit == "words" else "The ca"
    join = " " if unit == "words" else ""
    at = 2 if unit == "words" else None
    total = 0.0
    for one in [*known, unknown]:
        if unit == "words" and len(nlp.make_doc(f"{begin}{join}{one}")) != 3:
            pytest.fail(f"{one} is not one token")
        found = bits(nlp, f"{begin}{join}{one}")
        if at is None:  # of a text's last character alone
            found = [found[:-1].sum() - bits(nlp, begin)[:-1].sum()]
        total += 2.0 ** -float(found[at or 0])
    total += 2.0 ** -float(bits(nlp, begin)[-1])
    assert total == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("encoder", [{}, BOTH, SEPARATE])
@pytest.mark.parametrize("unit", UNITS)
def test_a_surprisal_does_not_depend_on_the_batch(unit: str, encoder: dict[str, Any]) -> None:
    nlp = trained_lm(unit, steps=5, **encoder)
    alone = [bits(nlp, text) for text in TEXTS]
    together = [surprisal_of(doc) for doc in nlp.pipe(TEXTS * 20, batch_size=64)]
    for one, other in zip(alone * 20, together, strict=True):
        assert other is not None
        np.testing.assert_allclose(one, other.bits, atol=1e-5)


@pytest.mark.parametrize("encoder", [{}, BOTH, SEPARATE, {"cell": "gru", "depth": 2}])
@pytest.mark.parametrize("unit", UNITS)
def test_it_learns_its_texts(unit: str, encoder: dict[str, Any]) -> None:
    before = make_lm(unit, **encoder).evaluate(examples(make_lm(unit)))
    nlp = trained_lm(unit, **encoder)
    after = nlp.evaluate(examples(nlp))
    assert after["lm_perplexity"] < 4 < before["lm_perplexity"]
    assert after["lm_accuracy"] > 0.5 > before["lm_accuracy"]


def test_gradients() -> None:
    """Of the loss of both directions, through the start states, softmax, encoder and embedding."""
    nlp = make_lm(**SEPARATE)
    component: Any = get_pipe(nlp, "seqrnn_lm")
    batch = examples(nlp)
    n_tokens = sum(len(example.predicted) for example in batch)

    def loss() -> float:
        for node in component.model.walk():
            for name in node.grad_names:
                node.set_grad(name, 0 * node.get_grad(name))
        return component.update(batch)["seqrnn_lm"] / n_tokens  # type: ignore[no-any-return]

    loss()
    grads = {
        (node.id, name): node.get_grad(name).copy()
        for node in component.model.walk()
        for name in node.grad_names
        if node.name != "space_before"  # has a loss of its own
    }
    assert len(grads) > 8
    random = np.random.default_rng(0)
    for node in component.model.walk():
        for name in node.grad_names:
            if (node.id, name) not in grads:
                continue
            values = node.get_param(name).reshape(-1)
            for i in random.permutation(values.size)[:6]:
                before = values[i]
                values[i] = before + 1e-2
                up = loss()
                values[i] = before - 1e-2
                down = loss()
                values[i] = before
                expected = (up - down) / 2e-2
                found = grads[node.id, name].reshape(-1)[i]
                assert found == pytest.approx(expected, abs=2e-3, rel=2e-2), (node.name, name)


def test_long_texts_are_read_in_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    nlp = trained_lm(steps=5)
    text = " ".join(TEXTS * 3)
    expected = bits(nlp, text)
    limits = windows.Limits(chunk=40, window=10, context=60)
    monkeypatch.setattr(windows, "PREDICTION", limits)
    np.testing.assert_allclose(bits(nlp, text), expected, atol=1e-5)
    monkeypatch.setattr(windows, "TRAINING", windows.Limits(chunk=40, window=10, context=5))
    doc = nlp.make_doc(text)
    losses = nlp.update([Example(doc, doc)], losses={})
    n_predictions = len(doc) + 1
    mean = expected.sum() * np.log(2) / n_predictions
    # The context is too short to be exact, but each word counts once.
    assert losses["seqrnn_lm"] / n_predictions == pytest.approx(mean, rel=0.1)


def test_what_users_read() -> None:
    nlp = trained_lm(steps=5)
    doc = nlp("The cat sat.")
    each = [token._.surprisal for token in doc]
    found = surprisal_of(doc)
    assert found is not None
    assert each == found.bits[:-1].tolist()
    assert doc._.perplexity == pytest.approx(2 ** (found.bits.sum() / 5))
    assert nlp("")._.perplexity is None
    assert nlp.make_doc("not read")._.perplexity is None
    (again,) = DocBin(docs=[doc], store_user_data=True).get_docs(nlp.vocab)
    assert again._.perplexity == doc._.perplexity


def test_scores() -> None:
    nlp = trained_lm(steps=5)
    docs = list(nlp.pipe(TEXTS))
    scores = nlp.evaluate(examples(nlp))
    found = [each for doc in docs if (each := surprisal_of(doc)) and each.n_units]
    total = sum(each.bits.sum() for each in found)
    n = sum(len(doc) + 1 for doc in docs if len(doc))
    assert scores["lm_perplexity"] == pytest.approx(2 ** (total / n), rel=1e-5)
    assert scores["lm_probability"] == pytest.approx(1 / scores["lm_perplexity"], rel=1e-5)
    characters = sum(len(doc.text) + 1 for doc in docs if len(doc))
    assert scores["lm_bits_per_character"] == pytest.approx(total / characters, rel=1e-5)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("encoder", [{}, SEPARATE])
def test_saving_and_loading(tmp_path: Path, unit: str, encoder: dict[str, Any]) -> None:
    nlp = trained_lm(unit, steps=5, **encoder)
    expected = bits(nlp, TEXTS[1])
    nlp.to_disk(tmp_path)
    np.testing.assert_array_equal(bits(spacy.load(tmp_path), TEXTS[1]), expected)
    blank = load_model_from_config(nlp.config)
    blank.from_bytes(nlp.to_bytes())
    np.testing.assert_array_equal(bits(blank, TEXTS[1]), expected)


def test_the_vocabulary_is_made_once() -> None:
    component: Any = get_pipe(make_lm(), "seqrnn_lm")
    assert component.vocabulary is component.vocabulary
    before = component.vocabulary
    component.cfg["units"] = ["dog", "cat"]
    assert before.units != component.vocabulary.units == ["dog", "cat"]


def test_units_are_counted() -> None:
    nlp = make_lm(min_count=2)
    component: Any = get_pipe(nlp, "seqrnn_lm")
    units = component.vocabulary.units
    assert units[0] == "."
    assert "mat" in units
    assert "A" not in units
    few: Any = get_pipe(make_lm(max_units=3), "seqrnn_lm")
    assert few.vocabulary.units == units[:3]


def test_states_that_have_read_the_unit_are_rejected() -> None:
    with pytest.raises(ValueError, match="set `separate_directions = true`"):
        make_lm(bidirectional=True, depth=2)
    with pytest.raises(ValueError, match="set `separate_directions = true`"):
        make_lm(bidirectional=True, residual=True, width=32)
