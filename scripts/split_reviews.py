"""Split Pang and Lee's corpora as others do, and write their texts as JSON lines.

No file has their labels and splits; they follow from file names and line numbers in an archive.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from archive import open_archive, read_member
from command import UserError, run
from files import SPLITS, decode, replacing

# Which split a text belongs to, the text, and whether its sentiment is positive.
Record = tuple[str, str, bool]


def split_reviews(
    corpus: Annotated[str, typer.Argument(help="Name of a folder in assets/")],
    source: Annotated[Path, typer.Argument(help="That folder")],
    target: Annotated[Path, typer.Argument(help="Folder for the .jsonl files")],
) -> None:
    """Write train.jsonl, dev.jsonl and test.jsonl, with the labels positive and negative."""
    if corpus not in READERS:
        raise UserError(f"{corpus!r} is not supported, only {', '.join(READERS)}.")
    lines = defaultdict(list)
    for split, text, positive in READERS[corpus](source):
        cats = {"positive": float(positive), "negative": float(not positive)}
        record = {"text": text, "cats": cats}
        lines[split].append(json.dumps(record, ensure_ascii=False) + "\n")
    for split in SPLITS:
        if not lines[split]:
            raise UserError(f"{source} contains no text for {split}.jsonl.")
    for split in SPLITS:
        with replacing(target / f"{split}.jsonl") as new:
            new.write_text("".join(lines[split]), encoding="utf8")
        msg.good(f"{target / split}.jsonl: {len(lines[split]):,} texts")


def read_rt_polarity(folder: Path) -> Iterator[Record]:
    """Read Pang & Lee's sentences, split by line number within each class' file."""
    path = folder / "sentence_polarity.zip"
    with open_archive(path, source=f"{path}") as archive:
        negative, positive = (
            decode(read_member(archive, f"sentence_polarity/rt-polarity.{label}", f"{path}"), path)
            for label in ("neg", "pos")
        )
    # Alternates between the classes, so that a run on the first few hundred has both. The edition
    # is UTF-8, but only "\n" ends a line: other characters that `splitlines` splits at occur in
    # the text.
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
            text = decode(read_member(archive, match[0], f"{path}"), path)
            yield split, text, match[1] == "pos"


READERS: dict[str, Callable[[Path], Iterator[Record]]] = {
    "rt-polarity": read_rt_polarity,
    "movie-reviews": read_movie_reviews,
}


if __name__ == "__main__":
    run(split_reviews)
