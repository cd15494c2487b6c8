"""Train a model of JoeyNMT: `python -m benchmarks.seq2seq.joeynmt FOLDER MODEL TRAIN DEV`.

MODEL is a pipeline of `spacy project run multi30k`, whose subwords JoeyNMT gets, and TRAIN and DEV
are the `.spacy` files that it was trained with. FOLDER becomes what the option `--joeynmt` of
`python -m benchmarks.seq2seq` takes.
"""

import argparse
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from spacy.tokens import DocBin
from spacy.vocab import Vocab

from ..speed.rows import peers_python
from .pipelines import load

CONFIG = Path(__file__).with_suffix(".yaml")


def main() -> None:
    """Write what JoeyNMT reads, and train it in the environment of `make peers`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("folder", "model", "train", "dev"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    python = Path(peers_python()).absolute()
    prepare(options.folder, options.model, {"train": options.train, "dev": options.dev})
    command = [str(python), "-m", "joeynmt", "train", "--skip-test", CONFIG.name]
    subprocess.run(command, cwd=options.folder, check=True)


def prepare(folder: Path, model: Path, corpora: dict[str, Path]) -> None:
    """Write subwords, the texts of each corpus, and the config to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    _, component = load(model)
    subwords: Any = component.vocabulary.kind
    (folder / "subwords.model").write_bytes(subwords.model)
    for corpus, path in corpora.items():
        docs = list(DocBin().from_disk(path).get_docs(Vocab()))
        write_lines(folder / f"{corpus}.source", [doc.text for doc in docs])
        write_lines(folder / f"{corpus}.target", [doc._.get(component.output) for doc in docs])
    shutil.copy(CONFIG, folder)


def write_lines(path: Path, texts: Iterable[str]) -> None:
    """Write a text to each line, with simple spaces in it."""
    path.write_text("".join(f"{' '.join(text.split())}\n" for text in texts), encoding="utf8")


if __name__ == "__main__":
    main()
