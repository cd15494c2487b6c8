"""How time and memory grow with the length of a document: `python -m benchmarks.speed.growth`.

Each length is measured in a process of its own, alone and in a batch with 999 documents of ten
tokens. Memory is the peak beyond what pipeline and documents take before. It draws the page's
picture from what it measured.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import spacy
import srsly
import torch
from spacy.tokens import Doc
from wasabi import msg

from .pipelines import NER, documents, pipeline
from .results import keep

LENGTHS = [10, 100, 1_000, 10_000, 100_000, 1_000_000]
SHORT_DOCS, SHORT_TOKENS = 999, 10
PICTURE = Path("docs/growth.svg")
MEGABYTE = 1e6


def main() -> None:
    """Measure all lengths, keep the result and draw it."""
    os.environ["OMP_NUM_THREADS"] = "1"
    rows = []
    for length in LENGTHS:
        for n_short in (0, SHORT_DOCS):
            rows.append(_in_new_process("ner-accuracy", length, n_short))
            msg.text(srsly.json_dumps(rows[-1]))
    keep("growth", {"rows": rows})
    draw(rows)


def _in_new_process(name: str, length: int, n_short: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.speed.growth"]
    command += map(str, (pipeline(name), documents(NER), length, n_short))
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(result.stdout.splitlines()[-1])


def measure(model: str, docs: str, length: int, n_short: int) -> dict[str, Any]:
    """Seconds and megabytes for one long document, in a batch with some short ones."""
    torch.set_num_threads(1)
    nlp = spacy.load(model)
    words = [word for text in srsly.read_json(docs) for word in text["words"]]
    long = Doc(nlp.vocab, words=(words * (length // len(words) + 1))[:length])
    short = [Doc(nlp.vocab, words=words[i : i + SHORT_TOKENS]) for i in range(n_short)]
    nlp("Warm up first.")
    before = _reset_peak()
    start = time.perf_counter()
    for _ in nlp.pipe([*short[: n_short // 2], long, *short[n_short // 2 :]], batch_size=2000):
        pass
    return {
        "tokens": length,
        "short_docs": n_short,
        "seconds": round(time.perf_counter() - start, 4),
        "megabytes": round((memory("VmHWM") - before) / MEGABYTE),
    }


def _reset_peak() -> float:
    """Forget the peak of memory so far. Returns the bytes in use now. Linux only."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory("VmRSS")


def memory(field: str) -> float:
    """Bytes in use (VmRSS) or the most so far (VmHWM). Linux only."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(field)]
    return int(line.split()[1]) * 1024


def draw(rows: list[dict[str, Any]]) -> None:
    """Two panels: seconds and megabytes against tokens, both axes logarithmic."""
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for panel, field, label in zip(
        panels, ("seconds", "megabytes"), ("seconds", "MB beyond the documents"), strict=True
    ):
        for n_short, name, marker in ((0, "alone", "o-"), (SHORT_DOCS, "among 999 short", "s--")):
            own = [row for row in rows if row["short_docs"] == n_short]
            values = [max(row[field], 1e-3 if field == "seconds" else 1) for row in own]
            panel.plot([row["tokens"] for row in own], values, marker, label=name)
        panel.set(xscale="log", yscale="log", xlabel="tokens of the long document", ylabel=label)
        panel.grid(alpha=0.3)
        panel.legend()
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, metadata={"Date": None})


if __name__ == "__main__":
    if len(sys.argv) > 1:
        result = measure(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
        print(json.dumps(result))
    else:
        main()
