"""Bring a CoNLL file into the one form that `spacy convert` reads without losing sentences.

spaCy takes only an empty line for the end of a sentence, but some files (WNUT-17's training
data) end most sentences with a line that holds a tab. It also derives the output's name from the
input's by dropping the last suffix, which is all that tells `esp.testa` from `esp.testb`.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from command import UserError, run
from files import decode, replacing

TAG = re.compile(r"O|[BI]-\S+")
DOCUMENT = "-DOCSTART-"

# The columns of a token: itself, its part of speech if the file has it, its IOB tag.
Token = tuple[str, ...]
Sentence = list[Token]


def convert(
    source: Annotated[
        Path,
        typer.Argument(help="CoNLL file: token first, then part of speech if any, IOB tag last"),
    ],
    target: Annotated[Path, typer.Argument(help="File to write: the same columns")],
) -> None:
    """Rewrite a CoNLL file as two or three columns with an empty line after each sentence."""
    sentences = list(read_sentences(source))
    if not sentences:
        raise UserError(f"{source} holds no sentence.")
    with replacing(target) as new, new.open("w", encoding="utf8", newline="\n") as file:
        for sentence in sentences:
            file.writelines("\t".join(token) + "\n" for token in sentence)
            file.write("\n")
    msg.good(f"{target}: {len(sentences):,} sentences")


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
