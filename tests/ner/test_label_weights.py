"""Label weights: how many wrong entities are as bad as a missed one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.training import Example

from spacy_seqrnn.crf.chain import LinearChain
from spacy_seqrnn.crf.expectations import marginals
from spacy_seqrnn.explain import explain_ner
from spacy_seqrnn.ner.biluo import biluo_constraints, n_tags
from spacy_seqrnn.ner.component import RecurrentNER
from spacy_seqrnn.report.analysis import Evaluation

from ..crf.paths import enumerate_paths, make_chain
from ..pipes import get_pipe
from .pipelines import entities, make_examples, make_nlp, trained

LABELS = ("LOC", "PER")
TEXT = "they saw Mary Rose today"
NOBODY = ["O"] * 5
UNIT = ["O", "O", "O", "U-PER", "O"]
SEVERAL = ["O", "O", "B-PER", "L-PER", "O"]
ELSEWHERE = ["O", "O", "O", "U-LOC", "O"]


def mixed(*parts: tuple[int, list[str]]) -> list[tuple[str, list[str]]]:
    """A text that is annotated sometimes one way and sometimes another, at random."""
    return [(TEXT, tags) for times, tags in parts for _ in range(times)]


def with_weights(nlp: Language, weights: float | dict[str, float]) -> Language:
    get_pipe(nlp, "seqrnn_ner").label_weights = weights
    return nlp


@pytest.fixture(scope="module", params=[UNIT, SEVERAL], ids=["one token", "several"])
def three_of_ten(request: pytest.FixtureRequest) -> Language:
    """An entity in 3 of 10 texts."""
    return trained(data=mixed((3, request.param), (7, NOBODY)), steps=150, spans_key="scores")


def probability(nlp: Language) -> float:
    """The model's score of the entity in TEXT."""
    return float(with_weights(nlp, 30.0)(TEXT).spans["scores"].attrs["scores"].item())


@pytest.mark.parametrize(("weight", "recall"), [(1.0, 0), (2.0, 0), (3.0, 1), (5.0, 1)])
@pytest.mark.parametrize("of_label", [True, False])
def test_found_where_its_weight_outweighs_its_odds(
    three_of_ten: Language, weight: float, recall: int, of_label: bool
) -> None:
    """3 of 10, so the odds are 3 to 7: 2 * 3 is less than 7, and 3 * 3 more."""
    assert probability(three_of_ten) == pytest.approx(0.3, abs=0.02)
    with_weights(three_of_ten, {"PER": weight} if of_label else weight)
    assert len(three_of_ten(TEXT).ents) == recall


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_found_above_a_probability(
    one_word: Language, monkeypatch: pytest.MonkeyPatch, temperature: float
) -> None:
    """At any temperature: the probability that counts is the one that the user sees."""
    monkeypatch.setitem(get_pipe(one_word, "seqrnn_ner").cfg, "temperature", temperature)
    p = with_weights(one_word, 30.0)("Rose").spans["scores"].attrs["scores"].item()
    just = (1 - p) / p  # so that p = 1 / (1 + just)
    assert just == pytest.approx((7 / 3) ** (1 / temperature), rel=0.1)
    assert not with_weights(one_word, 0.99 * just)("Rose").ents
    assert len(with_weights(one_word, 1.01 * just)("Rose").ents) == 1


@pytest.fixture(scope="module")
def one_word() -> Language:
    """A text of one word, which is an entity in 3 of 10."""
    data = [("Rose", ["U-PER"])] * 3 + [("Rose", ["O"])] * 7
    return trained(data=data, steps=150, spans_key="scores")


@pytest.mark.parametrize("times", [1, 2, 3, 5])
def test_as_if_the_examples_with_it_were_there_so_often(times: int) -> None:
    weighted = trained(data=mixed((3, SEVERAL), (7, NOBODY)), steps=150, label_weights=times)
    copied = trained(data=mixed((3 * times, SEVERAL), (7, NOBODY)), steps=150)
    assert entities(weighted, TEXT) == entities(copied, TEXT)


