"""The project's commands convert its corpora of entities: every sentence, token and entity."""

import re
import shlex
from collections import Counter
from pathlib import Path

import pytest
import srsly
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from ..cli.conftest import succeed
from .conftest import DATA, ROOT, needs_data

SPLITS = ("train", "dev", "test")
COMMANDS = {
    command["name"]: command["script"]
    for command in srsly.read_yaml(ROOT / "project.yml")["commands"]
}


def convert(corpus: str, target: Path) -> tuple[list[Path], list[DocBin]]:
    """Convert a corpus as `project.yml` does. Returns its files, and their output."""
    (line,) = COMMANDS[f"convert-{corpus}"]
    words = shlex.split(line)
    assert words[:5] == ["python", "-m", "spacy", "seqrnn", "convert"]
    files = [DATA / word.removeprefix("assets/") for word in words[5:8]]
    assert words[8] == f"corpus/{corpus}"
    succeed("seqrnn", "convert", *files, target, *words[9:])
    return files, [DocBin().from_disk(target / f"{split}.spacy") for split in SPLITS]


def count(path: Path) -> tuple[int, int, Counter[str]]:
    """Count sentences, tokens and entities per type, independently.

    An entity begins at every B- tag, and at an I- tag that does not continue the same type.
    """
    text = path.read_text(encoding="utf8")
    sentences = [s for s in re.split(r"\n\s*\n", text.strip()) if s.strip()]
    tags = [[line.split()[-1] for line in sentence.splitlines()] for sentence in sentences]
    starts = (
        tag[2:]
        for sentence in tags
        for previous, tag in zip(["O", *sentence], sentence, strict=False)
        if tag[0] == "B" or (tag[0] == "I" and previous[2:] != tag[2:])
    )
    return len(sentences), sum(map(len, tags)), Counter(starts)


@needs_data
@pytest.mark.parametrize(
    ("corpus", "sentences"),
    [
        ("wnut17", (3394, 1009, 1287)),
        pytest.param("conll2002", (8323, 1915, 1517), marks=pytest.mark.slow),
        pytest.param("conll2003", (14041, 3250, 3453), marks=pytest.mark.slow),
    ],
)
def test_real_corpora_arrive_whole(corpus: str, sentences: tuple[int, ...], tmp_path: Path) -> None:
    files, converted = convert(corpus, tmp_path)
    for path, docbin, n_sentences in zip(files, converted, sentences, strict=True):
        docs = list(docbin.get_docs(Vocab()))
        entities = Counter(ent.label_ for doc in docs for ent in doc.ents)
        assert (len(docs), sum(map(len, docs)), entities) == count(path)
        assert len(docs) == n_sentences
