"""Make pairs of texts from files of a SIGMORPHON shared task: lemma, form and features by tabs."""

from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from command import UserError, run
from files import replacing

# How the files of train, dev and test end: a thousand examples, and the answers of the test data
SUFFIXES = {"train": "train-medium", "dev": "dev", "test": "uncovered-test"}


def make_pairs(
    source: Annotated[Path, typer.Argument(help="Folder with the files of the shared task")],
    target: Annotated[Path, typer.Argument(help="Folder for LANGUAGE-train.tsv and so on")],
    language: Annotated[str, typer.Argument(help="How their names begin, such as german")],
) -> None:
    """Write features and lemma as one text, with the form beside it.

    The features are before and behind the lemma, `<V><PST>go<V><PST>`, so that each direction of an
    encoder has read them when it comes to a letter.
    """
    found = {
        part: [pair_of(line) for line in read_lines(source / f"{language}-{suffix}")]
        for part, suffix in SUFFIXES.items()
    }
    target.mkdir(parents=True, exist_ok=True)
    for part, lines in found.items():
        with replacing(target / f"{language}-{part}.tsv") as new:
            new.write_text("".join(f"{line}\n" for line in lines), encoding="utf8")
    msg.good(f"Wrote {language}-{'.tsv, -'.join(SUFFIXES)}.tsv to {target}")


def read_lines(path: Path) -> list[str]:
    """The lines of a file. Raises UserError if there is none."""
    if not path.is_file():
        raise UserError(f"{path} is missing: is its language one of the shared task?")
    return path.read_text(encoding="utf8").splitlines()


def pair_of(line: str) -> str:
    """Source and target of a line. Raises UserError for a line of another format."""
    columns = line.split("\t")
    if len(columns) != 3:
        raise UserError(f"{line!r} is not a lemma, a form and features, with tabs between them.")
    lemma, form, features = columns
    tags = "".join(f"<{feature}>" for feature in features.split(";"))
    return f"{tags}{lemma}{tags}\t{form}"


if __name__ == "__main__":
    run(make_pairs)
