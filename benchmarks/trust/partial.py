"""What missing annotation costs: `python -m benchmarks.trust.partial --missing 50 80`.

Each entity of the CoNLL-2003 training data loses its annotation with the same probability. Its
tokens are then neither inside nor outside an entity, which spaCy calls missing. It compares

- this project's recipe, which learns from what is annotated only,
- the same recipe if unannotated tokens are outside of entities, as most tools read them,
- spaCy's `ner`.

The result of each training run is saved in benchmarks/trust/results; `--write` writes picture and
table of docs/trust.md from all results.
"""

import argparse
import random
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Any

import matplotlib.pyplot as plt
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab
from wasabi import msg

from ..accuracy.corpora import CONFIGS, prepare, train_on
from ..accuracy.results import environment_line, markdown_table, replace_section, spread
from ..accuracy.scores import score
from ..accuracy.training import keep_lower_case, run_training
from .results import PAGE, keep, kept

CORPUS = "conll2003"
PICTURE = Path("docs/partial.svg")


@dataclass(frozen=True)
class Side:
    """One way to learn from incomplete annotation.

    title: its name in picture and table.
    config: its recipe.
    missing: whether unannotated tokens are unknown; otherwise they are outside of entities.
    """

    title: str
    config: Path
    missing: bool = True


RECIPE = Path("configs/ner_accuracy.cfg")
SIDES = {
    "ours": Side("spacy-seqrnn", RECIPE),
    "outside": Side("spacy-seqrnn, missing read as O", RECIPE, missing=False),
    "spacy": Side("spaCy ner", CONFIGS / "spacy_ner.cfg"),
}


def main() -> None:
    """Train what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--missing", nargs="+", type=int, default=[0, 50, 80], metavar="PERCENT")
    parser.add_argument("--sides", nargs="+", choices=list(SIDES), default=list(SIDES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--write", action="store_true", help="only write the page's table")
    options = parser.parse_args()
    if not options.write:
        prepare(CORPUS)
        for side, percent, seed in product(options.sides, options.missing, options.seeds):
            # Without missing annotation, reading it as O changes nothing.
            if percent or SIDES[side].missing:
                run(side, percent, seed)
    write_page()


def run(name: str, percent: int, seed: int) -> None:
    """Train and score one side once, and save the result."""
    side = SIDES[name]
    train = corpus_without(percent, missing=side.missing)
    output = Path(f"training/trust/partial-{name}-{percent}-{seed}")
    command = train_on(CORPUS, side.config, seed, output)
    command[command.index("--paths.train") + 1] = str(train)
    model = output / "model-best"
    if not model.exists():
        run_training(command, output)
        if name == "spacy":
            keep_lower_case(model)
    result: dict[str, Any] = {
        "side": name,
        "missing": percent,
        "seed": seed,
        "test": score(model, Path(f"corpus/{CORPUS}/test.spacy"), "ner"),
        "command": " ".join(["python", *command[1:]]),
    }
    keep(result, "partial", name, percent, seed)
    msg.good(f"{side.title}, {percent} % missing: test F1 {result['test']['score']}")


def corpus_without(percent: int, *, missing: bool) -> Path:
    """The training data without a share of its entities. What 50 % lose, 80 % lose too."""
    path = Path(f"corpus/{CORPUS}/train-{'missing' if missing else 'outside'}-{percent}.spacy")
    vocab = Vocab()
    chance = random.Random(0)
    docs = list(DocBin().from_disk(f"corpus/{CORPUS}/train.spacy").get_docs(vocab))
    for doc in docs:
        forget(doc, chance, percent / 100, missing=missing)
    DocBin(docs=docs).to_disk(path)
    return path


def forget(doc: Doc, chance: random.Random, share: float, *, missing: bool) -> None:
    """Remove entities from a document's annotation, each with the probability `share`."""
    lost = [span for span in doc.ents if chance.random() < share]
    if missing:
        doc.set_ents([], missing=lost, default="unmodified")
    else:
        doc.set_ents([], outside=lost, default="unmodified")


def write_page() -> None:
    """Write the page's table and picture from all results."""
    results = kept("partial")
    percents = sorted({result["missing"] for result in results})
    header = ["test entity F1", *(f"{percent} % missing" for percent in percents)]
    rows = [
        [side.title, *(cell(scores(results, name, percent)) for percent in percents)]
        for name, side in SIDES.items()
    ]
    note = f"Measured on: {environment_line(results)}."
    replace_section(PAGE, "partial", f"{markdown_table(header, rows)}\n\n{note}")
    draw(results, percents)


def cell(values: list[float]) -> str:
    """Mean and deviation, or nothing if nothing was trained."""
    return spread(values) if values else ""


def scores(results: list[dict[str, Any]], side: str, percent: int) -> list[float]:
    """Test scores over seeds. With nothing missing, both readings are the same."""
    side = side if percent or SIDES[side].missing else "ours"
    own = [r for r in results if (r["side"], r["missing"]) == (side, percent)]
    return [result["test"]["score"] for result in own]


def draw(results: list[dict[str, Any]], percents: list[int]) -> None:
    """Test scores by the share of missing entities, a line for each side."""
    figure, panel = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for (name, side), style in zip(SIDES.items(), ("o-", "s--", "^:"), strict=True):
        points = [(percent, scores(results, name, percent)) for percent in percents]
        there = [(percent, mean(values)) for percent, values in points if values]
        panel.plot(*zip(*there, strict=True), style, label=side.title)
    panel.set(xlabel="% of training entities without annotation", ylabel="test entity F1")
    panel.set(ylim=(0, 100), xticks=percents)
    panel.grid(alpha=0.3)
    panel.legend()
    figure.savefig(PICTURE, metadata={"Date": None})


if __name__ == "__main__":
    main()
