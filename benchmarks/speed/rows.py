"""What is compared with what. Each row is one command: `python -m benchmarks.speed ROW`."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..accuracy.corpora import vectors_of
from .pipelines import CONFIG_OF, NER, PIPELINES, TEXTCAT, documents, pipeline

PEERS_PYTHON = Path(".venv-peers/bin/python")
WORKERS = "benchmarks.speed.workers"
Command = Callable[[], list[str]]


@dataclass(frozen=True)
class Row:
    """One comparison.

    title: what the table calls it.
    ours: the sides of this package, each compared with all others.
    others: what it is compared with, by the name that `--against` takes.
    """

    title: str
    ours: dict[str, Command]
    others: dict[str, Command]


def _pipe(name: str, corpus: str, mode: str) -> Command:
    return lambda: _worker("spacy_pipe", pipeline(name), documents(corpus), mode)


def _worker(module: str, *arguments: object, python: str = sys.executable) -> list[str]:
    return [python, "-m", f"{WORKERS}.{module}", *map(str, arguments)]


def _peer(module: str) -> Command:
    return lambda: _worker(module, documents(NER), python=peers_python())


def peers_python() -> str:
    """The Python of the other libraries. Raises FileNotFoundError if they are not installed."""
    if not PEERS_PYTHON.exists():
        raise FileNotFoundError(
            f"{PEERS_PYTHON} does not exist: `make peers` makes the environment of the others."
        )
    return str(PEERS_PYTHON)


def _updates(name: str) -> Command:
    config = CONFIG_OF[name]
    corpus = PIPELINES[name][0]
    train, vectors = f"corpus/{corpus}/train.spacy", vectors_of(corpus)

    def command() -> list[str]:
        pipeline(name)  # makes corpus and vectors
        return _worker("updates", config, train, vectors, BATCH_WORDS[corpus])

    return command


def _both(task: str, corpus: str, mode: str) -> dict[str, Command]:
    return {
        recipe: _pipe(f"{task}-{recipe}", corpus, mode) for recipe in ("accuracy", "efficiency")
    }


def _against_spacy(title: str, task: str, corpus: str, mode: str) -> Row:
    """Both of our recipes and spaCy's counterpart, doing the same."""
    return Row(title, _both(task, corpus, mode), {"spacy": _pipe(f"{task}-spacy", corpus, mode)})


def _training(title: str, task: str) -> Row:
    """Training steps of both of our recipes and of spaCy's counterpart."""
    ours = {recipe: _updates(f"{task}-{recipe}") for recipe in ("accuracy", "efficiency")}
    return Row(title, ours, {"spacy": _updates(f"{task}-spacy")})


# Words of a training batch, for all sides: the most that our recipes have
BATCH_WORDS = {NER: 500, TEXTCAT: 2000}
# Width, input width and members of the accuracy recipe
KERNEL = (256, 100, 1)
ROWS = {
    "pipe": Row(
        "`nlp.pipe` over tokens, NER, words/s",
        _both("ner", NER, "tokens"),
        {
            "spacy": _pipe("ner-spacy", NER, "tokens"),
            "flair": _peer("flair_tagger"),
            "stanza": _peer("stanza_tagger"),
            "kernel": lambda: _worker("kernel", documents(NER), *KERNEL),
        },
    ),
    "raw": _against_spacy("`nlp.pipe` over raw text, NER, words/s", "ner", NER, "raw"),
    "latency": _against_spacy("`nlp(text)`, NER, one short text", "ner", NER, "latency"),
    "textcat": _against_spacy(
        "`nlp.pipe` over raw text, textcat, words/s", "textcat", TEXTCAT, "raw"
    ),
    "train": _training("`nlp.update`, NER, words/s", "ner"),
    "train-textcat": _training("`nlp.update`, textcat, words/s", "textcat"),
    "crf": Row(
        "CRF loss and gradient",
        {"spacy-seqrnn": lambda: _worker("crf", documents(NER), "spacy-seqrnn")},
        {"pytorch-crf": lambda: _worker("crf", documents(NER), "pytorch-crf")},
    ),
    "processes": Row(
        "`nlp.pipe(n_process=2)`, NER",
        {"two processes": _pipe("ner-accuracy", NER, "processes-2")},
        {
            "one process": _pipe("ner-accuracy", NER, "processes-1"),
            "two processes of an empty pipeline": lambda: _worker(
                "spacy_pipe", "empty", documents(NER), "processes-2"
            ),
        },
    ),
    "info": Row(
        "`spacy info`, with the package",
        {"with": lambda: _worker("info", "with")},
        {"without": lambda: _worker("info", "without")},
    ),
    "load": _against_spacy("`spacy.load`, NER", "ner", NER, "load"),
}
