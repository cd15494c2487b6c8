"""New pairs with other letters: what is replaced, and what stays."""

import random
import re
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli.train import train
from spacy.language import Language
from spacy.tokens import DocBin
from thinc.api import Config

from spacy_seqrnn.seq2seq.hallucination import find_letters, make_hallucination

from .models import make_text2text, pair, small_seq2seq

WORDS = ["abcdef", "XYZ"]


@pytest.fixture
def nlp() -> Language:
    random.seed(0)
    return make_text2text(words=WORDS)


def hallucinate(nlp: Language, source: str, target: str | None, **options: Any) -> set[Any]:
    """The new pairs, without the given one, which comes first."""
    example = pair(nlp.make_doc(source), target)
    first, *others = make_hallucination(**options)(nlp, example)
    assert first is example
    assert all(each.predicted.text == each.reference.text for each in others)
    assert not any(each.predicted._.output for each in others)
    return {(each.reference.text, each.reference._.output) for each in others}


def test_letters_are_those_of_the_component(nlp: Language) -> None:
    assert sorted(find_letters(nlp, "output")) == sorted("abcdefXYZ")
    assert find_letters(nlp, "other") == []
    assert find_letters(spacy.blank("en"), "output") == []


def test_the_shared_letters_are_replaced_alike(nlp: Language) -> None:
    found = hallucinate(nlp, "<abcd>gehen", "gehst geh", per_pair=50, kept=1)
    assert len(found) > 20
    for source, target in found:
        match = re.fullmatch("<abcd>([a-f][a-f])hen", source)
        assert match, source
        assert target == f"{match[1]}hst geh"


def test_capitals_stay_capitals(nlp: Language) -> None:
    found = hallucinate(nlp, "McX", "McXs", per_pair=50, kept=0)
    assert found
    assert all(re.fullmatch("([X-Z][a-f][X-Z])", source) for source, _ in found)
    assert all(target == f"{source}s" for source, target in found)


def test_how_many(nlp: Language) -> None:
    example = pair(nlp.make_doc("fade"), "faded")
    for n in (0, 1, 5):
        assert len(list(make_hallucination(per_pair=n)(nlp, example))) == 1 + n


def test_what_is_kept(nlp: Language) -> None:
    for kept in (0, 1, 3):
        found = hallucinate(nlp, "sssttt", "sssttt", per_pair=50, kept=kept)
        n_replaced = max(sum(t != "t" for t in source[3:]) for source, _ in found)
        assert n_replaced == 3 - kept


def test_short_parts_stay(nlp: Language) -> None:
    assert hallucinate(nlp, "ssst", "sssu", kept=3) == set()
    assert hallucinate(nlp, "ssst", "sssu", kept=2)


def test_what_is_not_a_letter_stays(nlp: Language) -> None:
    found = hallucinate(nlp, "s-2 ss", "s-2 ss", per_pair=50, kept=1)
    assert all(re.fullmatch("[a-f]-2 [a-f]s", source) for source, _ in found)


def test_nothing_new(nlp: Language) -> None:
    """For a text without a target, and before the letters are known."""
    assert hallucinate(nlp, "fade", None) == set()
    assert hallucinate(spacy.blank("en"), "fade", "faded") == set()


def test_options_out_of_range() -> None:
    wrong: list[tuple[str, Any]] = [("per_pair", -1), ("kept", -1)]
    for option, value in [*wrong, ("output", "a b")]:
        with pytest.raises(ValueError, match=f"`{option} = "):
            make_hallucination(**{option: value})


def test_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The augmenter by its name in a config; the units are counted without new pairs."""
    nlp = spacy.blank("en")
    docs = DocBin(docs=[pair(nlp.make_doc(w), w).reference for w in WORDS], store_user_data=True)
    docs.to_disk(tmp_path / "train.spacy")
    corpus = {"@readers": "spacy.Corpus.v1", "path": str(tmp_path / "train.spacy")}
    augmenter = {"@augmenters": "spacy-seqrnn.hallucinate.v1", "per_pair": 3, "kept": 1}
    config = {
        "nlp": {"lang": "en", "pipeline": ["seqrnn_text2text"]},
        "components": {
            "seqrnn_text2text": {"factory": "seqrnn_text2text", "model": small_seq2seq()}
        },
        "corpora": {"train": {**corpus, "augmenter": augmenter}, "dev": corpus},
        "training": {"max_epochs": 2, "eval_frequency": 1},
    }
    filled = spacy.util.load_model_from_config(Config(config), auto_fill=True).config
    filled.to_disk(tmp_path / "config.cfg")
    train(tmp_path / "config.cfg", tmp_path / "out")
    trained = spacy.load(tmp_path / "out" / "model-last")
    assert sorted(find_letters(trained, "output")) == sorted("abcdefXYZ")
    (reader,) = spacy.util.resolve_dot_names(trained.config, ["corpora.train"])
    texts = [example.reference.text for example in reader(trained)]
    assert len(texts) == 4 * len(WORDS)
    assert len(set(texts)) > len(WORDS)
