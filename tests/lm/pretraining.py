"""Pretraining as `spacy pretrain` does it, step by step."""

from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.schemas import ConfigSchemaPretrain
from spacy.training.pretrain import create_pretraining_model, make_update
from spacy.util import load_model_from_config, registry
from thinc.api import Adam, Config, fix_random_seed

from ..small import small_tok2vec
from .models import TEXTS

PRETRAINING = """
[corpora]

[corpora.pretrain]
@readers = "spacy.JsonlCorpus.v1"
min_length = 0

[pretraining]
component = "tok2vec"
layer = ""
dropout = 0.0

[pretraining.objective]
@architectures = "spacy-seqrnn.PretrainLM.v1"
corpus = ${corpora.pretrain}
min_count = 1
cutoffs = [5, 9]
"""


def config_of(texts: Path, tok2vec: dict[str, Any], **objective: Any) -> Config:
    """Of a pipeline and its pretraining, with every default written out."""
    config = Config().from_str(PRETRAINING, interpolate=False)
    config["corpora"]["pretrain"]["path"] = str(texts)
    config["pretraining"]["objective"].update(objective)
    config["nlp"] = {"lang": "en", "pipeline": ["tok2vec"]}
    config["components"] = {"tok2vec": {"factory": "tok2vec", "model": tok2vec}}
    defaults = spacy.util.load_config(spacy.language.DEFAULT_CONFIG_PRETRAIN_PATH)
    return defaults.merge(config)


def objective(texts: Path, tok2vec: dict[str, Any] | None = None, **options: Any) -> Any:
    """What `spacy pretrain` creates, for a `tok2vec` of its own component."""
    config = config_of(texts, tok2vec or small_tok2vec(dropout=0.0), **options)
    return objective_in(load_model_from_config(config, auto_fill=True))


def objective_in(nlp: Language) -> Any:
    """What `spacy pretrain` creates, for the config of a pipeline."""
    fix_random_seed(0)
    pretraining = nlp.config.interpolate()["pretraining"]
    return create_pretraining_model(nlp, registry.resolve(pretraining, schema=ConfigSchemaPretrain))


def pretrained(config: Config, steps: int = 5) -> Any:
    """The `tok2vec` that `spacy pretrain` has trained and writes to a file."""
    nlp = load_model_from_config(config, auto_fill=True)
    model = objective_in(nlp)
    batch = [nlp.make_doc(text) for text in TEXTS]
    optimizer = Adam(0.01)
    for _ in range(steps):
        make_update(model, batch, optimizer, model.attrs["loss"])
    return model.get_ref("tok2vec")
