"""How time and memory grow with the labels of a recogniser: `python -m benchmarks.speed.labels`.

`seqrnn_ner` and spaCy's `ner`, each with its default model, are trained on the same artificial
entities. Time and peak memory for 5,000 tokens are then measured in separate processes, and drawn
in the page's picture.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import srsly
from wasabi import msg

from .results import keep
from .workers.many_labels import SIDES, WAYS

N_LABELS = [4, 16, 66, 200, 400, 1_000]
FOLDER = Path("training/labels")
STYLES = ["o-", "s--", "^:"]
PICTURE = Path("docs/labels.svg")


def main() -> None:
    """Measure all numbers of labels, save the results and draw them."""
    os.environ["OMP_NUM_THREADS"] = "1"
    rows = []
    for n_labels in N_LABELS:
        for side in SIDES:
            _in_new_process(side, n_labels, "train")
            for way in WAYS:
                rows.append(json.loads(_in_new_process(side, n_labels, way).splitlines()[-1]))
                msg.text(srsly.json_dumps(rows[-1]))
    keep("labels", {"rows": rows})
    draw(rows)


def _in_new_process(side: str, n_labels: int, way: str) -> str:
    command = [sys.executable, "-m", "benchmarks.speed.workers.many_labels"]
    command += [side, str(n_labels), way, str(FOLDER)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def draw(rows: list[dict[str, Any]]) -> None:
    """A panel of seconds for each way and one of megabytes, by number of labels, all
    logarithmic."""
    panels = [(way, "seconds") for way in WAYS] + [(next(iter(WAYS)), "megabytes")]
    figure, axes = plt.subplots(1, len(panels), figsize=(13, 3.4), layout="constrained")
    for axis, (way, field) in zip(axes, panels, strict=True):
        for side, style in zip(SIDES, STYLES, strict=True):
            own = [row for row in rows if (row["side"], row["way"]) == (side, way)]
            labels, values = ([row[key] for row in own] for key in ("labels", field))
            axis.plot(labels, values, style, label=side)
        axis.set(xscale="log", yscale="log", xlabel="labels", ylabel=field, title=way)
        axis.grid(alpha=0.3)
    axes[0].legend()
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, metadata={"Date": None})


if __name__ == "__main__":
    main()
