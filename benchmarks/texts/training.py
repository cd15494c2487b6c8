"""Train one side on one corpus, and score every checkpoint that is the best so far."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.training import Corpus, Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import create_train_batches, train_while_improving
from spacy.util import load_config, registry, resolve_dot_names
from thinc.api import Config, fix_random_seed

from spacy_seqrnn.cli.init_config import init_config
from spacy_seqrnn.cli.plan import make_plan
from spacy_seqrnn.report.scores import macro_f1 as macro_f1_of_counts
from spacy_seqrnn.textcat.calibration import best_threshold

from ..accuracy.corpora import CONFIGS, VECTORS
from .corpora import CORPORA, TextCorpus, part_of

OURS = ["accuracy", "efficiency"]
ENSEMBLE = "ensemble"  # of two models of the accuracy recipe
SPACY = {
    "spaCy bag of words": "spacy.TextCatBOW.v3",
    "spaCy CNN": "spacy.TextCatCNN.v2",
    "spaCy ensemble": "spacy.TextCatEnsemble.v2",
}
SIDES = [*OURS, *SPACY]
# CPU time of training where spaCy's patience is longer: several times what our side takes
MOST_SECONDS = {"small": 60.0, "full": 150.0}
BATCH = 256  # texts scored at a time


@dataclass(frozen=True)
class Part:
    """A part of a corpus: examples and annotation, 1 or 0, of shape (n_texts, n_labels)."""

    examples: list[Example]
    truth: np.ndarray


class Clock:
    """CPU seconds of this process, without those in `stopped`."""

    def __init__(self) -> None:
        self.start = time.process_time()

    def seconds(self) -> float:
        """The seconds since the start that counted."""
        return round(time.process_time() - self.start, 1)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Not counting what happens inside."""
        since = time.process_time()
        try:
            yield
        finally:
            self.start += time.process_time() - since


def train(name: str, size: str, side: str, seed: int) -> dict[str, Any]:
    """Train as the side's config says; spaCy's sides at most for `MOST_SECONDS`.

    Returns CPU `seconds` of all training, and the `checkpoints`: each is better on development data
    than all before it, with the seconds until then and its scores in percent.
    """
    corpus = CORPORA[name]
    config = config_of(name, size, side, seed)
    nlp = init_nlp(config)
    fix_random_seed(seed)  # as `spacy train` does
    parts = {part: read(nlp, part_of(name, size, part)) for part in ("dev", "test")}
    most_seconds = MOST_SECONDS[size] if side in SPACY else math.inf
    clock = Clock()
    checkpoints: list[dict[str, float]] = []

    def evaluate() -> tuple[float, dict[str, float]]:
        with clock.stopped():
            scores = score(nlp, parts, corpus)
        return scores["dev"], scores

    for scores in steps(nlp, evaluate):
        if scores and (not checkpoints or scores["dev"] > checkpoints[-1]["dev"]):
            checkpoints.append({"seconds": clock.seconds(), **scores})
        if clock.seconds() > most_seconds:
            break
    return {"seconds": clock.seconds(), "checkpoints": checkpoints}


def steps(
    nlp: Language, evaluate: Callable[[], tuple[float, dict[str, float]]]
) -> Iterator[dict[str, float] | None]:
    """The updates of spaCy's training loop. Yields scores after an evaluation, else None."""
    config = nlp.config.interpolate()
    training = registry.resolve(config["training"], schema=ConfigSchemaTraining)
    train_corpus, _ = resolve_dot_names(config, [training["train_corpus"], training["dev_corpus"]])
    batches = create_train_batches(nlp, train_corpus, training["batcher"], training["max_epochs"])
    options = ["dropout", "accumulate_gradient", "patience", "max_steps", "eval_frequency"]
    for _, info, _ in train_while_improving(
        nlp,
        training["optimizer"],
        batches,
        evaluate,
        exclude=[],
        annotating_components=[],
        before_update=None,
        **{option: training[option] for option in options},
    ):
        yield info["other_scores"]


