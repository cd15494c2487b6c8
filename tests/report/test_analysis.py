"""Reports on pipelines of spaCy's own components, without scores of entities and without CRF."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.training import Corpus

from spacy_seqrnn.explain import explain_textcat
from spacy_seqrnn.report import page
from spacy_seqrnn.report.analysis import POINTS, Report, analyse
from spacy_seqrnn.report.sections import label_parts

from ..conftest import gold_docs, gold_examples
from ..explain.conftest import pipeline
from ..pipes import add_pipe
from ..small import small_ngrams, small_textcat


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "gold.spacy"
    DocBin(docs=gold_docs(spacy.blank("en").vocab)).to_disk(path)
    return path


def trained(*factories: str, steps: int = 1) -> Language:
    nlp = spacy.blank("en")
    for factory in factories:
        nlp.add_pipe(factory)
    optimizer = nlp.initialize(lambda: gold_examples(nlp))
    for _ in range(steps):
        nlp.update(gold_examples(nlp), sgd=optimizer)
    return nlp


def report(nlp: Language, folder: Path, data: Path, **options: Any) -> Report:
    return analyse(folder, nlp, "model-best", data=data, **options)


def test_all_kinds_of_predictions(tmp_path: Path, data: Path) -> None:
    nlp = trained("ner", "tagger", "textcat_multilabel", steps=30)
    found = report(nlp, tmp_path, data, train=data)
    scores = nlp.evaluate(list(Corpus(data)(nlp)))
    assert found.entities
    assert found.entities.total.f1.value == pytest.approx(scores["ents_f"])
    assert found.entities.reliability is None
    assert found.entities.transitions is None
    assert found.tags
    assert found.tags.accuracy.value == pytest.approx(scores["tag_acc"])
    (categories,) = found.categories
    assert not categories.exclusive
    assert categories.macro_f1.value == pytest.approx(scores["cats_macro_f"])
    html = page.report_page(found)
    for title in ("ner: Most confident errors", "tagger: Tags", "textcat_multilabel: Categories"):
        assert f"<h2>{title}</h2>" in html


def test_a_ruler_after_the_recogniser_takes_no_scores_away(tmp_path: Path, data: Path) -> None:
    nlp = trained("seqrnn_ner", steps=20)
    add_pipe(nlp, "entity_ruler").add_patterns([{"label": "DAY", "pattern": "angrily"}])
    found = report(nlp, tmp_path, data)
    assert found.entities
    assert found.entities.component == "seqrnn_ner"
    (spurious,) = [each for each in found.entities.labels if each.label == "DAY"]
    assert (spurious.found, spurious.annotated) == (1, 0)
    assert found.entities.reliability
    assert found.entities.reliability.n == found.entities.total.found - 1
    assert found.entities.seen is None
    assert "name them with --train" in found.notes[-1]


def test_of_many_labels_the_most_frequent_are_drawn(tmp_path: Path, data: Path) -> None:
    nlp = trained("tagger")
    found = report(nlp, tmp_path, data)
    assert found.tags
    labels = found.tags.labels
    many = [replace(labels[0], label=f"L{i}", annotated=i) for i in range(40)]
    picture, *_ = [part for part in label_parts(many) if "<svg" in part]
    assert "L39 " in picture
    assert "L15 " in picture
    assert "L14 " not in picture


def test_a_pipeline_without_errors(tmp_path: Path, data: Path) -> None:
    nlp = spacy.blank("en")
    ruler: Any = nlp.add_pipe("entity_ruler")
    for doc in gold_docs(nlp.vocab):
        ruler.add_patterns([{"label": e.label_, "pattern": e.text} for e in doc.ents])
    found = report(nlp, tmp_path, data)
    assert found.entities
    assert found.entities.total.f1.value == found.entities.total.f1.low == 1.0
    assert "No entity was predicted wrongly." in page.report_page(found)


def test_words_that_speak_for_a_wrong_category(tmp_path: Path) -> None:
    """The text is annotated with the wrong category on purpose, beside one that is empty."""
    nlp = pipeline("textcat", small_textcat(True, ngrams=small_ngrams(ngram_size=2)))
    docs = [nlp.make_doc("A <good>, good film." + " Long." * 200), nlp.make_doc(" ")]
    for doc in docs:
        predicted = max(nlp(doc.text).cats.items(), key=lambda item: item[1])[0]
        doc.cats = {label: float(label != predicted) for label in nlp.pipe_labels["textcat"]}
    data = tmp_path / "wrong.spacy"
    DocBin(docs=docs, store_user_data=True).to_disk(data)
    found = report(nlp, tmp_path, data)
    (categories,) = found.categories
    explained, empty = sorted(categories.errors, key=lambda error: -len(error.text))
    assert not empty.words
    whole = explain_textcat(nlp, docs[0].text, label=explained.label, steps=POINTS)
    shown = [explained.text[word.start : word.end] for word in explained.words]
    assert shown == list(whole.tokens[: len(shown)])
    assert 6 < len(shown) < len(docs[0])
    of_words = [word.attribution for word in explained.words]
    assert of_words == pytest.approx(whole.attributions[: len(shown)])
    html = page.report_page(found)
    assert '<span class="for" ' in html or '<span class="against" ' in html
    assert "&lt;" in html
    assert "<good>" not in html
