"""`spacy seqrnn calibrate`."""

from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.tokens import DocBin

from ..pipes import get_pipe
from ..small import small_ngrams, small_textcat
from .test_inside import call, reject


@pytest.fixture
def classifier(tmp_path: Path) -> Path:
    """A trained classifier of several categories, and annotated texts in dev.spacy."""
    np.random.seed(0)
    nlp = spacy.blank("en")
    model = small_textcat(False, ngrams=small_ngrams())
    nlp.add_pipe("textcat_multilabel", config={"model": model})
    docs = []
    for i in range(40):
        doc = nlp.make_doc(["good film", "bad film", "good and bad", "long"][i % 4])
        doc.cats = {"GOOD": float(i % 4 in (0, 2)), "BAD": float(i % 8 in (1, 2))}
        docs.append(doc)
    DocBin(docs=docs).to_disk(tmp_path / "dev.spacy")
    examples = [spacy.training.Example(nlp.make_doc(doc.text), doc) for doc in docs]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.02
    for _ in range(10):
        nlp.update(examples, sgd=optimizer)
    nlp.to_disk(tmp_path / "model")
    return tmp_path / "model"


def test_thresholds_of_a_classifier(classifier: Path) -> None:
    data, output = classifier.parent / "dev.spacy", classifier.parent / "calibrated"
    result = call("calibrate", classifier, data, output, "--thresholds")
    assert result.exit_code == 0, result.output
    found = [line.split() for line in result.output.splitlines() if "textcat_multilabel" in line]
    assert [words[1] for words in found] == ["GOOD", "BAD"]
    before, after = spacy.load(classifier), spacy.load(output)
    for _, label, temperature, threshold in found:
        p = before("good film").cats[label]
        cut = float(threshold)
        logit = np.log(p / (1 - p)) / float(temperature) - np.log(cut / (1 - cut))
        assert after("good film").cats[label] == pytest.approx(1 / (1 + np.exp(-logit)), abs=0.01)


def test_entities_and_categories(trained: Path, corpus: Path, tmp_path: Path) -> None:
    result = call("calibrate", trained, corpus, tmp_path / "calibrated")
    assert result.exit_code == 0, result.output
    nlp = spacy.load(tmp_path / "calibrated")
    assert get_pipe(nlp, "seqrnn_ner").cfg["temperature"] != 1.0
    assert "seqrnn_ner" in result.output
    assert "textcat" in result.output
    reject("is not empty: name another one", "calibrate", trained, corpus, tmp_path / "calibrated")
    again = call("calibrate", trained, corpus, tmp_path / "calibrated", "--force")
    assert again.exit_code == 0, again.output


def test_wrong_arguments(classifier: Path, tmp_path: Path) -> None:
    data, output = classifier.parent / "dev.spacy", tmp_path / "calibrated"
    reject("does not exist", "calibrate", classifier, tmp_path / "none.spacy", output)
    reject("is a file: name a folder", "calibrate", classifier, data, data)
    spacy.blank("en").to_disk(tmp_path / "blank")
    reject(
        "The pipeline has no component, but this needs",
        "calibrate",
        tmp_path / "blank",
        data,
        output,
    )
    assert not output.exists()
