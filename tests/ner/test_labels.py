"""Labels: from the data, from elsewhere, added, and met during training."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc
from thinc.api import Adam

from spacy_seqrnn.ner.biluo import tag_names
from spacy_seqrnn.ner.labels import label_numbers, labels_in, share_labels, tags_of

from ..pipes import get_pipe
from .pipelines import TRAIN, entities, make_examples, make_nlp, train, trained


def test_numbers_are_the_places_of_the_names() -> None:
    nlp = spacy.blank("xx")
    hashes = [nlp.vocab.strings.add(label) for label in ("PER", "LOC")]
    assert label_numbers(["PER", "LOC"], nlp.vocab.strings) == {hashes[0]: 0, hashes[1]: 1}


def test_tags_of_some_labels() -> None:
    names = np.asarray(tag_names(["PER", "LOC", "ORG"]))
    assert names[tags_of([True, False, False])].tolist() == tag_names(["PER"])
    assert names[tags_of([False, False, True])].tolist() == tag_names(["ORG"])
    assert tags_of([]).tolist() == [True]


def test_labels_in_the_annotation() -> None:
    nlp = spacy.blank("xx")
    data = [("a b", ["B-PER", "L-PER"]), ("c", ["O"]), ("d e", ["U-LOC", None]), ("", [])]
    assert labels_in(make_examples(nlp, data)) == {"PER", "LOC"}
    assert labels_in([]) == set()


def test_other_vocabs_learn_the_names() -> None:
    own, other = spacy.blank("xx").vocab, spacy.blank("xx").vocab
    share_labels(["A-LABEL"], own, [Doc(own, words=["a"]), Doc(other, words=["a"])])
    assert "A-LABEL" in other.strings
    assert "A-LABEL" not in own.strings  # it has its labels from the component


def test_labels_from_the_data() -> None:
    component: Any = trained(steps=1).get_pipe("seqrnn_ner")
    assert component.labels == ("LOC", "PER")
    assert component.label_data == ["LOC", "PER"]


def test_labels_from_elsewhere() -> None:
    nlp = make_nlp()
    component: Any = nlp.get_pipe("seqrnn_ner")
    examples = make_examples(nlp)
    component.initialize(lambda: examples, nlp=nlp, labels=["X", "PER", "LOC"])
    assert component.labels == ("X", "PER", "LOC")
    train(nlp, examples)
    assert nlp.evaluate(examples)["ents_f"] == 1.0


def test_add_label_before_initialize() -> None:
    nlp = make_nlp()
    component: Any = nlp.get_pipe("seqrnn_ner")
    assert component.add_label("X") == 1
    assert component.add_label("X") == 0
    nlp.initialize(lambda: make_examples(nlp))
    assert component.labels == ("X", "LOC", "PER")


@pytest.mark.parametrize("decoder", ["crf", "softmax"])
def test_add_label_to_a_trained_model(decoder: str) -> None:
    nlp = trained({"decoder": decoder})
    texts = [text for text, _ in TRAIN]
    before = [entities(nlp, text) for text in texts]
    optimizer = nlp.resume_training()
    get_pipe(nlp, "seqrnn_ner").add_label("ORG")
    # Nothing is forgotten, and the new label is not predicted until it has been seen.
    assert [entities(nlp, text) for text in texts] == before
    examples = make_examples(nlp, [*TRAIN, ("Acme met Acme", ["U-ORG", "O", "U-ORG"])])
    for _ in range(60):
        nlp.update(examples, sgd=optimizer)
        optimizer.learn_rate = 0.02
    assert entities(nlp, "Acme met Acme") == [("Acme", "ORG"), ("Acme", "ORG")]
    assert [entities(nlp, text) for text in texts] == before


def test_label_can_be_added_while_an_optimizer_has_moments() -> None:
    nlp = trained(steps=1)
    optimizer = Adam(0.01)
    nlp.update(make_examples(nlp), sgd=optimizer)
    # As in spaCy's ner, a label that occurs in training is added.
    nlp.update(make_examples(nlp, [("Acme", ["U-ORG"])]), sgd=optimizer)
    assert get_pipe(nlp, "seqrnn_ner").labels == ("LOC", "PER", "ORG")


def test_unseen_labels_survive_saving(tmp_path: Path) -> None:
    nlp = trained()
    get_pipe(nlp, "seqrnn_ner").add_label("ORG")
    nlp.to_disk(tmp_path)
    other = spacy.load(tmp_path)
    docs = [nlp.make_doc(text) for text, _ in TRAIN]
    # Even if the scores of the unseen label were the highest, it would not be predicted.
    get_pipe(other, "seqrnn_ner").model.get_ref("output_layer").get_param("b")[-4:] = 100.0
    assert {e.label_ for doc in other.pipe(docs) for e in doc.ents} == {"LOC", "PER"}


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (3, "E187"),
        ("", "at least one character"),
        ("!PERSON", "E869"),
        (" \n", "at least one character"),
        ("B-PER", "looks like the tag of a single token.*'PER'"),
    ],
)
def test_labels_that_cannot_be(label: int | str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        get_pipe(make_nlp(), "seqrnn_ner").add_label(label)
