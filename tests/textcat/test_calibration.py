"""Temperatures and thresholds of categories."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.training import Example

from spacy_seqrnn import calibrate_textcat
from spacy_seqrnn.textcat.calibration import best_threshold, rescale

from ..pipes import get_pipe
from ..small import small_ngrams, small_textcat

WORDS = ["a", "b", "c", "d"]
MODELS: dict[str, Any] = {
    "network": small_textcat,
    "with n-grams": lambda exclusive: small_textcat(exclusive, ngrams=small_ngrams()),
    "n-grams alone": lambda exclusive: {
        "@architectures": "spacy-seqrnn.NgramTextCat.v1",
        "exclusive_classes": exclusive,
        "rows": 97,
    },
    "ensemble": lambda exclusive: {
        "@architectures": "spacy-seqrnn.TextCatEnsemble.v1",
        "members": {
            "network": MODELS["with n-grams"](exclusive),
            "other": MODELS["network"](exclusive),
            "n-grams": MODELS["n-grams alone"](exclusive),
        },
    },
}


def noisy_examples(nlp: Language, exclusive: bool, n_docs: int = 120) -> list[Example]:
    """Texts whose categories depend on their words, and on chance."""
    rng = np.random.default_rng(0)
    examples = []
    for _ in range(n_docs):
        words = rng.choice(WORDS, size=3)
        p = np.asarray([0.1 + 0.8 * (word in words) for word in WORDS[:3]])
        truth = (rng.random(3) < p).astype(float)
        if exclusive:
            truth = np.eye(3)[rng.choice(3, p=p / p.sum())]
        cats = dict(zip("ABC", truth.tolist(), strict=True))
        examples.append(Example.from_dict(nlp.make_doc(" ".join(words)), {"cats": cats}))
    return examples


def trained(kind: str, exclusive: bool, scale: float = 1.0) -> tuple[Language, list[Example]]:
    """A pipeline after some updates, with all logits multiplied, and other examples."""
    np.random.seed(0)
    nlp = spacy.blank("en")
    factory = "textcat" if exclusive else "textcat_multilabel"
    nlp.add_pipe(factory, name="cats", config={"model": MODELS[kind](exclusive)})
    examples = noisy_examples(nlp, exclusive)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.02
    for _ in range(10):
        nlp.update(examples[:60], sgd=optimizer)
    rescale_all(nlp, scale)
    return nlp, examples[60:]


def members(nlp: Language) -> list[Any]:
    model: Any = get_pipe(nlp, "cats").model
    return list(model.layers) if model.name == "TextCatEnsemble" else [model]


def rescale_all(nlp: Language, scale: float) -> None:
    for member in members(nlp):
        rescale(member, np.full(3, scale), np.zeros(3))


def log_loss(nlp: Language, examples: list[Example], exclusive: bool) -> float:
    losses = []
    for example in examples:
        cats = nlp(example.reference.text).cats
        for label, value in example.reference.cats.items():
            if value:
                losses.append(-np.log(cats[label]))
            elif not exclusive:
                losses.append(-np.log(1 - cats[label]))
    return float(np.mean(losses))


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("exclusive", [True, False])
def test_temperatures_minimise_the_log_loss(kind: str, exclusive: bool) -> None:
    nlp, examples = trained(kind, exclusive, scale=2.0)
    before = log_loss(nlp, examples, exclusive)
    found = calibrate_textcat(nlp, examples)
    after = log_loss(nlp, examples, exclusive)
    assert after < before
    assert found.log_loss == pytest.approx((before, after), rel=1e-3)
    for factor in (0.8, 1.25):
        rescale_all(nlp, factor)
        assert log_loss(nlp, examples, exclusive) > after
        rescale_all(nlp, 1 / factor)
    assert (len(set(found.temperatures.values())) == 1) == exclusive
    assert found.thresholds == {}


@pytest.mark.parametrize("exclusive", [True, False])
def test_sharper_logits_get_a_higher_temperature(exclusive: bool) -> None:
    once, examples = trained("with n-grams", exclusive)
    found = calibrate_textcat(once, examples).temperatures
    twice, examples = trained("with n-grams", exclusive, scale=2.0)
    doubled = calibrate_textcat(twice, examples).temperatures
    for label, temperature in found.items():
        assert doubled[label] == pytest.approx(2 * temperature, rel=0.05)


def test_the_most_probable_category_stays() -> None:
    nlp, examples = trained("with n-grams", exclusive=True, scale=3.0)
    texts = [example.reference.text for example in examples]

    def best() -> list[str]:
        return [max(doc.cats, key=doc.cats.__getitem__) for doc in nlp.pipe(texts)]

    before = best()
    calibrate_textcat(nlp, examples)
    assert best() == before


def f1_of(scores: np.ndarray, truth: np.ndarray, threshold: float) -> float:
    chosen = scores >= threshold
    return float(2 * (chosen & (truth == 1)).sum() / (chosen.sum() + (truth == 1).sum()))


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0.0, 1.0])), min_size=1))
def test_best_threshold_against_all(pairs: list[tuple[int, float]]) -> None:
    scores, truth = np.asarray([(number / 5, value) for number, value in pairs]).T
    found = best_threshold(scores, truth)
    if not truth.any():
        assert found is None
        return
    assert found is not None
    best = max(f1_of(scores, truth, cut) for cut in scores)
    assert f1_of(scores, truth, found) == pytest.approx(best)


def test_unknown_labels_do_not_count() -> None:
    scores, truth = np.asarray([0.9, 0.8, 0.4, 0.2]), np.asarray([1.0, np.nan, 1.0, 0.0])
    assert best_threshold(scores, truth) == pytest.approx(0.3)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("own", [0.5, 0.3])
def test_thresholds_are_at_that_of_the_component(kind: str, own: float) -> None:
    nlp, examples = trained(kind, exclusive=False)
    pipe: Any = get_pipe(nlp, "cats")
    pipe.cfg["threshold"] = own
    texts = [example.reference.text for example in examples]
    before = [doc.cats for doc in nlp.pipe(texts)]
    of_members = np.asarray([member.predict(list(nlp.pipe(texts))) for member in members(nlp)])
    found = calibrate_textcat(nlp, examples, thresholds=True)
    after = [doc.cats for doc in nlp.pipe(texts)]
    assert list(found.thresholds) == ["A", "B", "C"]
    for number, label in enumerate(found.thresholds):
        truth = np.asarray([example.reference.cats[label] for example in examples])
        p = of_members[:, :, number]  # (n_members, n_docs)
        logits = (np.log(p) - np.log1p(-p)) / found.temperatures[label]
        shifted = (1 / (1 + np.exp(-logits - shift)) for shift in np.linspace(-10, 10, 20_001))
        best = max(f1_of(each.mean(axis=0), truth, own) for each in shifted)
        assert f1_of(np.asarray([cats[label] for cats in after]), truth, own) == pytest.approx(best)
        if len(of_members) == 1:  # a shift for each of several members changes the order of texts
            scores = np.asarray([cats[label] for cats in before])
            assert best == pytest.approx(max(f1_of(scores, truth, cut) for cut in scores))


def test_label_without_examples_keeps_its_scores() -> None:
    nlp, examples = trained("network", exclusive=False)
    for example in examples:
        example.reference.cats = {**example.reference.cats, "C": 0.0}
    before = nlp("a b c").cats
    found = calibrate_textcat(nlp, examples, thresholds=True)
    assert list(found.thresholds) == ["A", "B"]
    assert found.temperatures["C"] == 1.0
    assert nlp("a b c").cats["C"] == pytest.approx(before["C"], abs=1e-6)


def test_saved_with_the_pipeline(tmp_path: Path) -> None:
    nlp, examples = trained("with n-grams", exclusive=False)
    calibrate_textcat(nlp, examples, thresholds=True)
    nlp.to_disk(tmp_path)
    assert spacy.load(tmp_path)("a b").cats == nlp("a b").cats


def test_the_component_that_is_named_in_batches_of_any_size() -> None:
    nlp, examples = trained("network", exclusive=False, scale=2.0)
    once = calibrate_textcat(nlp, examples)
    again, examples = trained("network", exclusive=False, scale=2.0)
    again.add_pipe("textcat", name="first", config={"model": small_textcat(True)}, first=True)
    get_pipe(again, "first").initialize(lambda: noisy_examples(again, exclusive=True), nlp=again)
    found = calibrate_textcat(again, examples, component="cats", batch_size=7)
    assert found.component == "cats"
    assert found.temperatures == once.temperatures


def test_what_cannot_be_calibrated() -> None:
    nlp, examples = trained("network", exclusive=True)
    with pytest.raises(ValueError, match="'cats' predicts exactly one category, the most probable"):
        calibrate_textcat(nlp, examples, thresholds=True)
    with pytest.raises(ValueError, match="no example has a word and one of its categories A, B, C"):
        calibrate_textcat(nlp, [Example.from_dict(nlp.make_doc("a"), {"cats": {"X": 1.0}})])
    with pytest.raises(ValueError, match="`component = 'dogs'` is unknown: set it to one of cats"):
        calibrate_textcat(nlp, examples, component="dogs")
    other = spacy.blank("en")
    spacys = {"@architectures": "spacy.TextCatBOW.v3", "exclusive_classes": True}
    spacys |= {"ngram_size": 1, "no_output_layer": False}
    members = {"a": small_textcat(True), "b": spacys}
    model = {"@architectures": "spacy-seqrnn.TextCatEnsemble.v1", "members": members}
    other.add_pipe("textcat", config={"model": model})
    with pytest.raises(ValueError, match="or an ensemble of these as its model"):
        calibrate_textcat(other, examples)
