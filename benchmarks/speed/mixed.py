"""What lower precision changes: `python -m benchmarks.speed.mixed [MODEL]`.

Reads a corpus with and without `mixed_precision` and prints how far emissions differ, how many
entities are in one reading only, and both F1 scores. Without MODEL, for both recipes as far as the
speed benchmark trains them. `python -m benchmarks.speed mixed` measures the speed.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import spacy
import torch
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from wasabi import msg

from .pipelines import NER, documents, pipeline
from .results import keep

ENCODER = "spacy-seqrnn.RNNEncoder.v1"


def main() -> None:
    """Print the differences and keep them."""
    torch.set_num_threads(1)
    documents(NER)  # makes the corpus
    recipes = ("ner-accuracy", "ner-efficiency")
    models = [Path(sys.argv[1])] if sys.argv[1:] else [pipeline(name) for name in recipes]
    rows = {str(model): compare(model) for model in models}
    for model, row in rows.items():
        msg.divider(model)
        msg.table(list(row.items()))
    if not sys.argv[1:]:
        keep("mixed_entities", {"rows": rows})


def load_mixed(model: str | Path) -> spacy.Language:
    """Load a pipeline with lower precision in all its encoders."""
    config = spacy.util.load_config(Path(model) / "config.cfg")
    return spacy.load(model, config={f"{path}.mixed_precision": True for path in _encoders(config)})


def _encoders(block: dict[str, Any], path: str = "") -> list[str]:
    """The names of the config's blocks that are encoders of this package."""
    if block.get("@architectures") == ENCODER:
        return [path]
    blocks = {key: value for key, value in block.items() if isinstance(value, dict)}
    return [
        name
        for key, value in blocks.items()
        for name in _encoders(value, f"{path}.{key}".lstrip("."))
    ]


def compare(model: Path) -> dict[str, Any]:
    """Read the development data in both ways."""
    plain, mixed = (_read(nlp) for nlp in (spacy.load(model), load_mixed(model)))
    return {
        "entities": len(plain["entities"]),
        "entities in one reading only": len(plain["entities"] ^ mixed["entities"]),
        "largest difference of emissions": round(
            float(np.abs(plain["emissions"] - mixed["emissions"]).max()), 4
        ),
        "F1": round(plain["f1"], 3),
        "F1, lower precision": round(mixed["f1"], 3),
    }


def _read(nlp: spacy.Language) -> dict[str, Any]:
    """Emissions, entities and F1 in percent."""
    gold = list(DocBin().from_disk(f"corpus/{NER}/dev.spacy").get_docs(nlp.vocab))
    examples = [Example(Doc(nlp.vocab, words=[token.text for token in doc]), doc) for doc in gold]
    f1 = 100 * nlp.evaluate(examples)["ents_f"]
    docs = [example.predicted for example in examples]  # evaluation has worked on copies
    emissions = nlp.get_pipe("seqrnn_ner").model.predict(docs).emissions
    read = enumerate(nlp.pipe(docs))
    entities = {(i, e.start, e.end, e.label) for i, doc in read for e in doc.ents}
    return {"emissions": emissions, "entities": entities, "f1": f1}


if __name__ == "__main__":
    main()
