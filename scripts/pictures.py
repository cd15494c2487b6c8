"""Draw the pictures and print the tables of the documentation: `make docs-pictures`.

The pipelines are the quickstart's recogniser and three others that are trained here in the same
way: recognisers with the two other cells, and a classifier with several poolings. A fifth one is
trained by the code of docs/seq2seq.md. The commands are those on the pages. Two pictures, one of
them the README's, are parts of a page as shown by a browser, and need a Chromium on the PATH.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from playwright.sync_api import FloatRect, sync_playwright
from wasabi import msg

from command import UserError, run
from files import replacing

VECTORS = Path("training/vectors/glove-6b-50d")
TRAINED = Path("training/docs")
NEWS = "On Friday Rose May of Rift Valley Dairies flew from Accra to New York."
REVIEW = "The plot is thin and the jokes are old, but I loved every minute of it."
DATE = "3.11."
JOINED = "Maria Schneider joined Siemens in Munich on 3 May 2019."
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MARGIN = 12  # of the screenshot, in pixels
STEPS = {"training.max_steps": "400", "training.eval_frequency": "100"}
POOLINGS = '["max", "mean", "attention", "last"]'
COLOUR = re.compile(r"\x1b\[[\d;]*m")
CODE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)


def pictures(
    target: Annotated[Path, typer.Argument(help="Folder to write to")] = Path("docs/pictures"),
) -> None:
    """Train what is missing, run the commands, and save their pictures and output."""
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
    photograph(lstm, JOINED, ".entities", target / "entities.png")
    photograph(train_dates(), DATE, "table.heat", target / "alignment.png")


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


def train_dates() -> Path:
    """The pipeline that docs/seq2seq.md trains, by the first code on that page."""
    code = CODE.search(Path("docs/seq2seq.md").read_text(encoding="utf8"))
    if code is None:
        raise UserError("docs/seq2seq.md no longer trains a pipeline.")
    TRAINED.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-c", code[1]], cwd=TRAINED, check=True)
    return TRAINED / "dates"


def draw(command: str, *arguments: Path | str) -> str:
    """The first picture that a command of `spacy seqrnn` draws on its page."""
    with TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        seqrnn(command, *arguments, "--html", page)
        found = SVG.search(page.read_text(encoding="utf8"))
    if found is None:
        raise UserError(f"`spacy seqrnn {command}` no longer draws a picture.")
    # As a file it needs no role for screen readers; pages describe it in the text beside it.
    return found[0].replace(' role="img"', "", 1) + "\n"


def photograph(model: Path, text: str, begin: str, target: Path) -> None:
    """A part of the page of `spacy seqrnn explain`, which ends with the heat map.

    begin: the selector of what it begins with.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise UserError(f"None of {', '.join(BROWSERS)} is on the PATH: install one for {target}.")
    with TemporaryDirectory() as folder, sync_playwright() as started:
        page = Path(folder, "page.html")
        seqrnn("explain", model, text, "--html", page)
        # Without a sandbox, which containers have no rights for; the page is our own.
        chromium = started.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        view = chromium.new_page(device_scale_factor=2, color_scheme="light")
        view.goto(page.as_uri())
        first, last = (view.locator(name).bounding_box() for name in (begin, "table.heat"))
        if first is None or last is None:
            raise UserError(f"`spacy seqrnn explain` no longer shows {begin} and a heat map.")
        top, bottom = first["y"] - MARGIN, last["y"] + last["height"] + MARGIN
        left, width = last["x"] - MARGIN, last["width"] + 2 * MARGIN
        clip = FloatRect(x=left, y=top, width=width, height=bottom - top)
        with replacing(target) as new:
            new.write_bytes(view.screenshot(clip=clip, full_page=True))
        chromium.close()
    msg.good(str(target))


def seqrnn(*arguments: Path | str) -> str:
    """The output of a command of `spacy seqrnn`."""
    lines = [line.rstrip() for line in spacy("seqrnn", *arguments).splitlines()]
    return "\n".join(line for line in lines if not line.endswith(" ...")).strip() + "\n"


def spacy(*arguments: Path | str) -> str:
    """Run one of spaCy's commands. Returns its output, without colours and progress."""
    command = ["-m", "spacy", *map(str, arguments)]
    environment = {**os.environ, "WASABI_LOG_FRIENDLY": "1"}
    done = subprocess.run(
        [sys.executable, *command], env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise UserError(f"`python {' '.join(command)}` failed:\n{done.stdout}")
    return COLOUR.sub("", done.stdout)


def keep(path: Path, text: str) -> None:
    """Write a file completely or not at all."""
    with replacing(path) as new:
        new.write_text(text, encoding="utf8")
    msg.good(str(path))


if __name__ == "__main__":
    run(pictures)
