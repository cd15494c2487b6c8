"""The parts of the benchmark of lemmas that determine its table. Nothing here is timed."""

import json
from pathlib import Path
from typing import Any

import pytest
import spacy

from benchmarks.lemmas import worker
from benchmarks.lemmas.__main__ import save
from benchmarks.lemmas.sides import OURS, RETAGGED, SPACY, STANZA
from benchmarks.lemmas.table import HEADER, table
from benchmarks.lemmas.treebank import UniversalTags, Word, known_forms, retag, score
from benchmarks.lemmas.worker import ALONE, TAGGED

TRAIN = [
    [Word("He", "PRP", "PRON", "he"), Word("saw", "VBD", "VERB", "see")],
    [Word("is", "VBZ", "AUX", "be"), Word("eats", "VBZ", "VERB", "eat")],
    [Word("is", "VBZ", "AUX", "be"), Word("goes", "VBZ", "VERB", "go")],
    [Word("a", "DT", "DET", "a"), Word("has", "VBZ", "VERB", "have")],
]
TEST = [[Word("Saw", "VBD", "VERB", "see"), Word("owls", "NNS", "NOUN", "owl")], TRAIN[1]]


def test_scores_are_of_all_tokens_and_of_words_that_training_has_in_no_case() -> None:
    known = known_forms(TRAIN)
    assert score(TEST, [["see", "owls"], ["be", "eat"]], known) == {"all": 75.0, "unseen": 0.0}
    assert score(TEST, [["Saw", "owl"], ["is", "eat"]], known) == {"all": 50.0, "unseen": 100.0}


def test_universal_tags_are_those_of_the_form_else_of_the_tag() -> None:
    found = retag(TEST, [["VBZ", "XX"], ["VBZ", "DT"]], UniversalTags(TRAIN))
    assert [[word.universal for word in each] for each in found] == [["VERB", "X"], ["AUX", "DET"]]
    assert [[word.tag for word in each] for each in found] == [["VBZ", "XX"], ["VBZ", "DT"]]
    assert found[0][0].form == "Saw"


@pytest.mark.parametrize("way", [TAGGED, ALONE])
def test_a_worker_gives_tags_or_leaves_them_to_the_pipeline(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp = spacy.blank("xx")
    tagger = nlp.add_pipe("tagger")
    tagger.add_label("ALWAYS")  # type: ignore[attr-defined]
    nlp.initialize()
    nlp.to_disk(tmp_path / "model")
    words = tmp_path / "words.json"
    save(TEST, words)
    told: dict[str, Any] = {}
    monkeypatch.setattr(worker, "serve", lambda run, words, **about: told.update(about, n=words))
    worker.main(str(tmp_path / "model"), str(words), way)
    right = [[word.tag for word in each] for each in TEST]
    assert told["tags"] == (right if way == ALONE else [["ALWAYS"] * 2] * 2)
    assert told["n"] == 4


def test_the_table_has_a_row_for_each_side() -> None:
    def side(percent: float, seconds: float) -> dict[str, Any]:
        right = {"all": percent, "unseen": percent - 10}
        return {"words": 1000, "seconds": [seconds] * 3, "right": right}

    result = {
        TAGGED: {"sides": {OURS: side(97.0, 2.0), SPACY: side(95.0, 3.0)}},
        ALONE: {
            "sides": {
                OURS: side(98.0, 0.5),
                SPACY: side(95.0, 1.0),
                STANZA: side(97.5, 10.0),
                RETAGGED: side(96.0, 10.0),
            }
        },
        "epochs": 3,
        "environment": {"machine": "m", "cores": 2},
    }
    header, _, ours, spacys, stanzas, _, note = table(json.loads(json.dumps(result))).split("\n")
    assert header.count("|") == len(HEADER) + 1
    assert ours == "| `seqrnn_lemmatizer` | 97.00 | 87.00 | 98.00 | 2,000 | 500 |"
    assert spacys == "| spaCy's `trainable_lemmatizer` | 95.00 | 85.00 |  | 1,000 | 333 |"
    assert stanzas == "| Stanza's lemmatizer | 96.00 | 86.00 | 97.50 | 100 |  |"
    assert "2.00 times as fast as spaCy's, 20.00 times as fast as Stanza's" in note
    assert "1.50 times as fast as spaCy's, both with a tagger" in note
