"""Convert a sentiment corpus to spaCy's binary format, with its usual split."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from wasabi import msg

from archive import open_archive, read_member
from command import UserError, run
from files import SPLITS, decode, replacing

# Which split a text belongs to, the text, and whether its sentiment is positive.
Record = tuple[str, str, bool]


def convert(
    corpus: Annotated[str, typer.Argument(help="Name of a folder in assets/")],
    source: Annotated[Path, typer.Argument(help="That folder")],
    target: Annotated[Path, typer.Argument(help="Folder for the .spacy files")],
) -> None:
    """Write train.spacy, dev.spacy and test.spacy, with the labels positive and negative."""
    if corpus not in READERS:
        raise UserError(f"No reader for {corpus!r}, only for {', '.join(READERS)}.")
    read, make_doc = READERS[corpus]
    nlp = spacy.blank("en")
    docs = defaultdict(list)
    for split, text, positive in read(source):
        doc = make_doc(nlp, text)
        doc.cats = {"positive": float(positive), "negative": float(not positive)}
        docs[split].append(doc)
    for split in SPLITS:
        if not docs[split]:
            raise UserError(f"{source} holds no text for {split}.spacy.")
    for split in SPLITS:
        with replacing(target / f"{split}.spacy") as new:
            DocBin(docs=docs[split]).to_disk(new)
        msg.good(f"{target / split}.spacy: {len(docs[split]):,} texts")


def make_doc_from_words(nlp: Language, text: str) -> Doc:
    """Take the corpus' own tokens ("do n't"), which the word vectors know, as they are."""
    return Doc(nlp.vocab, words=text.split())


def make_doc_from_text(nlp: Language, text: str) -> Doc:
    """Tokenise plain text as the trained pipeline will do."""
    return nlp.make_doc(text)


def read_rt_polarity(folder: Path) -> Iterator[Record]:
    """Read Pang & Lee's sentences, split by line number within each class' file."""
    path = folder / "sentence_polarity.zip"
    with open_archive(path, source=f"{path}") as archive:
        negative, positive = (
            decode(read_member(archive, f"sentence_polarity/rt-polarity.{label}", f"{path}"), path)
            for label in ("neg", "pos")
        )
    # One of each class in turn, so that a run on the first few hundred meets both. The edition is
    # UTF-8, but only "\n" ends a line: other characters that `splitlines` knows occur in the text.
    lines = zip_longest(negative.split("\n"), positive.split("\n"), fillvalue="")
    for i, texts in enumerate(lines):
        split = {8: "dev", 9: "test"}.get(i % 10, "train")
        labelled = zip(texts, (False, True), strict=True)
        yield from ((split, text, label) for text, label in labelled if text)


def read_movie_reviews(folder: Path) -> Iterator[Record]:
    """Read Pang & Lee's reviews, split by the hundreds of their cross-validation number."""
    path = folder / "movie_reviews.zip"
    review = re.compile(r"movie_reviews/(neg|pos)/cv(\d)(\d\d)_\d+\.txt")
    with open_archive(path, source=f"{path}") as archive:
        matches = filter(None, map(review.fullmatch, archive.namelist()))
        for match in sorted(matches, key=lambda match: (match[2], match[3], match[1])):
            split = {"8": "dev", "9": "test"}.get(match[2], "train")
            yield split, decode(read_member(archive, match[0], f"{path}"), path), match[1] == "pos"


def read_sst2(folder: Path) -> Iterator[Record]:
    """Read the Stanford Sentiment Treebank's sentences: text, tab, 0 or 1."""
    for split in SPLITS:
        path = folder / f"{split}.tsv"
        for number, line in enumerate(decode(path.read_bytes(), path).split("\n"), start=1):
            match line.split("\t"):
                case [text, "0" | "1" as label]:
                    yield split, text, label == "1"
                case [""]:
                    pass
                case _:
                    raise UserError(f"{path}, line {number}: not a text, a tab and 0 or 1.")


def read_jsonl(folder: Path) -> Iterator[Record]:
    """Read plain text with its label from JSON lines."""
    for split in SPLITS:
        path = folder / f"{split}.jsonl"
        lines = enumerate(decode(path.read_bytes(), path).split("\n"), start=1)
        for number, line in ((number, line) for number, line in lines if line.strip()):
            match parse_json(line):
                case {"text": str(text), "label": "positive" | "negative" as label}:
                    yield split, text, label == "positive"
                case _:
                    raise UserError(
                        f"{path}, line {number}: not a text with the label positive or negative."
                    )


def parse_json(line: str) -> Any:
    """What a line of JSON says; None if it is cut short or something else."""
    try:
        return srsly.json_loads(line)
    except ValueError:
        return None


READERS: dict[str, tuple[Callable[[Path], Iterator[Record]], Callable[[Language, str], Doc]]] = {
    "sentiment": (read_jsonl, make_doc_from_text),
    "rt-polarity": (read_rt_polarity, make_doc_from_words),
    "movie-reviews": (read_movie_reviews, make_doc_from_words),
    "sst2": (read_sst2, make_doc_from_words),
}


if __name__ == "__main__":
    run(convert)
