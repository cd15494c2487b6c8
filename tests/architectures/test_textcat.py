from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Adam, fix_random_seed, set_dropout_rate

from spacy_seqrnn.heads.ngrams import resized_scores
from spacy_seqrnn.heads.pooling import POOLINGS

from ..gradients import check_model_gradients
from ..pipes import get_pipe
from ..small import small_ngrams, small_textcat, small_tok2vec

DATA = [
    ("very good stuff", {"GOOD": 1.0, "BAD": 0.0}),
    ("not good at all", {"GOOD": 0.0, "BAD": 1.0}),
    ("not bad at all", {"GOOD": 1.0, "BAD": 0.0}),
    ("very bad stuff", {"GOOD": 0.0, "BAD": 1.0}),
    ("", {"GOOD": 0.0, "BAD": 0.0}),
]


def make_nlp(exclusive: bool = True, **options: Any) -> Language:
    fix_random_seed(0)
    nlp = spacy.blank("en")
    name = "textcat" if exclusive else "textcat_multilabel"
    nlp.add_pipe(name, name="cats", config={"model": small_textcat(exclusive, **options)})
    return nlp


def make_examples(nlp: Language, data: list[tuple[str, dict[str, float]]] = DATA) -> list[Example]:
    return [Example.from_dict(nlp.make_doc(text), {"cats": cats}) for text, cats in data]


def train(nlp: Language, examples: list[Example], steps: int = 60) -> dict[str, float]:
    optimizer = Adam(0.02)
    losses: dict[str, float] = {}
    for _ in range(steps):
        losses = nlp.update(examples, sgd=optimizer, losses={})
    return losses


def trained(
    exclusive: bool = True, data: list[tuple[str, dict[str, float]]] = DATA, **options: Any
) -> Language:
    nlp = make_nlp(exclusive, **options)
    examples = make_examples(nlp, data)
    nlp.initialize(lambda: examples)
    train(nlp, examples)
    return nlp


def right(nlp: Language, data: list[tuple[str, dict[str, float]]] = DATA) -> bool:
    docs = nlp.pipe([text for text, _ in data])
    return all(
        (doc.cats[label] > 0.5) == (value > 0.5)
        for doc, (_, cats) in zip(docs, data, strict=True)
        for label, value in cats.items()
    )


ALL_POOLINGS = [*POOLINGS, ["max", "mean"], ["last", "attention", "first_last"]]


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("pooling", ALL_POOLINGS)
def test_learns_its_training_data(pooling: str | list[str], exclusive: bool) -> None:
    """Depends on the order of the words: the bags of two texts differ in only one of them."""
    nlp = trained(exclusive, pooling=pooling)
    assert right(nlp)
    for doc in nlp.pipe([text for text, _ in DATA]):
        if exclusive and len(doc):
            assert sum(doc.cats.values()) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("pooling", ALL_POOLINGS)
def test_alone_as_in_a_batch(pooling: str | list[str]) -> None:
    nlp = make_nlp(pooling=pooling)
    nlp.initialize(lambda: make_examples(nlp))
    texts = ["", "a", " ", *(" ".join(["word"] * n) for n in (2, 40, 7)), "\n"] * 3
    together = [doc.cats for doc in nlp.pipe(texts, batch_size=32)]
    for text, cats in zip(texts, together, strict=True):
        assert nlp(text).cats == pytest.approx(cats, abs=1e-5)


def test_independent_labels() -> None:
    data = [("a b", {"A": 1.0, "B": 1.0}), ("b", {"A": 0.0, "B": 1.0}), ("c", {"A": 0.0, "B": 0.0})]
    assert right(trained(exclusive=False, data=data), data)


CHECKED = ("lstm", "linear", "ngram_scores")


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("ngrams", [None, small_ngrams()])
def test_gradient_is_that_of_the_cross_entropy(
    exclusive: bool, ngrams: dict[str, Any] | None
) -> None:
    """With Y − truth, which spaCy's textcat passes back."""
    nlp = make_nlp(exclusive, pooling="mean", ngrams=ngrams)
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    model = get_pipe(nlp, "cats").model
    docs = [example.predicted for example in examples]
    truth = np.asarray(
        [[cats[label] for label in get_pipe(nlp, "cats").labels] for _, cats in DATA]
    )

    def cross_entropy() -> float:
        Y = np.asarray(model.predict(docs), dtype="float64")[:-1]  # the last one has no tokens
        other = 0.0 if exclusive else ((1 - truth[:-1]) * np.log(1 - Y)).sum()
        return float(-(truth[:-1] * np.log(Y)).sum() - other)

    Y, backprop = model.begin_update(docs)
    backprop(Y - truth.astype("f"))
    # Not the characters: their maximum has kinks, where differences are not gradients.
    for node in (node for node in model.walk() if node.name in CHECKED):
        if node.grad_names:
            check_model_gradients(cross_entropy, node, abs=5e-3, rel=5e-2)


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("ngrams", [None, small_ngrams()])
def test_new_label_on_a_trained_model(exclusive: bool, ngrams: dict[str, Any] | None) -> None:
    nlp = trained(exclusive, ngrams=ngrams)
    texts = [text for text, _ in DATA]
    before = [doc.cats for doc in nlp.pipe(texts)]
    get_pipe(nlp, "cats").add_label("FUN")
    for doc, cats in zip(nlp.pipe(texts), before, strict=True):
        assert doc.cats["FUN"] < 0.05  # and yet it can be learned below
        assert {k: v for k, v in doc.cats.items() if k != "FUN"} == pytest.approx(cats, abs=0.02)
    more = [(text, {**cats, "FUN": 0.0}) for text, cats in DATA]
    more.append(("hilarious romp", {"GOOD": 0.0, "BAD": 0.0, "FUN": 1.0}))
    train(nlp, make_examples(nlp, more))
    assert right(nlp, more)


