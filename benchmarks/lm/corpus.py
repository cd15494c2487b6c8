"""From raw text to the files that all sides read."""

import lzma
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import spacy
import srsly

from .text import PARTS, Lines, path_of

FILES = ("reuters_c50", "reuters21578", "news_small")
MOST_WORDS, MIN_COUNT = 30_000, 2  # of the vocabulary
HELD_OUT = 0.02  # of the words, for each of development and test


def prepare(folder: Path, data: Path, files: Iterable[str], n_words: int) -> None:
    """Write lines and vocabularies.

    folder: where to.
    data: the folder of corpora, with raw/*.txt.xz: a blank line between two documents.
    n_words: how many words of training text.
    """
    documents = list(chain.from_iterable(read_documents(data / f"raw/{f}.txt.xz") for f in files))
    order = np.random.default_rng(0).permutation(len(documents)).tolist()
    write_parts(folder, tokenise(documents[i] for i in order), n_words)


def read_documents(path: Path) -> Iterator[list[str]]:
    """The lines of each document."""
    with lzma.open(path, "rt", encoding="utf8") as file:
        for document in file.read().split("\n\n"):
            yield [line for line in document.split("\n") if line.strip()]


def tokenise(documents: Iterable[list[str]]) -> Iterator[Lines]:
    """The words of each line of each document, without blanks."""
    tokenizer = spacy.blank("en").tokenizer
    for lines in documents:
        found = ([token.text for token in tokenizer(line)] for line in lines)
        without = ([word for word in words if not word.isspace()] for words in found)
        yield [words for words in without if words]


def write_parts(folder: Path, documents: Iterator[Lines], n_words: int) -> None:
    """Write the three parts, no document to two of them, and the vocabularies of the first.

    Raises ValueError if there are not enough words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sizes = [n_words, *[round(HELD_OUT * n_words)] * 2]
    for part, size in zip(PARTS, sizes, strict=True):
        lines = take(documents, size)
        text = "".join(f"{' '.join(line)}\n" for line in lines)
        path_of(folder, part).write_text(text, encoding="utf8", newline="\n")
        if part == "train":
            words = Counter(chain.from_iterable(lines))
            _write_vocabulary(folder / "words.json", words)
            _write_vocabulary(folder / "characters.json", Counter(text.replace("\n", "")))


def take(documents: Iterator[Lines], n_words: int) -> Lines:
    """The lines of the next documents, of `n_words` together: the last line may be cut.

    Raises ValueError if there are not enough words.
    """
    lines: Lines = []
    missing = n_words
    for document in documents:
        for line in document:
            lines.append(line[:missing])
            missing -= len(lines[-1])
            if not missing:
                return lines
    raise ValueError(f"The text has {missing} words too few: ask for fewer, or add files.")


def _write_vocabulary(path: Path, counts: Counter[str]) -> None:
    common = counts.most_common(MOST_WORDS)
    srsly.write_json(path, [unit for unit, count in common if count >= MIN_COUNT])
