"""spaCy's command line on a pipeline of ours, with the invented sentences."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from spacy.cli._util import app
from spacy.tokens import DocBin
from spacy.util import registry
from spacy.vocab import Vocab
from thinc.api import Config
from typer.testing import CliRunner

from ..conftest import gold_docs, tok2vec_config
from ..lm.models import trained_lm

# A listener that states its own width, as configs usually do
LISTENER = {
    "@architectures": "spacy.Tok2VecListener.v1",
    "width": "${components.tok2vec.model.encode.width}",
}
# What a user writes; `init fill-config` adds the rest.
PARTIAL_CONFIG: dict[str, Any] = {
    "paths": {"train": None, "dev": None, "init_tok2vec": None, "raw_text": None},
    "nlp": {"lang": "en", "pipeline": ["tok2vec", "seqrnn_ner", "textcat"]},
    "components": {
        "tok2vec": {"factory": "tok2vec", "model": tok2vec_config("gru")},
        "seqrnn_ner": {
            "factory": "seqrnn_ner",
            "spans_key": "found",
            "model": {"@architectures": "spacy-seqrnn.NER.v1", "tok2vec": LISTENER},
        },
        "textcat": {
            "factory": "textcat",
            "model": {
                "@architectures": "spacy-seqrnn.TextCat.v1",
                "exclusive_classes": True,
                "tok2vec": LISTENER,
            },
        },
    },
    "corpora": {
        "train": {"@readers": "spacy.Corpus.v1", "path": "${paths.train}"},
        "dev": {"@readers": "spacy.Corpus.v1", "path": "${paths.dev}"},
    },
    "training": {
        "patience": 0,
        "max_steps": 60,
        "eval_frequency": 30,
        "accumulate_gradient": 2,
        "optimizer": {"@optimizers": "Adam.v1", "learn_rate": 0.02, "use_averages": True},
        "batcher": {"@batchers": "spacy.batch_by_sequence.v1", "size": 6},
        "logger": {"@loggers": "spacy-seqrnn.TrainingLog.v1"},
    },
}


def invoke(*arguments: object) -> Any:
    """Run one of spaCy's commands in this process."""
    registry.cli.get_all()  # as `python -m spacy` does it
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def succeed(*arguments: object) -> str:
    """Run one of spaCy's commands in this process. Returns what it printed."""
    result = invoke(*arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return str(result.output)


def fails(*arguments: object) -> str:
    """Run a command that should fail, and return what it prints as one line."""
    result = invoke(*arguments)
    assert result.exit_code == 1, result.output
    return " ".join(result.output.split())


def run(*arguments: str | Path, **options: Any) -> str:
    """Run one of spaCy's commands as a user does. Returns what it printed."""
    command = [sys.executable, "-m", "spacy", *map(str, arguments)]
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options
    )
    assert result.returncode == 0, result.stdout
    return str(result.stdout)


@pytest.fixture(scope="session")
def language_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small language model in a folder."""
    folder = tmp_path_factory.mktemp("lm")
    trained_lm(steps=30).to_disk(folder)
    return folder


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sentences with their annotation."""
    path = tmp_path_factory.mktemp("corpus") / "train.spacy"
    DocBin(docs=gold_docs(Vocab())).to_disk(path)
    return path


@pytest.fixture(scope="session")
def partial_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A config of a pipeline in which our components listen to a shared `tok2vec`."""
    path = tmp_path_factory.mktemp("config") / "partial.cfg"
    Config(PARTIAL_CONFIG).to_disk(path)
    return path


@pytest.fixture(scope="session")
def config(partial_config: Path, corpus: Path) -> Path:
    """The same with every default written out and with the paths of the corpus."""
    path = partial_config.with_name("filled.cfg")
    succeed("init", "fill-config", partial_config, path)
    filled = Config().from_disk(path, interpolate=False)
    filled["paths"].update(train=str(corpus), dev=str(corpus))
    filled.to_disk(path)
    return path


@pytest.fixture(scope="session")
def trained(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of `spacy train`."""
    folder = tmp_path_factory.mktemp("training")
    run("train", config, "--output", folder)
    return folder / "model-best"
