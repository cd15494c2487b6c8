"""The lemmatizers that are compared: each is trained when it is first needed."""

import subprocess
import sys
from pathlib import Path

from ..accuracy.training import run_training
from ..project import run_project
from ..speed.rows import peers_python
from .treebank import CORPUS

FOLDER = Path("training/lemmas")
OURS, SPACY, STANZA = "ours", "spaCy", "Stanza"
RETAGGED = "Stanza, predicted tags"
# Of Stanza, which keeps the best by development data. Its own default is 60, which take many hours.
EPOCHS = 5


def prepare() -> None:
    """Fetch and convert the treebank with the project's commands."""
    for step in ("fetch", "verify", "convert"):
        run_project(f"{step}-ewt-lemmas")


def ours() -> Path:
    """The pipeline of the workflow."""
    path = Path("training/ewt-lemmas/model-best")
    if not path.exists():
        run_project("train-ewt-lemmas")
    return path


def spacy() -> Path:
    """Tagger and edit trees over a shared encoder, as `spacy init config` makes them."""
    output = FOLDER / "spacy"
    if not (output / "model-best").exists():
        config = FOLDER / "spacy.cfg"
        FOLDER.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "spacy"]
        pipes = "tagger,trainable_lemmatizer"
        make = ["init", "config", str(config), "--pipeline", pipes, "--lang", "en", "--force"]
        subprocess.run([*command, *make], check=True)
        paths = [f"--paths.{part}={CORPUS / part}.spacy" for part in ("train", "dev")]
        run_training([*command, "train", str(config), f"--output={output}", *paths], output)
    return output / "model-best"


def stanza() -> Path:
    """Stanza's lemmatizer with its own defaults, except for a language model of characters."""
    output = FOLDER / "stanza"
    if not (output / "model.pt").exists():
        command = [peers_python(), "-m", "stanza.models.lemmatizer", "--num_epoch", str(EPOCHS)]
        command += ["--train_file", f"{CORPUS}/train.conllu", "--eval_file", f"{CORPUS}/dev.conllu"]
        command += ["--shorthand", "en_ewt", "--save_dir", str(output), "--save_name", "model.pt"]
        run_training([*command, "--cpu"], output)
    return output / "model.pt"
