"""Where a report finds its data."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.util import registry

from spacy_seqrnn.report.gather import read_examples, read_training_words


def create_reader(path: str) -> Callable[[Language], Iterator[Example]]:
    def read(nlp: Language) -> Iterator[Example]:
        for line in Path(path).read_text().splitlines():
            yield Example(nlp.make_doc(line), nlp.make_doc(line))

    return read


registry.readers("spacy-seqrnn.tests.lines")(create_reader)


def pipeline(**corpora: dict[str, Any]) -> Language:
    nlp = spacy.blank("en")
    nlp.config["corpora"] = corpora
    return nlp


@pytest.fixture
def lines(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "lines.txt").write_text("one\ntwo\n")
    return {"@readers": "spacy-seqrnn.tests.lines", "path": str(tmp_path / "lines.txt")}


def test_readers_of_other_files(lines: dict[str, str]) -> None:
    nlp = pipeline(train=lines, dev=lines)
    name, examples = read_examples(nlp, None)
    assert name == lines["path"]
    assert [example.text for example in examples] == ["one", "two"]
    assert read_training_words(nlp, None) is None


def test_no_path(lines: dict[str, str]) -> None:
    nlp = pipeline(train=lines, dev={"@readers": "spacy.Corpus.v1", "path": None})
    with pytest.raises(ValueError, match=r"names no data in \[corpora.dev\]: name a file with"):
        read_examples(nlp, None)


def test_words_and_entities_of_a_folder_in_lower_case(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    doc = Doc(nlp.vocab, words=["New", "York", "Is"], ents=["B-LOC", "I-LOC", "O"])
    DocBin(docs=[doc]).to_disk(tmp_path / "train.spacy")
    found = read_training_words(nlp, tmp_path)
    assert found
    assert found.words == {"new", "york", "is"}
    assert found.entities == {("new", "york")}


def test_a_folder_without_data(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    with pytest.raises(ValueError, match=r"contains no `\.spacy` file \(--data\)"):
        read_examples(nlp, tmp_path)
    with pytest.raises(ValueError, match=r"contains no `\.spacy` file \(--train\)"):
        read_training_words(nlp, tmp_path)