def test_new_label_before_initialization() -> None:
    nlp = make_nlp()
    get_pipe(nlp, "cats").add_label("FUN")
    nlp.initialize(lambda: make_examples(nlp))
    assert set(nlp("good").cats) == {"FUN", "GOOD", "BAD"}


def test_training_dropout_reaches_the_head() -> None:
    nlp = make_nlp()
    nlp.initialize(lambda: make_examples(nlp))
    model = get_pipe(nlp, "cats").model
    docs = [nlp.make_doc("very good stuff")]
    set_dropout_rate(model, 0.5)
    for node in model.layers[0].walk():  # only the head has dropout
        if "dropout_rate" in node.attrs:
            node.attrs["dropout_rate"] = 0.0
    draws = {tuple(model.begin_update(docs)[0][0].tolist()) for _ in range(10)}
    assert len(draws) > 1
    assert model.predict(docs)[0].tolist() == model.predict(docs)[0].tolist()


@pytest.mark.parametrize("ngrams", [None, small_ngrams()])
def test_round_trip(tmp_path: Path, ngrams: dict[str, Any] | None) -> None:
    nlp = trained(pooling=["attention", "last"], ngrams=ngrams)
    nlp.to_disk(tmp_path)
    other = spacy.load(tmp_path)
    for text, _ in DATA:
        assert other(text).cats == nlp(text).cats


def listener_model(**options: Any) -> dict[str, Any]:
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
    model = {"@architectures": "spacy-seqrnn.TextCat.v1", "exclusive_classes": True}
    return {**model, "tok2vec": listener, **options}


def test_last_of_a_listener_must_be_told_the_directions() -> None:
    nlp = spacy.blank("en")
    with pytest.raises(ValueError, match="cannot tell whether this `tok2vec` reads in both dir"):
        nlp.add_pipe("textcat", config={"model": listener_model(pooling="last")})
    nlp.add_pipe("textcat", config={"model": listener_model(pooling="last", bidirectional=True)})
    assert get_pipe(nlp, "textcat").model.get_ref("pooling").attrs["bidirectional"] is True


@pytest.mark.parametrize("bidirectional", [True, False])
def test_last_follows_the_encoder(bidirectional: bool) -> None:
    nlp = make_nlp(pooling="last", tok2vec=small_tok2vec(bidirectional=bidirectional))
    assert get_pipe(nlp, "cats").model.get_ref("pooling").attrs["bidirectional"] is bidirectional


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": "min"}, "`pooling = 'min'` is unknown: set it to one of last, mean, max"),
        ({"pooling": ["max", "min"]}, "`pooling = 'min'` is unknown"),
        ({"pooling": []}, "`pooling` is empty: name at least one of last"),
        ({"ngrams": small_tok2vec()}, "does not give scores of n-grams: give the block the line"),
        ({"ngrams": small_ngrams(ngram_size=0)}, "`ngram_size = 0` cannot work"),
        ({"max_grad_norm": -1.0}, "`max_grad_norm = -1.0` cannot work"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_nlp(**options)


def test_scores_of_ngrams_are_added_to_the_logits() -> None:
    nlp = trained(ngrams=small_ngrams())
    model = get_pipe(nlp, "cats").model
    docs = [nlp.make_doc(text) for text, _ in DATA[:4]]
    together = np.log(model.predict(docs))
    scores = model.get_ref("ngrams").predict(docs)
    model.get_ref("ngrams").set_param("W", 0 * model.get_ref("ngrams").get_param("W"))
    model.get_ref("ngrams").set_param("b", 0 * model.get_ref("ngrams").get_param("b"))
    alone = np.log(model.predict(docs))
    # Logits are known up to a constant for each text.
    difference = together - alone - scores
    np.testing.assert_allclose(difference[:, 0], difference[:, 1], atol=1e-4)
    assert np.abs(scores).max() > 0.1


def test_saved_ngrams_for_other_labels_are_rejected() -> None:
    nlp = trained(ngrams=small_ngrams())
    saved = get_pipe(nlp, "cats").model
    scores = saved.get_ref("ngrams")
    saved.replace_node(scores, resized_scores(scores, 3, new_bias=0.0))
    new = get_pipe(make_nlp(ngrams=small_ngrams()), "cats").model
    with pytest.raises(ValueError, match="'ngram_scores' has the size 'nO' = 3, but 2 is needed"):
        new.from_bytes(saved.to_bytes())


def test_independent_labels_start_at_their_share() -> None:
    """3 of 8 labels apply: (3 + 1) / (8 + 2)."""
    data = [("a b", {"A": 1.0, "B": 1.0}), ("b", {"A": 0.0, "B": 1.0}), ("c", {"A": 0.0, "B": 0.0})]
    nlp = make_nlp(exclusive=False)
    nlp.initialize(lambda: make_examples(nlp, [*data, data[-1]]))
    bias = get_pipe(nlp, "cats").model.get_ref("output_layer").get_param("b")
    assert bias.tolist() == pytest.approx([np.log(0.4 / 0.6)] * 2)


def test_documents_without_tokens() -> None:
    nlp = trained()
    assert nlp("").cats == {"GOOD": 0.0, "BAD": 0.0}
    Y, backprop = get_pipe(nlp, "cats").model.begin_update([Doc(nlp.vocab), Doc(nlp.vocab)])
    assert Y.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert backprop(np.ones_like(Y)) == []
