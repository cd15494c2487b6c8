"""Scores of written texts."""

import sys
from typing import Any

import pytest
import spacy
from spacy.training import Example

from spacy_seqrnn.seq2seq.scorer import make_text2text_scorer

from .models import pair

TEXTS = [
    ("the cat sat on the mat", "the cat sat on a mat"),
    ("a dog", "a dog"),
    ("", "nothing at all"),
    (None, "and here too"),
]


def scored(**options: Any) -> dict[str, float]:
    nlp = spacy.blank("en")
    examples = []
    for text, reference in TEXTS:
        example = pair(nlp.make_doc("source"), reference, options.get("output", "output"))
        example.predicted._.set(options.get("output", "output"), text)
        examples.append(example)
    examples.append(pair(nlp.make_doc("without a reference"), None))
    return make_text2text_scorer(**options)(examples)


def test_exact_match() -> None:
    assert scored() == {"output_exact": 0.25}
    assert scored(output="english") == {"english_exact": 0.25}
    assert make_text2text_scorer()([]) == {}


def test_bleu_and_chrf_are_those_of_sacrebleu() -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    texts, references = zip(*((text or "", reference) for text, reference in TEXTS), strict=True)
    found = scored(metrics=["bleu", "chrf", "exact"])
    bleu = sacrebleu.corpus_bleu(list(texts), [list(references)]).score
    chrf = sacrebleu.corpus_chrf(list(texts), [list(references)]).score
    assert 0 < bleu < 100
    assert found == pytest.approx(
        {"output_bleu": bleu / 100, "output_chrf": chrf / 100, "output_exact": 0.25}
    )


def test_without_sacrebleu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    assert scored(metrics=["exact"]) == {"output_exact": 0.25}
    with pytest.raises(ValueError, match=r"needs sacrebleu: `pip install spacy-seqrnn\[transl"):
        make_text2text_scorer(metrics=["exact", "bleu"])


def test_metrics_that_do_not_exist() -> None:
    with pytest.raises(ValueError, match="`metrics = 'ter'` is unknown: set it to one of exact"):
        make_text2text_scorer(metrics=["ter"])
    none: list[str] = []
    for metrics in ("exact", none):
        with pytest.raises(ValueError, match="is no list: set it to some of"):
            make_text2text_scorer(metrics=metrics)


def test_the_scorer_reads_examples_once() -> None:
    nlp = spacy.blank("en")
    examples = (Example(nlp.make_doc(""), nlp.make_doc("")) for _ in range(3))
    assert make_text2text_scorer()(examples) == {}
