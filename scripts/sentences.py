"""Make a corpus of sentences for a language model from raw text.

Words are separated as in annotated news, where a word with a hyphen is one: a language model whose
states are used for entities should read what the entity recogniser reads.
"""

import gzip
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import spacy
import typer
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.util import compile_prefix_regex
from wasabi import msg

from archive import unpack
from command import UserError, run
from files import decode, replacing

FORMATS = ".txt, .txt.gz, .txt.xz or .tar"
SUFFIXES = (".txt", ".gz", ".xz", ".tar")
SHORTEST, LONGEST = 3, 100  # words of a sentence; others are mostly headings and tables
HELD_OUT = 1000  # sentences of development data
RUN = 8  # words in a row that are in both texts only if one has copied the other


def make(
    source: Annotated[Path, typer.Argument(help=f"Folder with raw text: {FORMATS}")],
    target: Annotated[
        Path, typer.Argument(help="Folder to write train.txt.gz, dev.txt.gz and dev.spacy to")
    ],
    without: Annotated[
        list[Path] | None,
        typer.Option(help="Annotated .spacy files: sentences that occur there are left out"),
    ] = None,
    lines: Annotated[
        bool, typer.Option(help="Keep each line whole, as of messages, unless it is very long")
    ] = False,
) -> None:
    """Write the distinct sentences of raw text in random order, one a line, a space between words.

    Left out is every sentence that an annotated file has too, or that has eight words in a row with
    it, so that a language model has not read what it is evaluated on.
    """
    nlp = make_splitter()
    known = read_known(without or [], nlp)
    sentences = list(dict.fromkeys(split(nlp, read_folder(source), lines=lines)))
    kept = [sentence for sentence in sentences if not is_known(sentence, known)]
    if len(kept) <= HELD_OUT:
        raise UserError(
            f"{source} has {len(kept):,} sentences, of which {HELD_OUT:,} would be development "
            "data: put more text there."
        )
    random.Random(0).shuffle(kept)
    write(target / "dev.txt.gz", kept[:HELD_OUT])
    write_docs(target / "dev.spacy", kept[:HELD_OUT], nlp)
    write(target / "train.txt.gz", kept[HELD_OUT:])
    msg.good(
        f"{target}: {len(kept):,} sentences of {sum(len(each.split()) for each in kept):,} words; "
        f"{len(sentences) - len(kept):,} left out, as they overlap with annotated data"
    )


def make_splitter() -> Language:
    """A pipeline that splits English text into sentences and words."""
    nlp = spacy.blank("en")
    tokenizer: Any = nlp.tokenizer
    tokenizer.infix_finditer = None
    prefixes = [prefix for prefix in nlp.Defaults.prefixes or () if prefix != "#"]  # of hashtags
    tokenizer.prefix_search = compile_prefix_regex(prefixes).search
    nlp.add_pipe("sentencizer")
    return nlp


def read_folder(folder: Path) -> Iterator[str]:
    """The lines of all files, by name."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES]
    if not files:
        raise UserError(
            f"{folder} has no text: put {FORMATS} there, or for news, run `spacy project run "
            "fetch-news`."
        )
    for path in files:
        for content in unpack(path, SUFFIXES[0]):
            yield from decode(content, path).splitlines()


def split(nlp: Language, texts: Iterable[str], *, lines: bool) -> Iterator[str]:
    """Each sentence, or line, that is neither too short nor too long, a space between words."""
    for doc in nlp.pipe((text.strip() for text in texts if text.strip()), batch_size=1000):
        for sentence in [doc] if lines and len(doc) <= LONGEST else doc.sents:
            words = [token.text for token in sentence if not token.is_space]
            if SHORTEST <= len(words) <= LONGEST:
                yield " ".join(words)


def read_known(paths: list[Path], nlp: Language) -> set[tuple[str, ...]]:
    """The sentences of annotated files, and all runs of words within them, in lower case."""
    known = set()
    for path in paths:
        for doc in DocBin().from_disk(path).get_docs(nlp.vocab):
            words = tuple(token.lower_ for token in doc)
            known |= {words, *runs(words)}
    return known


def is_known(sentence: str, known: set[tuple[str, ...]]) -> bool:
    """Whether a sentence, or a run of words within it, is in annotated data."""
    lower = tuple(sentence.lower().split())
    return lower in known or any(each in known for each in runs(lower))


def runs(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    """All `RUN` words in a row."""
    return [words[i : i + RUN] for i in range(len(words) - RUN + 1)]


def write(path: Path, sentences: list[str]) -> None:
    """Write one sentence a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{sentence}\n" for sentence in sentences)
    with replacing(path) as new:
        new.write_bytes(gzip.compress(text.encode("utf8"), mtime=0))


def write_docs(path: Path, sentences: list[str], nlp: Language) -> None:
    """Write one document a sentence, as `spacy evaluate` reads them."""
    docs = [Doc(nlp.vocab, words=sentence.split()) for sentence in sentences]
    with replacing(path) as new:
        DocBin(docs=docs).to_disk(new)


if __name__ == "__main__":
    run(make)
