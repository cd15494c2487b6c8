"""`spacy pretrain` of our embeddings and encoder, and `spacy train` on top of its result."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import srsly
from thinc.api import Config, Model

from spacy_seqrnn.types import FloatsXd

from ..conftest import CLAUSES, tok2vec_config
from .conftest import PARTIAL_CONFIG, succeed

# The component and the layer in it that is trained
SHARED = {"component": "tok2vec", "layer": ""}
OWN = {"component": "seqrnn_ner", "layer": "tok2vec"}
OBJECTIVES: dict[str, dict[str, Any]] = {
    "characters": {
        "@architectures": "spacy.PretrainCharacters.v1",
        "maxout_pieces": 2,
        "hidden_size": 16,
        "n_characters": 2,
    },
    "language model": {
        "@architectures": "spacy-seqrnn.PretrainLM.v1",
        "corpus": "${corpora.pretrain}",
    },
}
# Training that changes nothing; averages would begin at zero.
STANDING_STILL = [
    *("--training.max_steps", "1"),
    *("--training.optimizer.learn_rate", "0.0"),
    *("--training.optimizer.use_averages", "false"),
]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Raw texts, some of them too short to be used."""
    path = tmp_path / "texts.jsonl"
    lines = [{"text": " ".join(clause) + " ."} for clause in CLAUSES] * 5
    srsly.write_jsonl(path, [*lines, {"text": ""}, {"text": "Oslo"}])
    return path


def _config(
    pretraining: dict[str, Any], objective: dict[str, Any], corpus: Path, texts: Path
) -> Config:
    config = Config(PARTIAL_CONFIG).copy()
    config["paths"].update(train=str(corpus), dev=str(corpus), raw_text=str(texts))
    config["corpora"]["pretrain"] = {"@readers": "spacy.JsonlCorpus.v1", "path": str(texts)}
    config["pretraining"] = {
        **pretraining,
        "max_epochs": 3,
        "objective": objective,
    }
    config["initialize"] = {"init_tok2vec": "${paths.init_tok2vec}"}
    if pretraining["component"] == "seqrnn_ner":
        config["nlp"]["pipeline"] = ["seqrnn_ner"]
        config["components"] = {"seqrnn_ner": config["components"]["seqrnn_ner"]}
        config["components"]["seqrnn_ner"]["model"]["tok2vec"] = tok2vec_config("rnn")
    return config


def _params(model: Model[Any, Any]) -> list[FloatsXd]:
    return [node.get_param(name) for node in model.walk() for name in node.param_names]


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("pretraining", [SHARED, OWN], ids=["shared", "own"])
def test_training_starts_from_what_was_pretrained(
    pretraining: dict[str, str], objective: str, corpus: Path, texts: Path, tmp_path: Path
) -> None:
    partial, filled = tmp_path / "partial.cfg", tmp_path / "filled.cfg"
    _config(pretraining, OBJECTIVES[objective], corpus, texts).to_disk(partial)
    succeed("init", "fill-config", partial, filled, "--pretraining")
    succeed("pretrain", filled, tmp_path / "pretrained")
    losses = [line["epoch_loss"] for line in srsly.read_jsonl(tmp_path / "pretrained/log.jsonl")]
    assert losses[2] < losses[0]
    weights = tmp_path / "pretrained" / "model2.bin"
    start = ["--paths.init_tok2vec", weights, "--output", tmp_path]
    succeed("train", filled, *start, *STANDING_STILL)
    pipe: Any = spacy.load(tmp_path / "model-last").get_pipe(pretraining["component"])
    trained = pipe.model.get_ref(pretraining["layer"]) if pretraining["layer"] else pipe.model
    pretrained = trained.copy().from_bytes(weights.read_bytes())
    for after, before in zip(_params(trained), _params(pretrained), strict=True):
        assert np.allclose(after, before, rtol=0, atol=1e-6)
    succeed("train", filled, *start)
    performance = spacy.load(tmp_path / "model-best").meta["performance"]
    assert performance["ents_f"] == 1.0
