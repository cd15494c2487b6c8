"""Take the three parts of a treebank of Universal Dependencies out of a folder of archives."""

from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from archive import unpack
from command import UserError, run
from files import replacing

PARTS = ("train", "dev", "test")
SUFFIXES = (".conllu", ".conllu.xz")


def take(
    source: Annotated[Path, typer.Argument(help=f"Folder with {', '.join(SUFFIXES)} or .tar")],
    target: Annotated[Path, typer.Argument(help="Folder for train.conllu and so on")],
) -> None:
    """Write each part of a treebank, whose file is named as in en_ewt-ud-train.conllu."""
    found = {part: read_part(source, part) for part in PARTS}
    target.mkdir(parents=True, exist_ok=True)
    for part, content in found.items():
        with replacing(target / f"{part}.conllu") as new:
            new.write_bytes(content)
    msg.good(f"Wrote {', '.join(f'{part}.conllu' for part in PARTS)} to {target}")


def read_part(folder: Path, part: str) -> bytes:
    """The sentences of the one file of a part. Raises UserError if there are none or several."""
    contents = [
        content
        for path in sorted(folder.glob(f"*-ud-{part}*"))
        if path.name.endswith((*SUFFIXES, ".tar"))
        for content in unpack(path, SUFFIXES[0])
    ]
    if len(contents) != 1:
        raise UserError(
            f"{folder} has {len(contents)} files with the {part} part of a treebank: put one there "
            f"whose name contains -ud-{part} and ends with {', '.join(SUFFIXES)} or .tar."
        )
    return contents[0]


if __name__ == "__main__":
    run(take)
