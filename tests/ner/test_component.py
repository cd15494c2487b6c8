import pickle
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..pipes import get_pipe
from ..small import small_ner, small_tok2vec
from .pipelines import TRAIN, entities, make_examples, make_nlp, train, trained


def emissions(nlp: Language, docs: list[Doc]) -> np.ndarray:
    made: np.ndarray = get_pipe(nlp, "seqrnn_ner").model.predict(docs).emissions
    return made


@pytest.fixture(scope="module")
def nlp() -> Language:
    """A trained pipeline that tests only read."""
    return trained(spans_key="scores")


@pytest.mark.parametrize("decoder", ["crf", "softmax"])
def test_learns_its_training_data(decoder: str) -> None:
    nlp = trained({"decoder": decoder})
    scores = nlp.evaluate(make_examples(nlp))
    assert scores["ents_f"] == 1.0
    assert scores["ents_per_type"]["LOC"]["f"] == 1.0


def test_loss_is_the_negative_log_probability_of_the_gold(nlp: Language) -> None:
    """And it is the sum over the batch, however the batch is split."""
    examples = make_examples(nlp)
    component: Any = nlp.get_pipe("seqrnn_ner")
    chain = component.model.predict([example.predicted for example in examples])
    together, _ = component.get_loss(examples, chain)
    alone = 0.0
    for example in examples:
        if len(example.predicted):
            chain = component.model.predict([example.predicted])
            alone += component.get_loss([example], chain)[0]
    assert together == pytest.approx(alone, rel=1e-4)
    assert 0 < together < 1


def test_scores_survive_docbin(nlp: Language) -> None:
    doc = nlp(Doc(nlp.vocab, words=["Oslo", "sleeps"]))
    other = Doc(nlp.vocab).from_bytes(doc.to_bytes())
    np.testing.assert_array_equal(
        other.spans["scores"].attrs["scores"], doc.spans["scores"].attrs["scores"]
    )


def test_no_scores_unless_asked_for() -> None:
    nlp = trained(steps=1)
    assert not nlp(Doc(nlp.vocab, words=["Oslo"])).spans


def test_ordinary_input_of_any_kind(nlp: Language) -> None:
    texts = ["", "Oslo", " ", "\n\n", "Bob " * 50, "🎉", "Oslo sleeps"]
    alone = [[(e.start, e.end, e.label) for e in nlp(text).ents] for text in texts]
    for batch_size in (1, 2, 7):
        docs = nlp.pipe(texts, batch_size=batch_size)
        assert [[(e.start, e.end, e.label) for e in doc.ents] for doc in docs] == alone
    assert nlp("").spans["scores"].attrs["scores"].shape == (0,)


@pytest.mark.parametrize("texts", [[""], ["", ""]])
def test_documents_without_tokens(nlp: Language, texts: list[str]) -> None:
    assert [len(doc.ents) for doc in nlp.pipe(texts)] == [0] * len(texts)
    component: Any = nlp.get_pipe("seqrnn_ner")
    assert component.update([]) == {"seqrnn_ner": 0.0}
    examples = [Example.from_dict(nlp.make_doc(text), {"entities": []}) for text in texts]
    assert component.update(examples) == {"seqrnn_ner": 0.0}


# Incomplete annotation


def test_missing_annotation_is_not_learned_as_outside() -> None:
    """Half of the tokens are annotated; the others are neither entity nor outside."""
    data = [
        ("Bob met Oslo", ["U-PER", "O", None]),
        ("Oslo met Bob", ["U-LOC", "O", None]),
        ("Anna met Bob", [None, None, "U-PER"]),
    ] * 3
    nlp = trained(data=data, steps=100)
    assert entities(nlp, "Oslo met Bob") == [("Oslo", "LOC"), ("Bob", "PER")]
    assert entities(nlp, "Bob met Oslo") == [("Bob", "PER"), ("Oslo", "LOC")]


def test_without_annotation_nothing_is_learned() -> None:
    nlp = trained(steps=1)
    before = get_pipe(nlp, "seqrnn_ner").model.to_bytes()
    examples = [Example(nlp.make_doc("Oslo sleeps"), nlp.make_doc("Oslo sleeps"))]
    assert train(nlp, examples, steps=2) == {"seqrnn_ner": 0.0}
    assert get_pipe(nlp, "seqrnn_ner").model.to_bytes() == before


def wrong_spans_example(
    nlp: Language, words: list[str], wrong: list[tuple[int, int, str]]
) -> Example:
    reference = Doc(nlp.vocab, words=words)
    reference.spans["wrong"] = [Span(reference, *span) for span in wrong]
    return Example(Doc(nlp.vocab, words=words), reference)


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["Oslo"], (0, 1, "LOC")),
        (["In", "New", "York", "City", "Bob", "sleeps"], (1, 4, "LOC")),
    ],
)
def test_incorrect_spans_are_unlearned(words: list[str], wrong: tuple[int, int, str]) -> None:
    """Entities of one and of several tokens; the rest of the document is unknown."""
    nlp = trained(incorrect_spans_key="wrong")
    place = (wrong[0], wrong[1])
    assert place in [(e.start, e.end) for e in nlp(Doc(nlp.vocab, words=words)).ents]
    train(nlp, [wrong_spans_example(nlp, words, [wrong])], steps=30, learn_rate=0.01)
    doc = nlp(Doc(nlp.vocab, words=words))
    assert wrong not in [(e.start, e.end, e.label_) for e in doc.ents]


