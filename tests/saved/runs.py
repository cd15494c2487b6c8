"""Small training runs with all that a resumed run has to continue."""

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import srsly
from spacy.cli.init_config import fill_config
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.training import Example, loop
from spacy.util import registry
from spacy.vocab import Vocab
from thinc.api import Config, fix_random_seed

from spacy_seqrnn.cli.train import train
from spacy_seqrnn.report.log import FILE

from ..cli.conftest import PARTIAL_CONFIG
from ..conftest import CLAUSES, LISTENER, gold_docs, tok2vec_config
from ..killing import run_and_kill
from ..lm.models import small_lm
from ..trust.folders import files

STEPS = 13
CHANCE = 5  # what generators begin with where the config has no seed
BASE: dict[str, Any] = {
    "nlp": {"lang": "xx"},
    "corpora": {
        name: {"@readers": "spacy.Corpus.v1", "path": f"${{paths.{name}}}"}
        for name in ("train", "dev")
    },
    "training": {
        "max_steps": STEPS,
        "eval_frequency": 3,
        "patience": 0,
        "dropout": 0.2,
        "optimizer": {"@optimizers": "Adam.v1", "learn_rate": 0.01},
        "batcher": {"@batchers": "spacy.batch_by_sequence.v1", "size": 2},
        "logger": {"@loggers": "spacy-seqrnn.TrainingLog.v1"},
    },
}
OWN = tok2vec_config("gru")
PIPES: dict[str, dict[str, Any]] = {
    "tok2vec": {"factory": "tok2vec", "model": tok2vec_config("lstm")},
    "seqrnn_ner": {
        "factory": "seqrnn_ner",
        "model": {"@architectures": "spacy-seqrnn.NER.v1", "tok2vec": LISTENER},
    },
    "textcat": PARTIAL_CONFIG["components"]["textcat"],
    "tagger": {
        "factory": "tagger",
        "model": {"@architectures": "spacy.Tagger.v2", "tok2vec": OWN},
    },
    "ner": {
        "factory": "ner",
        "model": {
            "@architectures": "spacy.TransitionBasedParser.v2",
            "state_type": "ner",
            "extra_state_tokens": False,
            "hidden_width": 16,
            "maxout_pieces": 2,
            "use_upper": True,
            "tok2vec": OWN,
        },
    },
    "seqrnn_lm": {"factory": "seqrnn_lm", "model": small_lm(), "min_count": 1},
}
LOWER = {"@augmenters": "spacy.lower_case.v1", "level": 0.5}
# What a run consists of: components, and settings that differ from BASE
RUNS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "shared": (
        ["tok2vec", "seqrnn_ner", "textcat"],
        {
            "corpora.train.augmenter": LOWER,
            "training.accumulate_gradient": 2,
            "training.batcher.size": {
                "@schedules": "compounding.v1",
                "start": 2,
                "stop": 4,
                "compound": 1.1,
            },
            "training.optimizer.learn_rate": {
                "@schedules": "warmup_linear.v1",
                "initial_rate": 0.02,
                "warmup_steps": 4,
                "total_steps": 20,
            },
            "training.before_update": {"@callbacks": "tests.Shrink.v1", "after": 4},
        },
    ),
    "streamed": (
        ["ner", "tagger"],
        {
            "corpora.train.augmenter": LOWER,
            "training.max_epochs": -1,
            "training.optimizer.@optimizers": "RAdam.v1",
            "training.optimizer.use_averages": False,
        },
    ),
    "noisy": (
        ["seqrnn_ner", "tagger"],
        {
            "corpora.train": {"@readers": "tests.Noisy.v1", "path": "${paths.train}"},
            "training.max_epochs": -1,
            "components.seqrnn_ner.model.tok2vec": OWN,
        },
    ),
    "epochs": (["tagger"], {"training.max_epochs": 4, "training.seed": None}),
    "lm": (
        ["seqrnn_lm"],
        {
            "corpora.train": {"@readers": "spacy-seqrnn.Texts.v1", "path": "${paths.texts}"},
            "training.max_epochs": -1,
            "training.optimizer": {"@optimizers": "SGD.v1", "learn_rate": 0.1},
        },
    ),
}


def make_shrink(after: int) -> Any:
    """After so many calls, which are counted nowhere else, weights are made smaller each time."""
    calls = 0

    def shrink(nlp: Language, at: dict[str, Any]) -> None:
        nonlocal calls
        assert at["step"] == calls
        calls += 1
        component: Any = nlp.get_pipe("tok2vec")
        for node in component.model.walk() if calls > after else ():
            for name in filter(node.has_param, node.param_names):
                node.set_param(name, node.get_param(name) * 0.9)

    return shrink


def make_noisy(path: Path) -> Any:
    """Examples that are changed with the generator that dropout draws from too."""

    def read(nlp: Language) -> Iterator[Example]:
        for gold in DocBin().from_disk(path).get_docs(nlp.vocab):
            if np.random.random() < 0.7:
                yield Example(nlp.make_doc(gold.text), gold)

    return read


registry.callbacks.register("tests.Shrink.v1", func=make_shrink)
registry.readers.register("tests.Noisy.v1", func=make_noisy)


def make_config(name: str, folder: Path, **settings: Any) -> Path:
    """The config of a run, with its corpora, in a folder.

    settings: others than those of `RUNS`.
    """
    pipes, changes = RUNS[name]
    DocBin(docs=gold_docs(Vocab())).to_disk(folder / "corpus.spacy")
    (folder / "texts.txt").write_text("\n".join(" ".join(clause) for clause in CLAUSES) + "\n")
    config = Config(BASE).copy()
    config["nlp"]["pipeline"] = pipes
    config["components"] = {pipe: PIPES[pipe] for pipe in pipes}
    config["paths"] = {split: str(folder / "corpus.spacy") for split in ("train", "dev")}
    config["paths"]["texts"] = str(folder / "texts.txt")
    config = config.copy()
    for key, value in {**changes, **settings}.items():
        change(config, key, value)
    config.to_disk(folder / "partial.cfg")
    fill_config(folder / "config.cfg", folder / "partial.cfg")
    return folder / "config.cfg"


def change(config: Any, key: str, value: Any) -> None:
    """Set an option of a config by its name with dots."""
    *sections, last = key.split(".")
    for section in sections:
        config = config.setdefault(section, {})
    config[last] = value


def train_and_die(config: Path, output: Path, step: int, **options: Any) -> None:
    """Train in another process, which is killed when it begins a step."""
    assert run_and_kill(partial(_train_and_die, config, output, step, **options))


def _train_and_die(config: Path, output: Path, step: int, **options: Any) -> None:
    at_step(step, partial(os.kill, os.getpid(), signal.SIGKILL))
    fix_random_seed(CHANCE)  # Python gives a forked process other numbers
    train(config, output, **options)


def at_step(step: int, act: Callable[[], None]) -> None:
    """Let spaCy's loop do something when it begins a step."""
    subdivide: Any = vars(loop)["subdivide_batch"]
    steps = count()

    def subdivide_or_act(*arguments: Any) -> Any:
        if next(steps) == step:
            act()
        return subdivide(*arguments)

    vars(loop)["subdivide_batch"] = subdivide_or_act


def contents(output: Path) -> dict[str, Any]:
    """All that a run has left in its folder, except times."""
    table = list(srsly.read_jsonl(output / FILE))
    for line in table:
        del line["seconds"], line["scores"]["speed"]
    return {
        **{name: files(output / name) for name in ("model-best", "model-last")},
        "table": table,
        "names": sorted(path.name for path in output.iterdir()),
    }
