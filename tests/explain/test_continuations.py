"""The probabilities of continuations, against those of whole texts."""

from typing import Any

import numpy as np
import pytest
from spacy.language import Language

from spacy_seqrnn.explain import compare_continuations

from ..lm.models import make_lm, trained_lm

UNITS = ["words", "characters"]


@pytest.fixture(scope="module", params=UNITS)
def lm(request: pytest.FixtureRequest) -> Language:
    return trained_lm(request.param, steps=30)


def bits_behind(nlp: Language, prefix: str, text: str) -> float:
    """The surprisal of what follows a prefix, from that of both texts."""
    before, after = ([t._.surprisal for t in nlp(each)] for each in (prefix, text))
    return float(sum(after) - sum(before))


@pytest.mark.parametrize("continuation", ["sat", "said no", "dog sat on the mat."])
def test_probabilities_are_those_of_the_whole_text(lm: Language, continuation: str) -> None:
    found = compare_continuations(lm, "The cat", [continuation]).continuations[0]
    expected = bits_behind(lm, "The cat", f"The cat {continuation}")
    assert found.surprisal == pytest.approx(expected, abs=1e-4)
    assert found.probability == pytest.approx(2.0**-expected, rel=1e-3)
    assert found.share == 1.0
    assert found.unknown == ()


def test_the_first_words_of_a_text(lm: Language) -> None:
    found = compare_continuations(lm, "", ["The", "A"])
    for each in found.continuations:
        assert each.surprisal == pytest.approx(bits_behind(lm, "", each.text), abs=1e-4)


def test_shares_sum_to_one_in_the_given_order(lm: Language) -> None:
    texts = ["sat", "said", "sat on the mat"]
    found = compare_continuations(lm, "The dog", texts)
    assert [each.text for each in found.continuations] == texts
    shares = np.asarray([each.share for each in found.continuations])
    probabilities = np.asarray([each.probability for each in found.continuations])
    np.testing.assert_allclose(shares, probabilities / probabilities.sum(), rtol=1e-6)
    assert shares.sum() == pytest.approx(1.0)


def test_improbable_continuations_still_have_shares(lm: Language) -> None:
    improbable = "xylophone " * 2000
    found = compare_continuations(lm, "The dog", [improbable, improbable]).continuations
    assert [each.share for each in found] == [0.5, 0.5]
    assert np.isfinite(found[0].surprisal)


def test_what_was_learned_is_more_probable() -> None:
    nlp = trained_lm(steps=250)
    found = compare_continuations(nlp, 'The dog said "no" to', ["the cat", "the mat"])
    right, wrong = found.continuations
    assert right.units == ("the", "cat")
    assert right.share > 0.9 > wrong.share


def test_white_space_around_texts_does_not_matter(lm: Language) -> None:
    one = compare_continuations(lm, "The cat ", [" sat\n"]).continuations[0]
    other = compare_continuations(lm, "The cat", ["sat"]).continuations[0]
    assert one.surprisal == pytest.approx(other.surprisal)
    assert one.units == other.units


def test_unknown_words_are_named() -> None:
    found = compare_continuations(trained_lm(steps=3), "The", ["cat", "xylophone sat", "¤"])
    assert [each.unknown for each in found.continuations] == [(), ("xylophone",), ("¤",)]
    assert "'xylophone', '¤' alone" in found.warning
    ((_, _, rows),) = found.tables()
    assert [row[-1] for row in rows] == ["", "xylophone", "¤"]
    assert not compare_continuations(trained_lm(steps=3), "The", ["cat"]).warning


def test_texts_are_escaped() -> None:
    html = compare_continuations(make_lm(), "<b>The", ["<i>cat</i>", "a\nb"])._repr_html_()
    assert "<b>" not in html
    assert "<i>" not in html
    assert "&lt;i&gt;cat" in html


@pytest.mark.parametrize(
    ("continuations", "message"),
    [
        ([], r"`continuations = \[\]` cannot be compared: give a list of at least one text"),
        ("was", "`continuations = 'was'` cannot be compared"),
        (["was", " "], "The continuation ' ' is empty: give it at least one word"),
    ],
)
def test_what_cannot_be_compared(continuations: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare_continuations(make_lm(), "The", continuations)


def test_a_pipeline_without_a_language_model(ner: Language) -> None:
    with pytest.raises(ValueError, match="but this needs a component with the factory `seqrnn_lm`"):
        compare_continuations(ner, "The", ["cat"])
