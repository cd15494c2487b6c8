"""Writing text."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from spacy_seqrnn.lm.find import find_language_model
from spacy_seqrnn.lm.generation import Choice, Writer, beam_search, generate
from spacy_seqrnn.lm.model import predict_states
from spacy_seqrnn.lm.reader import Reader
from spacy_seqrnn.lm.units import END, UNKNOWN, in_units

from .models import make_lm, trained_lm

UNITS = ["words", "characters"]
ENCODERS = [{}, {"bidirectional": True}, {"bidirectional": True, "separate_directions": True}]


def raise_bias(component: Any, unit: int) -> None:
    """Make a unit of the head by far the most probable one."""
    component.model.get_ref("softmax").get_param("head_b")[unit] = 50.0


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("unit", UNITS)
def test_reading_on_is_reading_as_a_whole(unit: str, encoder: dict[str, Any]) -> None:
    nlp = trained_lm(unit, steps=3, **encoder)
    model = find_language_model(nlp).model
    (doc,) = in_units([nlp.make_doc("The cat sat on a dog.")], unit)
    ((_, found),) = predict_states(model, [doc])
    reader = Reader(model, nlp)
    reading = reader.begin(1)
    states = [reading.hidden[0]]
    for token in doc:
        reading = reader.read(reading, [[token.text]])
        states.append(reading.hidden[0])
    np.testing.assert_allclose(np.asarray(states), found.states[0], atol=1e-6)


def test_texts_are_read_each_for_itself() -> None:
    nlp = trained_lm(steps=3)
    reader = Reader(find_language_model(nlp).model, nlp)
    both = reader.read(reader.begin(2), [["The", "cat"], ["A", "dog", "sat"]])
    both = reader.read(both.take(np.asarray([1, 0])), [["on"], ["said", "no"]])
    for row, words in enumerate([["A", "dog", "sat", "on"], ["The", "cat", "said", "no"]]):
        alone = reader.read(reader.begin(1), [words])
        np.testing.assert_allclose(both.hidden[row], alone.hidden[0], atol=1e-6)


@pytest.mark.parametrize("unit", UNITS)
def test_what_was_learned_is_written_with_its_spaces(unit: str) -> None:
    nlp = trained_lm(unit, steps=250)
    begin = "The dog"
    written = "".join(generate(nlp, begin, temperature=0))
    assert begin + written == 'The dog said "no" to the cat.'


def test_without_a_prompt_a_text_begins() -> None:
    nlp = trained_lm(steps=100)
    written = "".join(generate(nlp, words=3, seed=1))
    assert written
    assert not written.startswith(" ")


def test_a_seed_makes_it_reproducible() -> None:
    nlp = trained_lm(steps=5)
    texts = ["".join(generate(nlp, "The", words=9, seed=seed)) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_units_are_chosen_as_often_as_they_are_probable() -> None:
    nlp = trained_lm(steps=20)
    component = find_language_model(nlp)
    writer = Writer(nlp, component)
    scores = writer.scores(writer.read_prompt("The", 1))
    probabilities = np.exp(scores[0]) / np.exp(scores[0]).sum()
    assert probabilities[UNKNOWN] == 0
    n = 20_000
    chosen = Choice().choose(np.repeat(scores, n, axis=0), np.random.default_rng(0))
    found = np.bincount(chosen, minlength=len(probabilities)) / n
    np.testing.assert_allclose(found, probabilities, atol=0.015)
    half = np.random.default_rng(0)
    chosen = Choice(temperature=0.5).choose(np.repeat(scores, n, axis=0), half)
    found = np.bincount(chosen, minlength=len(probabilities)) / n
    np.testing.assert_allclose(found, probabilities**2 / (probabilities**2).sum(), atol=0.015)


SCORES = np.log(np.asarray([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]]))


@pytest.mark.parametrize(
    ("choice", "allowed"),
    [
        (Choice(top_k=1), [{0}, {3}]),
        (Choice(top_k=2), [{0, 1}, {2, 3}]),
        (Choice(top_k=9), [{0, 1, 2, 3}, {0, 1, 2, 3}]),
        (Choice(top_p=0.35), [{0}, {3}]),
        (Choice(top_p=0.41), [{0, 1}, {2, 3}]),
        (Choice(top_p=0.95), [{0, 1, 2, 3}, {0, 1, 2, 3}]),
        (Choice(top_k=3, top_p=0.7), [{0, 1}, {2, 3}]),
        (Choice(temperature=0), [{0}, {3}]),
        (Choice(temperature=1e-3), [{0}, {3}]),
    ],
)
def test_choices(choice: Choice, allowed: list[set[int]]) -> None:
    random = np.random.default_rng(0)
    chosen = np.asarray([choice.choose(SCORES, random) for _ in range(300)])
    assert [set(column.tolist()) for column in chosen.T] == allowed


@pytest.mark.parametrize(("drawn", "unit"), [(0.0, 1), (np.nextafter(1.0, 0.0), 2)])
def test_impossible_units_are_never_drawn(drawn: float, unit: int) -> None:
    scores = np.asarray([[-np.inf, -20.0, -0.1, -np.inf]], dtype="float32")
    random: Any = SimpleNamespace(random=partial(np.full, fill_value=drawn))
    assert Choice().choose(scores, random).tolist() == [unit]


def test_unknown_words_are_read_and_never_written() -> None:
    nlp = trained_lm(steps=2, min_count=2)
    component = find_language_model(nlp)
    raise_bias(component, UNKNOWN)
    pieces = list(generate(nlp, "Xylophones sing", words=40, seed=0))
    assert {piece.strip() for piece in pieces} <= {*component.vocabulary.units, ""}


def test_it_stops() -> None:
    nlp = trained_lm(steps=250)
    sentence = list(generate(nlp, "The cat sat", temperature=0, stop="sentence"))
    assert sentence[-1] == "."
    component = find_language_model(nlp)
    assert len(list(generate(nlp, "The", words=4, seed=0))) <= 4
    assert list(generate(nlp, "The", words=0)) == []
    raise_bias(component, END)
    assert "".join(generate(nlp, "The cat", words=9)) == ""


def test_texts_end_on_their_own() -> None:
    nlp = trained_lm(steps=100)
    writer = Writer(nlp, find_language_model(nlp))
    pieces = list(writer.write("The", 30, 40, Choice(), 0, "document"))
    texts = ["".join(column) for column in zip(*pieces, strict=True)]
    assert len(set(texts)) > 3
    for column in zip(*pieces, strict=True):
        ended = [i for i, piece in enumerate(column) if not piece]
        assert ended == list(range(len(column) - len(ended), len(column)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -1}, "`temperature = -1` cannot work"),
        ({"top_k": 0}, "`top_k = 0` cannot work"),
        ({"top_p": 0.0}, "`top_p = 0.0`"),
        ({"top_p": 1.5}, "`top_p = 1.5`"),
        ({"words": -1}, "`words = -1` cannot work"),
        ({"stop": "never"}, "`stop = 'never'` is unknown"),
        ({"component": "ner"}, "has no language model 'ner', only seqrnn_lm"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list(generate(make_lm(), "The", **options))


def log_probability(nlp: Any, prompt: str, text: str, *, ends: bool) -> float:
    """Of a continuation, from what the component says about the whole text."""
    found, before = nlp(prompt + text), nlp(prompt)
    bits = [token._.surprisal for token in found][len(before) :]
    if ends:
        bits.append(float(found.user_data["seqrnn_lm"]["bits"][-1]))
    return -float(np.log(2) * sum(bits))


def test_a_wide_beam_finds_the_most_probable_continuation() -> None:
    nlp = trained_lm(steps=30)
    units = find_language_model(nlp).vocabulary.units
    prompt = "The cat"
    found = beam_search(nlp, prompt, words=2, beam=4000)
    assert len(found) == 1 + len(units) * (1 + len(units))  # all that there are
    for each in (found[0], found[1], found[-1]):
        n_words = len(nlp.make_doc(prompt + each.text)) - 2
        ends = n_words < each.n_units
        expected = log_probability(nlp, prompt, each.text, ends=ends)
        # Two words that are one token when read together are another text.
        if len(nlp.make_doc(prompt + each.text)) == 2 + each.n_units - ends:
            assert each.log_probability == pytest.approx(expected, abs=1e-4)
    assert [each.per_unit for each in found] == sorted(
        (each.per_unit for each in found), reverse=True
    )


def test_a_beam_of_one_takes_the_most_probable_unit() -> None:
    nlp = trained_lm(steps=30)
    greedy = "".join(generate(nlp, "The dog", words=6, temperature=0))
    (found,) = beam_search(nlp, "The dog", words=6, beam=1)
    assert found.text == greedy
    assert beam_search(nlp, "The", words=0)[0].text == ""
