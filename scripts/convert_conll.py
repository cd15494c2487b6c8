"""Convert a corpus of CoNLL columns to spaCy's binary format, one sentence per document.

spaCy's converter does it, once the columns are in the one form that it reads without losing
sentences: it takes only an empty line for the end of one, but some files (WNUT-17's training data)
end most sentences with a line that holds a tab.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from spacy.tokens import DocBin
from spacy.training.converters import conll_ner_to_docs
from wasabi import msg

from command import UserError, run
from files import SPLITS, decode, replacing

TAG = re.compile(r"O|[BI]-\S+")
DOCUMENT = "-DOCSTART-"

# The columns of a token: itself, its part of speech if the file has it, its IOB tag.
Token = tuple[str, ...]
Sentence = list[Token]


def convert(
    train: Annotated[
        Path,
        typer.Argument(help="CoNLL file: token first, then part of speech if any, IOB tag last"),
    ],
    dev: Annotated[Path, typer.Argument(help="The same for development")],
    test: Annotated[Path, typer.Argument(help="The same for the test")],
    target: Annotated[Path, typer.Argument(help="Folder for the .spacy files")],
) -> None:
    """Write train.spacy, dev.spacy and test.spacy."""
    docbins = [read_docs(source) for source in (train, dev, test)]
    for split, docbin in zip(SPLITS, docbins, strict=True):
        with replacing(target / f"{split}.spacy") as new:
            docbin.to_disk(new)
        msg.good(f"{target / split}.spacy: {len(docbin):,} sentences")


def read_docs(path: Path) -> DocBin:
    """Read a CoNLL file into documents of one sentence each, as other systems' scores rest on."""
    sentences = list(read_sentences(path))
    if not sentences:
        raise UserError(f"{path} holds no sentence.")
    columns = ("\n".join("\t".join(token) for token in sentence) for sentence in sentences)
    docs = conll_ner_to_docs("\n\n".join(columns) + "\n\n", n_sents=1, no_print=True)
    return DocBin(docs=docs, store_user_data=True)


def read_sentences(path: Path) -> Iterator[Sentence]:
    """Yield the sentences of a CoNLL file; document boundaries only end a sentence."""
    lines = decode(path.read_bytes(), path).split("\n")
    return split_sentences(read_lines(lines, path))


def read_lines(lines: Iterable[str], path: Path) -> Iterator[Token | None]:
    """Yield the columns of each line, or None for a boundary between sentences."""
    for number, line in enumerate(lines, start=1):
        columns = line.split()
        if not columns or columns[0] == DOCUMENT:
            yield None
        elif len(columns) > 1 and TAG.fullmatch(columns[-1]):
            yield (*columns[: min(2, len(columns) - 1)], columns[-1])
        else:
            raise UserError(f"{path}, line {number}: no token and IOB tag in {line!r}.")


def split_sentences(rows: Iterable[Token | None]) -> Iterator[Sentence]:
    """Group rows into sentences."""
    sentence: Sentence = []
    for row in rows:
        if row is not None:
            sentence.append(row)
        elif sentence:
            yield sentence
            sentence = []
    if sentence:
        yield sentence


if __name__ == "__main__":
    run(convert)