def test_incorrect_spans_need_their_key() -> None:
    nlp = trained(steps=1)
    example = wrong_spans_example(nlp, ["Oslo"], [(0, 1, "LOC")])
    assert nlp.update([example], losses={}) == {"seqrnn_ner": 0.0}


# Entities from elsewhere


def test_entities_of_earlier_components_are_kept(nlp: Language) -> None:
    doc = Doc(nlp.vocab, words=["Anna", "Berg", "lives", "in", "Oslo"])
    doc.set_ents([Span(doc, 0, 1, "LOC"), Span(doc, 2, 4, "NEW")], blocked=[doc[4:5]])
    doc = nlp(doc)
    found = [(span.text, span.label_) for span in doc.ents]
    assert ("Anna", "LOC") in found
    assert ("lives in", "NEW") in found
    assert "Oslo" not in [text for text, _ in found]
    certain = dict(zip(found, doc.spans["scores"].attrs["scores"], strict=True))
    assert certain[("Anna", "LOC")] == certain[("lives in", "NEW")] == 1.0
    assert "NEW" not in get_pipe(nlp, "seqrnn_ner").labels


def test_earlier_entities_of_a_label_that_was_never_trained_are_kept() -> None:
    nlp = trained()
    get_pipe(nlp, "seqrnn_ner").add_label("NEW")
    doc = Doc(nlp.vocab, words=["Oslo", "sleeps"])
    doc.set_ents([Span(doc, 1, 2, "NEW")], default="missing")
    assert [(e.text, e.label_) for e in nlp(doc).ents] == [("Oslo", "LOC"), ("sleeps", "NEW")]


def test_works_with_an_entity_ruler_before_it() -> None:
    nlp = trained()
    ruler: Any = nlp.add_pipe("entity_ruler", before="seqrnn_ner")
    ruler.add_patterns([{"label": "ANIMAL", "pattern": "sleeps", "id": "x"}])
    doc = nlp("Oslo sleeps")
    assert [(e.text, e.label_, e.ent_id_) for e in doc.ents] == [
        ("Oslo", "LOC", ""),
        ("sleeps", "ANIMAL", "x"),
    ]


def test_entities_do_not_cross_sentences(nlp: Language) -> None:
    words = ["In", "New", "York", "City", "Bob", "sleeps"]
    starts: list[bool | int | None] = [True, False, True, False, False, False]
    doc = nlp(Doc(nlp.vocab, words=words, sent_starts=starts))
    assert not any(span.start < 2 < span.end for span in doc.ents)


# Rehearsal


def test_rehearsal_works_against_forgetting() -> None:
    """Learning a single text harms the others less if the model rehearses."""

    def difference_after(rehearse: bool) -> float:
        nlp = trained()
        docs = [nlp.make_doc(text) for text, tags in TRAIN if tags]
        before = emissions(nlp, docs)
        optimizer = nlp.resume_training()
        optimizer.learn_rate = 0.01
        new = make_examples(nlp, [("Acme sleeps in Bob", ["U-LOC", "U-LOC", "U-LOC", "U-LOC"])])
        for _ in range(20):
            nlp.update(new, sgd=optimizer)
            if rehearse:
                losses = nlp.rehearse([Example(doc, doc) for doc in docs], sgd=optimizer, losses={})
                assert losses["seqrnn_ner"] > 0
        return float(np.abs(emissions(nlp, docs) - before).mean())

    assert difference_after(rehearse=True) < 0.5 * difference_after(rehearse=False)


@pytest.mark.parametrize("kind", ["crf", "softmax", "ensemble"])
def test_rehearsing_an_unchanged_model_teaches_nothing(kind: str) -> None:
    """Whatever dropout the model was trained with, its earlier self predicts without."""
    encoder = {"dropout": 0.4, "word_dropout": 0.3}
    model = small_ner(decoder="crf" if kind == "ensemble" else kind)
    model["tok2vec"]["encode"].update(encoder)
    if kind == "ensemble":
        members = {"a": model, "b": model}
        model = {"@architectures": "spacy-seqrnn.NEREnsemble.v1", "members": members}
    nlp = spacy.blank("en")
    component: Any = nlp.add_pipe("seqrnn_ner", config={"model": model})
    examples = make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(5):
        nlp.update(examples, sgd=optimizer, drop=0.5)
    nlp.resume_training()
    for node in component.model.walk():
        for name in {"fixed_dropout_rate", "word_dropout_rate"} & set(node.attrs):
            node.attrs[name] = 0.0  # of the student
    losses = nlp.rehearse(examples, losses={})
    assert losses["seqrnn_ner"] == pytest.approx(0.0, abs=1e-8)


