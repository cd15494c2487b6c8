"""Corpora that no workflow of the project fetches, from a folder of corpora."""

import lzma
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from spacy.tokens import Doc, DocBin
from spacy.training.converters.conllu_to_docs import conllu_to_docs

PARTS = ("train", "dev", "test")
# Writes train.spacy, dev.spacy and test.spacy, given the folder of corpora and the one to write to
Source: TypeAlias = Callable[[Path, Path], None]


def spacy_files(name: str) -> Source:
    """A corpus in spaCy's format already. name: its folder below that of the corpora."""

    def copy(data: Path, target: Path) -> None:
        for part in PARTS:
            shutil.copy(data / name / f"{part}.spacy", target)

    return copy


def universal_tags(treebank: str) -> Source:
    """The universal parts of speech of a treebank, as the tags that spaCy's `tagger` learns.

    treebank: beginning of the names of its files in the folder `ud`.
    """

    def write(data: Path, target: Path) -> None:
        for part in PARTS:
            # Training data that are put together from parts of the release say so in their name.
            (path,) = (data / "ud").glob(f"{treebank}-{part}*.conllu.xz")
            text = lzma.decompress(path.read_bytes()).decode("utf8")
            DocBin(docs=tagged(text)).to_disk(target / f"{part}.spacy")

    return write


def tagged(text: str) -> Iterator[Doc]:
    """The sentences of a file in the CoNLL-U format, with their parts of speech as tags.

    They do not say where their spaces are, so that spaCy keeps the words of the treebank, and does
    not train and score on those of its tokenizer.
    """
    for doc in conllu_to_docs(text, n_sents=1, no_print=True):
        yield Doc(doc.vocab, words=[t.text for t in doc], tags=[t.pos_ for t in doc])
