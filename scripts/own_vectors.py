"""Learn word vectors from your own text, and append them to others.

Text of the same kind as what is annotated has words that general vectors lack, and uses others in
its own way. gensim learns the vectors (skip-gram with negative sampling, Mikolov et al. 2013).
"""

import gzip
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy
import spacy
import typer
from spacy.attrs import LOWER
from wasabi import msg

from command import UserError, run
from vectors import append, write

RAREST = 5  # occurrences of a word that gets a vector


def learn(
    text: Annotated[Path, typer.Argument(help="train.txt.gz of scripts/sentences.py")],
    target: Annotated[Path, typer.Argument(help="Folder to write, for [initialize] vectors")],
    onto: Annotated[Path, typer.Option(help="Folder of the vectors that they are appended to")],
    width: Annotated[int, typer.Option(min=1, help="Numbers that are learned of a word")] = 100,
    epochs: Annotated[int, typer.Option(min=1, help="Times that the text is read")] = 5,
) -> None:
    """Write a blank pipeline with the vectors in `onto`, and those of the text behind each."""
    words, rows = read_vectors(onto)
    with TemporaryDirectory() as folder:
        lower = Path(folder, "lower.txt")
        lower_case(text, lower)
        learned = learn_vectors(lower, width, epochs)
    all_words, all_rows = append(words, rows, learned, width)
    # Numbers of about the same size, so that neither part outweighs the other
    own = all_rows[:, -width:]
    own *= typical_size(rows) / typical_size(own)
    write(target, all_words, all_rows)
    msg.good(
        f"{target}: {len(all_rows):,} vectors of {all_rows.shape[1]} dimensions; {text} has "
        f"{len(learned):,} of these words, {len(all_rows) - len(rows):,} of which {onto} lacks"
    )


def read_vectors(folder: Path) -> tuple[list[str], numpy.ndarray]:
    """The words of a pipeline with vectors, and a row for each of them."""
    try:
        vocab = spacy.load(folder).vocab
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} cannot be loaded as a pipeline with vectors: {error}") from None
    words = [vocab.strings[key] for key in vocab.vectors.key2row]
    if not words or not vocab.vectors.data.any():
        raise UserError(f"{folder} has no vectors of words: name a pipeline that has some.")
    capital = next((word for word in words if word != word.lower()), None)
    # In the new folder, words are looked up in lower case.
    if capital and vocab.vectors.attr != LOWER:
        raise UserError(
            f"{folder} has vectors of words with capitals, such as '{capital}': name vectors of "
            "words in lower case, as scripts/vectors.py makes them."
        )
    return words, vocab.vectors.data[list(vocab.vectors.key2row.values())]


def lower_case(text: Path, target: Path) -> None:
    """Write the lines in lower case."""
    try:
        with (
            gzip.open(text, "rt", encoding="utf8") as lines,
            target.open("w", encoding="utf8") as lower,
        ):
            lower.writelines(line.lower() for line in lines)
    except (EOFError, gzip.BadGzipFile, UnicodeDecodeError):
        raise UserError(f"{text} is damaged: delete it and make it again.") from None


def learn_vectors(text: Path, width: int, epochs: int) -> dict[str, numpy.ndarray]:
    """The vectors of the words of a file that occur `RAREST` times."""
    try:
        from gensim.models import Word2Vec  # noqa: PLC0415 - optional, and half a second
    except ImportError:
        raise UserError(
            "The package gensim is missing: install this project with its extra `vectors`, as in "
            '`pip install -e ".[vectors]"`.'
        ) from None
    model = Word2Vec(vector_size=width, sg=1, sample=1e-4, seed=0, workers=1, min_count=RAREST)
    model.build_vocab(corpus_file=str(text))
    if not len(model.wv):
        raise UserError(f"No word of the text occurs {RAREST} times: put more text there.")
    # One thread, since more of them give other vectors each time
    model.train(
        corpus_file=str(text),
        total_words=model.corpus_total_words,
        total_examples=model.corpus_count,
        epochs=epochs,
    )
    return {word: model.wv[word] for word in model.wv.index_to_key}


def typical_size(rows: numpy.ndarray) -> float:
    """The root mean square of the numbers of all rows that are not zero."""
    filled = rows[rows.any(axis=1)]
    return float(numpy.sqrt(numpy.mean(filled**2)))


if __name__ == "__main__":
    run(learn)
