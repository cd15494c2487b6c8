"""How time and memory grow with the length of a document: `python -m benchmarks.speed.growth`.

Each length is measured in its own process: in prediction, alone and in a batch with 999 documents
of ten tokens, and in one training step. Memory is the peak above what pipeline and documents use
before. The results are drawn in the page's picture.
"""

import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import spacy
import srsly
import torch
from spacy.tokens import Doc
from spacy.training import Example
from wasabi import msg

from ..memory import MEGABYTE, memory, reset_peak
from .pipelines import NER, documents, pipeline
from .results import keep

LENGTHS = [10, 100, 1_000, 10_000, 100_000, 1_000_000]
SHORT_DOCS, SHORT_TOKENS = 999, 10
# What is done with a document, and how many short ones are added to it
WAYS = {"alone": 0, f"among {SHORT_DOCS} short": SHORT_DOCS, "training step": 0}
STYLES = ["o-", "s--", "^:"]
PICTURE = Path("docs/growth.svg")


def main() -> None:
    """Measure all lengths, save the results and draw them."""
    os.environ["OMP_NUM_THREADS"] = "1"
    rows = []
    for length in LENGTHS:
        for way in WAYS:
            rows.append(_in_new_process("ner-accuracy", length, way))
            msg.text(srsly.json_dumps(rows[-1]))
    keep("growth", {"rows": rows})
    draw(rows)


def _in_new_process(name: str, length: int, way: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.speed.growth"]
    command += map(str, (pipeline(name), documents(NER), length, way))
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def measure(model: str, docs: str, length: int, way: str) -> dict[str, Any]:
    """Seconds and megabytes for one long document."""
    torch.set_num_threads(1)
    nlp = spacy.load(model)
    words = [word for text in srsly.read_json(docs) for word in text["words"]]
    long = Doc(nlp.vocab, words=(words * (length // len(words) + 1))[:length])
    n_short = WAYS[way]
    short = [Doc(nlp.vocab, words=words[i : i + SHORT_TOKENS]) for i in range(n_short)]
    batch = [*short[: n_short // 2], long, *short[n_short // 2 :]]
    nlp("Warm up first.")
    if way == "training step":
        long.set_ents([], default="outside")
        examples = [Example(long.copy(), long)]
        run = partial(nlp.update, examples, sgd=nlp.resume_training())
    else:
        run = partial(list, nlp.pipe(batch, batch_size=2000))
    before = reset_peak()
    start = time.perf_counter()
    run()
    return {
        "tokens": length,
        "way": way,
        "seconds": round(time.perf_counter() - start, 4),
        "megabytes": round((memory("VmHWM") - before) / MEGABYTE),
    }


def draw(rows: list[dict[str, Any]]) -> None:
    """Two panels: seconds and megabytes by tokens, both axes logarithmic."""
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for panel, field, label in zip(
        panels, ("seconds", "megabytes"), ("seconds", "MB beyond the documents"), strict=True
    ):
        for way, style in zip(WAYS, STYLES, strict=True):
            own = [row for row in rows if row["way"] == way]
            values = [max(row[field], 1e-3 if field == "seconds" else 1) for row in own]
            panel.plot([row["tokens"] for row in own], values, style, label=way)
        panel.set(xscale="log", yscale="log", xlabel="tokens of the long document", ylabel=label)
        panel.grid(alpha=0.3)
        panel.legend()
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, metadata={"Date": None})


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])))
    else:
        main()