@pytest.mark.parametrize(
    ("weights", "found"),
    [
        ({}, []),
        ({"PER": 1.5}, []),
        ({"PER": 2.0}, ["PER"]),
        ({"LOC": 3.0}, ["LOC"]),
        ({"PER": 2.0, "LOC": 2.5}, ["PER"]),
        ({"PER": 2.0, "LOC": 3.5}, ["LOC"]),
        (2.0, ["PER"]),
        ({"PER": 2.0, "LOC": 0.1}, ["PER"]),
    ],
)
def test_labels_compete_with_their_own_weights(
    two_labels: Language, weights: dict[str, float] | float, found: list[str]
) -> None:
    """3, 2 and 5 of 10."""
    assert [label for _, label in entities(with_weights(two_labels, weights), TEXT)] == found


@pytest.fixture(scope="module")
def two_labels() -> Language:
    data = mixed((3, UNIT), (2, ELSEWHERE), (5, NOBODY))
    return trained(data=data, steps=300, spans_key="scores")


@pytest.fixture(scope="module")
def recogniser() -> RecurrentNER:
    nlp = make_nlp()
    nlp.initialize(lambda: make_examples(nlp))
    made: RecurrentNER = get_pipe(nlp, "seqrnn_ner")
    return made


def biluo_chain(lengths: list[int], seed: int) -> LinearChain:
    """A random chain in which every valid sequence is possible."""
    chain = make_chain(lengths, n_tags(2), forbidden=0.0, seed=seed)
    rules = biluo_constraints(n_tags(2))
    names = ("transitions", "start", "end")
    scores = {name: getattr(chain, name) for name in names}
    allowed: dict[str, Any] = {
        name: np.where(getattr(rules, name), scores[name], -np.inf) for name in names
    }
    return replace(chain, **allowed)


def n_entities(tags: tuple[int, ...], label: int) -> int:
    return sum((tag - 1) // 4 == label and (tag - 1) % 4 in (0, 3) for tag in tags if tag)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000),
    weights=st.tuples(*[st.sampled_from([0.01, 0.5, 1.0, 3.0, 1e4])] * 2),
    temperature=st.sampled_from([0.4, 1.0, 2.5]),
)
def test_best_of_all_sequences(
    recogniser: RecurrentNER, seed: int, weights: tuple[float, float], temperature: float
) -> None:
    """Probability at the temperature, times the weights of all entities."""
    chain = biluo_chain([3, 0, 1, 2], seed)
    recogniser.label_weights = dict(zip(LABELS, weights, strict=True))
    found = recogniser.entities(chain, temperature=temperature)
    for doc, length in enumerate([3, 0, 1, 2]):
        values = {
            tags: score / temperature
            + sum(n_entities(tags, label) * np.log(weights[label]) for label in (0, 1))
            for score, tags in enumerate_paths(chain, doc)
        }
        own = found.where(found.docs == doc)
        tags = np.zeros(length, dtype=int)
        for i, start in enumerate(own.starts):
            one = own.where(np.arange(len(own.starts)) == i)
            tags[start : start + own.lengths[i]] = one.tags()
        assert values[tuple(tags.tolist())] == pytest.approx(max(values.values()), abs=1e-9)


def test_neither_training_nor_scores_know_of_them(two_labels: Language) -> None:
    plain, heavy = (
        get_pipe(trained(steps=3, label_weights=weights), "seqrnn_ner").model.to_bytes()
        for weights in ({}, {"PER": 30.0})
    )
    assert plain == heavy
    scores = [
        with_weights(two_labels, weight)(TEXT).spans["scores"].attrs["scores"].tolist()
        for weight in (2.0, 200.0)
    ]
    assert scores[0] == pytest.approx(scores[1][:1])
    doc = two_labels.make_doc(TEXT)
    exact = marginals(get_pipe(two_labels, "seqrnn_ner").model.predict([doc]))
    assert scores[0][0] == pytest.approx(exact[3, 8], rel=1e-5)  # U-PER at "Rose"


