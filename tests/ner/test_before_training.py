"""A recogniser that has learned nothing yet, compared with spaCy's `ner`."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..pipes import get_pipe
from ..small import small_ner

TEXT = "Anna Berg lives in Oslo and Bob in New York City ."


def make_nlp(factory: str, labels: tuple[str, ...] = ("PER", "LOC"), **config: Any) -> Language:
    nlp = spacy.blank("en")
    if factory == "seqrnn_ner":
        config["model"] = small_ner()
    component: Any = nlp.add_pipe(factory, config=config)
    for label in labels:
        component.add_label(label)
    return nlp


@pytest.fixture(params=["seqrnn_ner", "ner"])
def factory(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("labels", [(), ("PER",), ("PER", "LOC")])
def test_finds_nothing(factory: str, labels: tuple[str, ...], tmp_path: Path) -> None:
    nlp = make_nlp(factory, labels)
    nlp.initialize()
    nlp.to_disk(tmp_path)
    for pipeline in (nlp, spacy.load(tmp_path)):
        assert pipeline(TEXT).ents == ()
        assert {token.ent_iob_ for token in pipeline(TEXT)} == {"O"}


def test_entities_can_be_added_after_it(factory: str) -> None:
    nlp = make_nlp(factory)
    nlp.initialize()
    doc = nlp(TEXT)
    doc.ents = (*doc.ents, Span(doc, 4, 5, "LOC"))
    assert [entity.text for entity in doc.ents] == ["Oslo"]


@pytest.mark.parametrize("before", [True, False])
def test_a_ruler_beside_it(factory: str, before: bool) -> None:
    nlp = make_nlp(factory)
    options: dict[str, Any] = {"before": factory} if before else {"after": factory}
    ruler: Any = nlp.add_pipe("entity_ruler", **options)
    nlp.initialize()
    ruler.add_patterns([{"label": "LOC", "pattern": "Oslo"}])
    assert [(entity.text, entity.label_) for entity in nlp(TEXT).ents] == [("Oslo", "LOC")]


def test_blocked_tokens_stay_blocked(factory: str) -> None:
    nlp = make_nlp(factory)
    nlp.initialize()
    doc = nlp.make_doc(TEXT)
    doc.set_ents([], blocked=[doc[0:2]], default="unmodified")
    doc = nlp(doc)
    assert [token.ent_iob_ for token in doc[:3]] == ["B", "B", "O"]
    assert doc.ents == ()


def test_labels_are_predicted_as_soon_as_they_are_learned() -> None:
    """And those without an example are not, however long the others train."""
    nlp = make_nlp("seqrnn_ner", ("PER", "LOC"))
    reference = nlp.make_doc(TEXT)
    reference.set_ents([Span(reference, 0, 2, "PER")])
    examples = [Example(nlp.make_doc(TEXT), reference)]
    optimizer = nlp.initialize(lambda: examples)
    assert get_pipe(nlp, "seqrnn_ner").cfg["unseen_labels"] == ["PER", "LOC"]
    optimizer.learn_rate = 0.05
    for _ in range(20):
        nlp.update(examples, sgd=optimizer)
    assert [(entity.text, entity.label_) for entity in nlp(TEXT).ents] == [("Anna Berg", "PER")]
    assert get_pipe(nlp, "seqrnn_ner").cfg["unseen_labels"] == ["LOC"]
    nlp.initialize(lambda: examples)
    assert nlp(TEXT).ents == ()


def test_without_any_label_it_learns_those_that_it_meets(factory: str) -> None:
    nlp = make_nlp(factory, ())
    empty = nlp.make_doc(TEXT)
    empty.set_ents([], default="outside")
    optimizer = nlp.initialize(lambda: [Example(nlp.make_doc(TEXT), empty)])
    optimizer.learn_rate = 0.05
    assert get_pipe(nlp, factory).labels == ()
    nlp.update([Example(nlp.make_doc(TEXT), empty)], sgd=optimizer)
    assert nlp(TEXT).ents == ()
    reference = nlp.make_doc(TEXT)
    reference.set_ents([Span(reference, 4, 5, "LOC")])
    if factory == "ner":  # spaCy's cannot continue from there
        return
    for _ in range(20):
        nlp.update([Example(nlp.make_doc(TEXT), reference)], sgd=optimizer)
    assert [(entity.text, entity.label_) for entity in nlp(TEXT).ents] == [("Oslo", "LOC")]


def test_documents_without_tokens_and_labels(factory: str) -> None:
    nlp = make_nlp(factory, ())
    docs = [nlp.make_doc("") for _ in range(2)]
    optimizer = nlp.initialize(lambda: [Example(doc, doc) for doc in docs])
    assert nlp.update([Example(doc, doc) for doc in docs], sgd=optimizer)[factory] == 0.0
    assert [doc.ents for doc in nlp.pipe(docs)] == [(), ()]


def test_old_negative_annotation_is_rejected(factory: str) -> None:
    """spaCy 2 wrote it like this; now `incorrect_spans_key` takes it."""
    nlp = make_nlp(factory)
    reference = Doc(nlp.vocab, words=["Anna", "sings"], ents=["B-!PERSON", "O"])
    example = Example(Doc(nlp.vocab, words=["Anna", "sings"]), reference)
    with pytest.raises(ValueError, match="E869"):  # noqa: PT012 (spaCy's says it later)
        optimizer = nlp.initialize(lambda: [example])
        nlp.update([example], sgd=optimizer)