def config_of(name: str, size: str, side: str, seed: int) -> Config:
    """Ours as `init-config --train` plans it; spaCy's with its own defaults."""
    corpus = CORPORA[name]
    path = part_of(name, size, "train")
    vectors = VECTORS if corpus.vectors else None
    if side not in SPACY:
        optimize = "accuracy" if side == ENSEMBLE else side
        plan = make_plan(path, "textcat", optimize, vectors)
        config = init_config(
            lang=corpus.lang,
            task=plan.task,
            optimize=optimize,
            vectors=vectors,
            long_texts=plan.long_texts,
            ensemble=side == ENSEMBLE,
            plan=plan,
        )
    else:
        config = load_config(CONFIGS / "spacy_textcat.cfg")
        config["nlp"]["lang"] = corpus.lang
        config["paths"]["vectors"] = vectors
        _choose_model(config, SPACY[side], corpus)
    config["paths"].update({"train": str(path), "dev": str(part_of(name, size, "dev"))})
    config["system"]["seed"] = seed
    return Config(config)


def _choose_model(config: Config, architecture: str, corpus: TextCorpus) -> None:
    """Make the component and its model spaCy's `architecture`, with what that needs."""
    component = config["components"].pop("textcat")
    ensemble = component["model"]
    ensemble["tok2vec"]["embed"]["include_static_vectors"] = corpus.vectors
    linear, tok2vec = ensemble["linear_model"], ensemble["tok2vec"]
    linear["exclusive_classes"] = corpus.exclusive
    # The width is a reference to a place that moves.
    tok2vec["encode"]["width"] = tok2vec["embed"]["width"]
    if architecture == linear["@architectures"]:
        component["model"] = linear
    elif architecture != ensemble["@architectures"]:
        component["model"] = {
            "@architectures": architecture,
            "exclusive_classes": corpus.exclusive,
            "tok2vec": tok2vec,
        }
    name = "textcat" if corpus.exclusive else "textcat_multilabel"
    config["components"][name] = {**component, "factory": name}
    config["nlp"]["pipeline"] = [name]


def read(nlp: Language, path: Path) -> Part:
    """Read a part of a corpus."""
    examples = list(Corpus(path)(nlp))
    (name,) = nlp.pipe_names
    labels = nlp.get_pipe(name).labels  # type: ignore[attr-defined]
    return Part(examples, np.array([[eg.y.cats[label] for label in labels] for eg in examples]))


def score(nlp: Language, parts: dict[str, Part], corpus: TextCorpus) -> dict[str, float]:
    """The metric of the corpus on each part, in percent.

    With several labels, each has the threshold that is best on development data.
    """
    predicted = {part: predict(nlp, of_part.examples) for part, of_part in parts.items()}
    if corpus.exclusive:
        return {part: accuracy(predicted[part], parts[part].truth) for part in parts}
    thresholds = [
        best_threshold(*column)
        for column in zip(predicted["dev"].T, parts["dev"].truth.T, strict=True)
    ]
    cuts = np.array([1.1 if cut is None else cut for cut in thresholds])  # none: never
    return {part: macro_f1(predicted[part] >= cuts, parts[part].truth) for part in parts}


def predict(nlp: Language, examples: list[Example]) -> np.ndarray:
    """The probability of each category. Shape (n_texts, n_labels)."""
    ((_, pipe),) = nlp.pipeline
    docs = [example.x for example in examples]
    batches = [docs[start : start + BATCH] for start in range(0, len(docs), BATCH)]
    return np.concatenate([pipe.predict(batch) for batch in batches])  # type: ignore[attr-defined]


def accuracy(predicted: np.ndarray, truth: np.ndarray) -> float:
    """The share of texts whose most probable category is right, in percent."""
    return 100 * float((predicted.argmax(axis=1) == truth.argmax(axis=1)).mean())


def macro_f1(chosen: np.ndarray, truth: np.ndarray) -> float:
    """The mean of the labels' F1, in percent. Both of shape (n_texts, n_labels)."""
    counts = [(chosen * truth).sum(axis=0), chosen.sum(axis=0), truth.sum(axis=0)]
    return 100 * float(macro_f1_of_counts(np.stack(counts, axis=-1)))
