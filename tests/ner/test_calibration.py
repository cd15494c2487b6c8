"""The temperature of the entities' scores."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.crf.chain import LinearChain
from spacy_seqrnn.ner.biluo import Entities
from spacy_seqrnn.ner.calibration import Scored, fit_temperature, judge, log_loss

from ..conftest import gold_examples
from ..integration.components import TEXTS, assert_same, initialize, make_pipeline, train
from ..pipes import get_pipe

ROWS = 4000


def coin_flips(temperature: float) -> Scored:
    """Single tokens that are entities as often as the scores, divided by a temperature, predict."""
    chance = np.random.default_rng(0)
    truth = chance.normal(size=ROWS) * 2  # log odds
    right = chance.random(ROWS) < 1 / (1 + np.exp(-truth))
    emissions = np.zeros((ROWS, 2))
    emissions[:, 1] = truth * temperature
    start, end = np.zeros((2, 2))
    chain = LinearChain(emissions, np.zeros((2, 2)), start, end, make_packing([1] * ROWS))
    zeros = np.zeros(ROWS, dtype=int)
    own = Entities(np.arange(ROWS), zeros, zeros + 1, zeros).segments()
    own.tags[:] = 1  # of the two tags here
    return Scored(chain, own, right)


@pytest.mark.parametrize("temperature", [0.2, 0.7, 1.0, 1.5, 6.0])
def test_the_temperature_of_the_scores_is_found(temperature: float) -> None:
    scored = coin_flips(temperature)
    assert fit_temperature([scored]) == pytest.approx(temperature, rel=0.1)
    assert log_loss([scored], temperature) <= log_loss([scored], 1.0)


def test_judging_needs_the_annotation_of_all_its_tokens() -> None:
    nlp = spacy.blank("xx")
    words = ["a", "b", "c", "d"]
    reference = Doc(nlp.vocab, words=words, ents=["B-X", "I-X", "O", ""])
    reference.set_ents([reference.ents[0]], missing=[reference[3:4]], default="outside")
    example = Example(Doc(nlp.vocab, words=words), reference)
    numbers = {nlp.vocab.strings["X"]: 0}
    # "a b" is right; "a", "b c" and "c d" are wrong; "d" is unknown.
    starts, lengths = np.asarray([0, 0, 1, 2, 3]), np.asarray([2, 1, 2, 2, 1])
    zeros = np.zeros(5, dtype=int)
    start, end = np.zeros((2, 5))
    chain = LinearChain(np.zeros((4, 5)), np.zeros((5, 5)), start, end, make_packing([4]))
    scored = judge([example], chain, Entities(zeros, starts, lengths, zeros), numbers)
    assert scored.right.tolist() == [True, False, False, False]
    assert scored.segments.starts.tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize("words", [["a", "b", "c"], ["a b", "c"]], ids=["same", "other"])
def test_what_is_an_entity_of_an_unknown_label_is_wrong(words: list[str]) -> None:
    """As spaCy's scorer counts it, whether or not the tokens differ."""
    nlp = spacy.blank("xx")
    reference = Doc(nlp.vocab, words=["a", "b", "c"], ents=["O", "O", "B-NEW"])
    example = Example(Doc(nlp.vocab, words=words), reference)
    numbers = {nlp.vocab.strings.add("X"): 0}
    zero, n = np.zeros(1, dtype=int), len(words)
    start, end = np.zeros((2, 5))
    chain = LinearChain(np.zeros((n, 5)), np.zeros((5, 5)), start, end, make_packing([n]))
    found = Entities(zero, zero + n - 1, zero + 1, zero)
    assert judge([example], chain, found, numbers).right.tolist() == [False]


@pytest.fixture(scope="module", params=[False, True], ids=["own", "shared"])
def nlp(request: pytest.FixtureRequest) -> Language:
    nlp = make_pipeline("seqrnn_ner", shared=request.param)
    train(nlp, initialize(nlp), steps=6)  # so that not everything is right
    return nlp


def test_a_component_learns_its_temperature_and_keeps_its_entities(
    nlp: Language, tmp_path: Path
) -> None:
    ner: Any = nlp.get_pipe("seqrnn_ner")
    before = [(doc.text, doc.ents, doc.spans["found"].attrs["scores"]) for doc in nlp.pipe(TEXTS)]
    assert ner.temperature == 1.0
    temperature = ner.calibrate(nlp, gold_examples(nlp), batch_size=2)
    assert temperature == ner.temperature != 1.0
    changed = 0.0
    for (_, ents, scores), doc in zip(before, nlp.pipe(TEXTS), strict=True):
        assert [(e.start, e.end, e.label) for e in ents] == [
            (e.start, e.end, e.label) for e in doc.ents
        ]
        changed += np.abs(scores - doc.spans["found"].attrs["scores"]).sum()
    assert changed > 0
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert get_pipe(loaded, "seqrnn_ner").temperature == temperature
    assert_same(loaded.pipe(TEXTS), nlp.pipe(TEXTS), tolerance=0)
    initialize(loaded)
    assert get_pipe(loaded, "seqrnn_ner").temperature == 1.0


def test_any_temperature_can_be_saved(
    nlp: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one with more digits than the file of settings keeps."""
    monkeypatch.setattr(
        "spacy_seqrnn.ner.inference.fit_temperature", lambda scored: 2.344228815319922
    )
    temperature = get_pipe(nlp, "seqrnn_ner").calibrate(nlp, gold_examples(nlp))
    nlp.to_disk(tmp_path)
    assert get_pipe(spacy.load(tmp_path), "seqrnn_ner").temperature == temperature


def test_nothing_to_learn_from_is_said(nlp: Language) -> None:
    ner: Any = nlp.get_pipe("seqrnn_ner")
    for examples in ([], [Example(nlp.make_doc(""), nlp.make_doc(""))]):
        with pytest.raises(ValueError, match="'seqrnn_ner' cannot be calibrated"):
            ner.calibrate(nlp, examples)


@pytest.mark.parametrize("temperature", [0, -1.0, "warm", None])
def test_a_saved_temperature_that_cannot_be_is_rejected(
    nlp: Language, tmp_path: Path, temperature: float | str | None
) -> None:
    get_pipe(nlp, "seqrnn_ner").to_disk(tmp_path)
    settings = srsly.read_json(tmp_path / "cfg")
    srsly.write_json(tmp_path / "cfg", settings | {"temperature": temperature})
    with pytest.raises(ValueError, match=r"cannot be loaded.* the settings have the temperature"):
        get_pipe(nlp, "seqrnn_ner").from_disk(tmp_path)