def test_rehearsal_needs_token_vectors_of_its_own() -> None:
    """A shared tok2vec does not rehearse: only zeros would be compared."""
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": small_tok2vec()})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
    nlp.add_pipe("seqrnn_ner", config={"model": {**small_ner(), "tok2vec": listener}})
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    nlp.resume_training()
    with pytest.raises(ValueError, match=r"nlp.replace_listeners\('tok2vec', 'seqrnn_ner'"):
        nlp.rehearse(examples)
    nlp.replace_listeners("tok2vec", "seqrnn_ner", ["model.tok2vec"])
    nlp.resume_training()
    assert nlp.rehearse(examples, losses={})["seqrnn_ner"] == pytest.approx(0.0, abs=1e-8)


def test_rehearsal_without_resumed_training_does_nothing() -> None:
    nlp = trained(steps=1)
    assert get_pipe(nlp, "seqrnn_ner").rehearse(make_examples(nlp), losses={}) == {}


# Saving and loading


def round_trips(nlp: Language, tmp_path: Path) -> Iterator[Language]:
    nlp.to_disk(tmp_path / "pipeline")
    yield spacy.load(tmp_path / "pipeline")
    blank = spacy.blank("en").from_config(nlp.config)
    yield blank.from_bytes(nlp.to_bytes())
    yield pickle.loads(pickle.dumps(nlp))


def test_round_trip(nlp: Language, tmp_path: Path) -> None:
    texts = [text for text, _ in TRAIN]
    expected = [(doc.ents, doc.spans["scores"].attrs["scores"]) for doc in nlp.pipe(texts)]
    for other in round_trips(nlp, tmp_path):
        assert get_pipe(other, "seqrnn_ner").labels == get_pipe(nlp, "seqrnn_ner").labels
        for doc, (spans, scores) in zip(other.pipe(texts), expected, strict=True):
            assert [(e.start, e.end, e.label_) for e in doc.ents] == [
                (e.start, e.end, e.label_) for e in spans
            ]
            np.testing.assert_array_equal(doc.spans["scores"].attrs["scores"], scores)


def test_round_trip_before_initialization(tmp_path: Path) -> None:
    for other in round_trips(make_nlp(), tmp_path):
        examples = make_examples(other)
        other.initialize(partial(list, examples))
        train(other, examples)
        assert other.evaluate(examples)["ents_f"] == 1.0


def test_training_goes_on_after_loading(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path)
    other = spacy.load(tmp_path)
    examples = make_examples(other)
    assert train(other, examples, steps=20)["seqrnn_ner"] < 0.5
    assert other.evaluate(examples)["ents_f"] == 1.0


def test_damaged_model_is_named(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path)
    path = tmp_path / "seqrnn_ner" / "model"
    whole = path.read_bytes()
    for size in (0, 1, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="component 'seqrnn_ner' cannot be loaded"):
            spacy.load(tmp_path)
    path.unlink()
    with pytest.raises(ValueError, match="component 'seqrnn_ner' cannot be loaded"):
        spacy.load(tmp_path)


def test_model_of_other_labels_is_named(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path)
    path = tmp_path / "seqrnn_ner" / "cfg"
    path.write_text(path.read_text().replace('"PER"', '"PER","ORG"'))
    with pytest.raises(ValueError, match="'cfg' is not what was saved"):
        spacy.load(tmp_path)


def test_model_of_other_labels_is_named_without_a_checksum(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path)
    path = tmp_path / "seqrnn_ner" / "cfg"
    settings = srsly.read_json(path)
    srsly.write_json(path, settings | {"labels": [*settings["labels"], "ORG"]})
    path.with_name("checksums.sha256").unlink()
    with pytest.raises(ValueError, match="scores for 2 labels, but its settings name 3"):
        spacy.load(tmp_path)


# Errors


def test_model_that_gives_no_chain() -> None:
    tok2vec: dict[str, Any] = {"@architectures": "spacy.HashEmbedCNN.v2"}
    tok2vec |= {"width": 8, "depth": 1, "embed_size": 10, "window_size": 1}
    tok2vec |= {"maxout_pieces": 2, "subword_features": False, "pretrained_vectors": None}
    model = {"@architectures": "spacy.Tagger.v2", "tok2vec": tok2vec}
    with pytest.raises(ValueError, match=r"does not score tag sequences: set `@architectures"):
        spacy.blank("en").add_pipe("seqrnn_ner", config={"model": model})


def test_unknown_decoder() -> None:
    with pytest.raises(
        ValueError, match="`decoder = 'crv'` is unknown: set it to one of crf, soft"
    ):
        make_nlp({"decoder": "crv"})


def test_size_that_no_labels_have() -> None:
    with pytest.raises(ValueError, match="with 7 scores per token cannot be a BILUO tagger"):
        make_nlp({"nO": 7})


def test_not_initialized() -> None:
    with pytest.raises(ValueError, match="E109"):
        make_nlp()("Oslo")
