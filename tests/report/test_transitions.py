"""The page's report on the transitions of a CRF."""

from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language

from spacy_seqrnn.report.transitions import END, START, transitions

from ..conftest import gold_examples
from ..pipes import get_pipe
from ..small import small_ner


def pipeline(model: dict[str, Any]) -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("seqrnn_ner", config={"model": model})
    optimizer = nlp.initialize(lambda: gold_examples(nlp))
    for _ in range(3):
        nlp.update(gold_examples(nlp), sgd=optimizer)
    return nlp


def is_valid(tags: list[str]) -> bool:
    """Whether tags are a sequence of whole entities, checked one by one."""
    inside = ""
    for tag in tags:
        prefix, _, label = tag.partition("-")
        if inside:
            if prefix not in "IL" or label != inside:
                return False
        elif prefix in ("I", "L"):
            return False
        inside = label if prefix in ("B", "I") else ""
    return not inside


def around(tag: str, end: str) -> list[str]:
    """The shortest way into a tag ("before") or out of it ("after") that makes it whole."""
    prefix, _, label = tag.partition("-")
    if end == "before":
        return [f"B-{label}"] if prefix in ("I", "L") else []
    return [f"L-{label}"] if prefix in ("B", "I") else []


def test_forbidden_cells_are_those_of_no_valid_sequence() -> None:
    nlp = pipeline(small_ner())
    found = transitions(nlp, get_pipe(nlp, "seqrnn_ner"))
    assert found
    assert found.rows == (START, *found.columns[:-1])
    assert found.columns[-1] == END
    for before, row in zip(found.rows, found.scores, strict=True):
        for after, score in zip(found.columns, row, strict=True):
            first = [] if before == START else [*around(before, "before"), before]
            last = [] if after == END else [after, *around(after, "after")]
            assert (score is not None) == is_valid([*first, *last]), (before, after)


def test_scores_are_the_layers() -> None:
    nlp = pipeline(small_ner())
    pipe: Any = nlp.get_pipe("seqrnn_ner")
    decoder = pipe.model.get_ref("decoder")
    learned = {name: np.asarray(decoder.get_param(name)) for name in decoder.param_names}
    found = transitions(nlp, pipe)
    assert found
    row, column = found.rows.index("L-CITY"), found.columns.index("B-PERSON")
    assert found.scores[row][column] == pytest.approx(learned["transitions"][row - 1, column])
    assert found.scores[0][0] == pytest.approx(learned["start"][0])
    assert found.scores[1][-1] == pytest.approx(learned["end"][0])


def test_an_ensemble_has_the_mean_of_its_members() -> None:
    members = {"one": small_ner(), "two": small_ner()}
    nlp = pipeline({"@architectures": "spacy-seqrnn.NEREnsemble.v1", "members": members})
    pipe: Any = nlp.get_pipe("seqrnn_ner")
    layers = [node for node in pipe.model.walk() if node.name == "crf"]
    assert len(layers) == 2
    mean = np.mean([layer.get_param("transitions")[0, 0] for layer in layers])
    found = transitions(nlp, pipe)
    assert found
    assert found.scores[1][0] == pytest.approx(mean)


def test_softmax_has_none() -> None:
    nlp = pipeline(small_ner(decoder="softmax"))
    assert transitions(nlp, get_pipe(nlp, "seqrnn_ner")) is None
