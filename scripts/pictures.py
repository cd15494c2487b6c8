"""Make the pictures and the printed tables of the documentation: `make docs-pictures`.

The pipelines are the quickstart's recogniser and three that are trained here like the quickstart's:
recognisers with the two other cells, and a classifier with several poolings. The commands are those
that the pages show.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from wasabi import msg

from command import UserError, run
from files import replacing

VECTORS = Path("training/vectors/glove-6b-50d")
TRAINED = Path("training/docs")
NEWS = "On Friday Rose May of Rift Valley Dairies flew from Accra to New York."
REVIEW = "The plot is thin and the jokes are old, but I loved every minute of it."
STEPS = {"training.max_steps": "400", "training.eval_frequency": "100"}
POOLINGS = '["max", "mean", "attention", "last"]'
COLOUR = re.compile(r"\x1b\[[\d;]*m")
SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)


def pictures(
    target: Annotated[Path, typer.Argument(help="Folder to write to")] = Path("docs/pictures"),
) -> None:
    """Train what is missing, run the commands, keep what they draw and print."""
    if not VECTORS.exists():
        raise UserError("The quickstart has not been run: run `make quickstart` first.")
    cell = "components.seqrnn_ner.model.tok2vec.encode.cell"
    recognisers = {
        "lstm": Path("training/ner/model-best"),
        "gru": train("gru", "ner", {cell: "gru"}),
        "rnn": train("rnn", "ner", {cell: "rnn"}),
    }
    lstm = recognisers["lstm"]
    classifier = train("poolings", "textcat", {"components.textcat.model.pooling": POOLINGS})
    for name, model in recognisers.items():
        keep(target / f"gates-{name}.svg", draw("gates", model, NEWS))
    keep(target / "gradients-text.svg", draw("gradients", lstm, NEWS))
    keep(target / "gradients-fresh.svg", draw("gradients", "--cells", "rnn", "gru", "lstm"))
    for remedy in ("forget-bias", "residual", "clipping"):
        keep(target / f"{remedy}.svg", draw("gradients", "--compare", remedy))
    keep(target / "explain-ner.txt", seqrnn("explain", lstm, NEWS))
    keep(target / "explain-textcat.txt", seqrnn("explain", classifier, REVIEW))


def train(name: str, task: str, changes: dict[str, str]) -> Path:
    """Train an efficiency recipe with changes on its sample corpus, unless that was done before."""
    output = TRAINED / name
    corpus = Path("corpus") / {"ner": "ner", "textcat": "sentiment"}[task]
    options = {
        "output": output,
        "paths.train": corpus / "train.spacy",
        "paths.dev": corpus / "dev.spacy",
        "paths.vectors": VECTORS,
        **STEPS,
        **changes,
    }
    if not (output / "model-best").exists():
        settings = [f"--{name}={value}" for name, value in options.items()]
        spacy("train", f"configs/{task}_efficiency.cfg", *settings)
    return output / "model-best"


def draw(command: str, *arguments: Path | str) -> str:
    """The first picture that a command of `spacy seqrnn` draws on its page."""
    with TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        seqrnn(command, *arguments, "--html", page)
        found = SVG.search(page.read_text(encoding="utf8"))
    if found is None:
        raise UserError(f"`spacy seqrnn {command}` draws no picture any more.")
    # As a file it needs no role for screen readers; pages describe it in the text beside it.
    return found[0].replace(' role="img"', "", 1) + "\n"


def seqrnn(*arguments: Path | str) -> str:
    """What a command of `spacy seqrnn` prints when it is done."""
    lines = [line.rstrip() for line in spacy("seqrnn", *arguments).splitlines()]
    return "\n".join(line for line in lines if not line.endswith(" ...")).strip() + "\n"


def spacy(*arguments: Path | str) -> str:
    """Run one of spaCy's commands. Returns what it prints, without colours and progress."""
    command = ["-m", "spacy", *map(str, arguments)]
    environment = {**os.environ, "WASABI_LOG_FRIENDLY": "1"}
    done = subprocess.run(
        [sys.executable, *command], env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise UserError(f"`python {' '.join(command)}` failed:\n{done.stdout}")
    return COLOUR.sub("", done.stdout)


def keep(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    with replacing(path) as new:
        new.write_text(text, encoding="utf8")
    msg.good(str(path))


if __name__ == "__main__":
    run(pictures)
