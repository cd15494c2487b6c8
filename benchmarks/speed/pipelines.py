"""The pipelines and the documents that are timed.

Speed depends little on how well a pipeline is trained, so each is only trained for a few hundred
steps, with its own recipe.
"""

from collections.abc import Callable
from pathlib import Path

import srsly
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from ..accuracy.corpora import (
    CONFIGS,
    CORPORA,
    OURS,
    SPACY,
    prepare,
    train_on,
    training_command,
)
from ..accuracy.training import keep_lower_case, run_training

FOLDER = Path("training/speed")
STEPS = 300
NER, TEXTCAT = "conll2003", "rt-polarity"
EFFICIENCY = {task: Path(f"configs/{task}_efficiency.cfg") for task in ("ner", "textcat")}

# Name of a pipeline: its corpus, and the command that trains it to a folder
PIPELINES: dict[str, tuple[str, Callable[[Path], list[str]]]] = {
    "ner-accuracy": (NER, lambda path: training_command(NER, OURS, 0, path)),
    "ner-efficiency": (
        NER,
        lambda path: train_on(NER, Path("configs/ner_efficiency.cfg"), 0, path),
    ),
    "ner-spacy": (NER, lambda path: training_command(NER, SPACY, 0, path)),
    "textcat-accuracy": (TEXTCAT, lambda path: training_command(TEXTCAT, OURS, 0, path)),
    "textcat-efficiency": (
        TEXTCAT,
        lambda path: train_on(TEXTCAT, EFFICIENCY["textcat"], 0, path),
    ),
    "textcat-spacy": (TEXTCAT, lambda path: training_command(TEXTCAT, SPACY, 0, path)),
}
# What to train for the training benchmark
CONFIG_OF = {
    "ner-accuracy": Path("configs/ner_accuracy.cfg"),
    "ner-efficiency": EFFICIENCY["ner"],
    "ner-spacy": CONFIGS / "spacy_ner.cfg",
    "textcat-accuracy": Path("configs/textcat_accuracy.cfg"),
    "textcat-efficiency": EFFICIENCY["textcat"],
    "textcat-spacy": CONFIGS / "spacy_textcat.cfg",
}


def pipeline(name: str) -> Path:
    """A pipeline by name, trained when it is first requested."""
    corpus, command = PIPELINES[name]
    path = FOLDER / name
    if not (path / "model-last").exists():
        prepare(corpus)
        limits = ["--training.max_steps", str(STEPS), "--training.eval_frequency", str(STEPS)]
        run_training([*command(path), *limits], path)
        if name.endswith("spacy") and CORPORA[corpus].vectors:
            keep_lower_case(path / "model-last")
    return path / "model-last"


def documents(corpus: str) -> Path:
    """The tokens and texts of a corpus's development data, as JSON that every side can read."""
    path = FOLDER / f"{corpus}.json"
    if not path.exists():
        prepare(corpus)
        docs = DocBin().from_disk(f"corpus/{corpus}/dev.spacy").get_docs(Vocab())
        texts = [[token.text for token in doc] for doc in docs]
        path.parent.mkdir(parents=True, exist_ok=True)
        srsly.write_json(path, [{"words": words, "text": " ".join(words)} for words in texts])
    return path