def test_calibration_fits_the_same_whatever_was_fitted_before(three_of_ten: Language) -> None:
    nlp = with_weights(three_of_ten, 4.0)
    ner: Any = nlp.get_pipe("seqrnn_ner")
    examples = make_examples(nlp, mixed((3, SEVERAL), (7, NOBODY)))
    try:
        first = ner.calibrate(nlp, examples)
        ner.cfg["temperature"] = 8.0
        assert ner.calibrate(nlp, examples) == first
    finally:
        ner.cfg.pop("temperature", None)


def test_explanations_and_reports_show_what_is_found(three_of_ten: Language) -> None:
    for weight, n_found in ((1.0, 0), (4.0, 1)):
        nlp = with_weights(three_of_ten, weight)
        explained = explain_ner(nlp, TEXT)
        assert [(e.start, e.end, e.label) for e in explained.entities] == [
            (e.start, e.end, e.label_) for e in nlp(TEXT).ents
        ]
        assert len(explained.entities) == n_found
        titles = [title for title, _, _ in explained.tables()]
        assert any("before label_weights" in title for title in titles) == (weight != 1.0)
        evaluation = Evaluation(nlp)
        examples = make_examples(nlp, mixed((1, UNIT), (1, SEVERAL)))
        evaluation.read([Example(nlp(eg.predicted), eg.reference) for eg in examples], None)
        report = evaluation.entity_report()
        assert report
        assert report.total.found == 2 * n_found


def test_weights_can_be_changed_on_loading(three_of_ten: Language, tmp_path: Path) -> None:
    """With `config`, which is saved again; a section that names labels accepts others too."""
    with_weights(three_of_ten, {}).to_disk(tmp_path / "usual")
    for weights in (4.0, {"PER": 4.0}):
        config = {"components": {"seqrnn_ner": {"label_weights": weights}}}
        loaded = spacy.load(tmp_path / "usual", config=config)
        assert len(loaded(TEXT).ents) == 1
        loaded.to_disk(tmp_path / "dear")
        assert len(spacy.load(tmp_path / "dear")(TEXT).ents) == 1
    config = {"components": {"seqrnn_ner": {"label_weights": {"PRE": 2.0}}}}
    with pytest.raises(ValueError, match=r"Label 'PRE' .* is not one of the labels PER"):
        spacy.load(tmp_path / "usual", config=config)


@pytest.mark.parametrize("weights", [0.0, -1.0, {"PER": "3"}, {"PER": float("nan")}])
def test_weights_that_cannot_work_cannot_be_set(
    three_of_ten: Language, weights: float | dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"The weight .* cannot work: set it to a number above 0"):
        get_pipe(three_of_ten, "seqrnn_ner").label_weights = weights


def test_weight_of_an_unknown_label_is_found_in_prediction(three_of_ten: Language) -> None:
    with pytest.raises(ValueError, match=r"Label 'PRE' .* is not one of the labels PER"):
        with_weights(three_of_ten, {"PRE": 2.0})(TEXT)
    with_weights(three_of_ten, {})


@pytest.mark.parametrize("weight", [0, -1.0])
def test_weight_that_cannot_be(weight: float) -> None:
    with pytest.raises(ValueError, match=r"weight .* of label 'PER' cannot work: set it to a num"):
        make_nlp(label_weights={"PER": weight})
    with pytest.raises(ValueError, match=rf"The weight {weight} of label 'all' cannot work"):
        make_nlp(label_weights=weight)


def test_weight_of_an_unknown_label() -> None:
    nlp = make_nlp(label_weights={"PRE": 2.0})
    with pytest.raises(ValueError, match=r"Label 'PRE' .* not one of the labels LOC, PER"):
        nlp.initialize(lambda: make_examples(nlp))
