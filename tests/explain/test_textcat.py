"""Explanations of text categories."""

import numpy as np
import pytest
from spacy.language import Language
from thinc.types import Ragged

from spacy_seqrnn.explain import explain_textcat
from spacy_seqrnn.heads.pooling import POOLINGS
from spacy_seqrnn.types import Ints1d

from ..pipes import get_pipe
from ..small import small_ngrams, small_textcat
from .conftest import TEXT, pipeline


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("exclusive", [True, False])
def test_integrated_gradients_are_complete(pooling: str, exclusive: bool) -> None:
    factory = "textcat" if exclusive else "textcat_multilabel"
    nlp = pipeline(factory, small_textcat(exclusive, pooling=pooling))
    found = explain_textcat(nlp, TEXT, steps=512)
    (model,) = found.models
    assert model.over == "embedded words"
    assert abs(model.probability - model.baseline) > 1e-3
    assert sum(model.attributions) == pytest.approx(model.probability - model.baseline, abs=1e-3)
    assert model.probability == pytest.approx(nlp(TEXT).cats[found.label], abs=1e-5)


@pytest.mark.parametrize("exclusive", [True, False])
def test_ngrams_are_attributed_too(exclusive: bool) -> None:
    factory = "textcat" if exclusive else "textcat_multilabel"
    nlp = pipeline(factory, small_textcat(exclusive, ngrams=small_ngrams(ngram_size=3)))
    scores = get_pipe(nlp, factory).model.get_ref("ngrams")
    rng = np.random.default_rng(0)
    scores.set_param("W", rng.normal(size=scores.get_param("W").shape).astype("f"))
    scores.set_param("b", rng.normal(size=scores.get_param("b").shape).astype("f"))
    found = explain_textcat(nlp, f"{TEXT} {TEXT}", steps=512)
    (model,) = found.models
    assert sum(model.attributions) == pytest.approx(model.probability - model.baseline, abs=1e-3)
    assert model.probability == pytest.approx(nlp(f"{TEXT} {TEXT}").cats[found.label], abs=1e-5)


def test_poolings(textcat: Language) -> None:
    (model,) = explain_textcat(textcat, TEXT).models
    views = {view.name: np.asarray(view.values) for view in model.poolings}
    assert list(views) == ["max", "attention", "mean"]
    assert views["max"].sum() == 16  # the width
    assert views["attention"].sum() == pytest.approx(1, abs=1e-6)
    assert views["mean"].tolist() == [1 / 5] * 5
    # The weights are those that compute the layer's own output.
    classifier = get_pipe(textcat, "textcat").model
    docs = [textcat.make_doc(TEXT)]
    (X,) = classifier.get_ref("tok2vec").predict(docs)
    length: Ints1d = np.asarray([5], dtype="int32")
    pooled = classifier.get_ref("pooling").predict(Ragged(X, length))
    np.testing.assert_allclose(views["attention"] @ X, pooled[0, 16:32], atol=1e-5)


def test_tables_of_the_tokens_that_weigh_most(textcat: Language) -> None:
    found = explain_textcat(textcat, TEXT)
    _, (title, _, rows) = found.tables(top=2)
    weights = np.abs(found.models[0].attributions)
    heaviest = sorted(np.argsort(-weights)[:2])
    assert [row[0] for row in rows] == [found.tokens[i] for i in heaviest]
    assert title.endswith("the 2 tokens with the largest effect")
    _, (title, _, rows) = found.tables(top=9)
    assert len(rows) == len(found.tokens)
    assert "largest effect" not in title


def test_members_of_an_ensemble() -> None:
    members = {"a": small_textcat(True), "b": small_textcat(True, pooling="last")}
    ensemble = {"@architectures": "spacy-seqrnn.TextCatEnsemble.v1", "members": members}
    found = explain_textcat(pipeline("textcat", ensemble), TEXT)
    assert len(found.models) == 2
    mean = np.mean([model.probability for model in found.models])
    assert mean == pytest.approx(found.scores[found.label], abs=1e-5)


def test_nothing_changes(textcat: Language) -> None:
    model = get_pipe(textcat, "textcat").model
    before = model.to_bytes()
    explain_textcat(textcat, TEXT)
    assert model.to_bytes() == before
    assert not any(node.grad_names for node in model.walk())


def test_unknown_label(textcat: Language) -> None:
    with pytest.raises(ValueError, match="`label = 'FINE'` is unknown: set it to one of"):
        explain_textcat(textcat, TEXT, label="FINE")
