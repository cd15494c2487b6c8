"""What each part of the recipes is worth: train them with one thing changed at a time.

`python -m benchmarks.accuracy.ablation conll2003 rt-polarity` trains every variant; `--write`
writes docs/ablation.md from the available results. Variants are compared on the development data,
so that the test data plays no part in choosing among them.
"""

import argparse
from pathlib import Path
from typing import Any

import spacy
from spacy.scorer import Scorer
from spacy.tokens import Doc, Span
from spacy.training import Corpus
from spacy.util import load_config
from thinc.api import Config
from wasabi import msg

from ..environment import describe_environment
from ..project import run_project
from .ablation_page import PAGE, SIDE, write_page
from .corpora import CORPORA, prepare, train_on
from .results import write_result
from .scores import percent, score
from .training import RUNS, run_training
from .variants import RECIPES, STEPS, VARIANTS, Variant


def main() -> None:
    """Train the variants that the command line asks for, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="*", default=[])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--only", nargs="+", help="names of variants; all if omitted")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE}")
    options = parser.parse_args()
    for name in options.corpora:
        if name not in VARIANTS:
            parser.error(f"no variants for {name!r}, only for {', '.join(VARIANTS)}")
        prepare(name)
        run_project("vectors")  # of words alone, which a variant has instead of more
        for variant in VARIANTS[name]:
            if not options.only or variant.name in options.only:
                for seed in options.seeds:
                    run(name, variant, seed)
    if options.write:
        write_page()


def run(name: str, variant: Variant, seed: int) -> None:
    """Train and score one variant once, and save the result."""
    task = CORPORA[name].task
    slug = "".join(char if char.isalnum() else "_" for char in variant.name)
    output = RUNS / f"{SIDE}-{name}-{slug}-{seed}"
    output.mkdir(parents=True, exist_ok=True)
    changes = {"training.max_steps": STEPS[name], **variant.changes}
    config = changed_config(RECIPES[name], changes)
    config.to_disk(output / "config.cfg")
    command = train_on(name, output / "config.cfg", seed, output)
    if variant.vectors:
        command[command.index("--paths.vectors") + 1] = variant.vectors
    seconds = run_training(command, output)
    model, docs = output / "model-best", Path(f"corpus/{name}/dev.spacy")
    found = score_by_token(model, docs) if variant.unconstrained else score(model, docs, task)
    result = {
        "corpus": name,
        "side": SIDE,
        "group": variant.group,
        "variant": variant.name,
        "seed": seed,
        "metric": CORPORA[name].metric,
        "dev": found,
        "train_seconds": round(seconds),
        "parameters": count_parameters(model),
        "changes": changes,
        "environment": describe_environment(),
    }
    write_result(result, SIDE, name, slug, seed)
    msg.good(f"{name}, {variant.name}, seed {seed}: dev {found['score']}, {seconds:.0f} s")


def changed_config(path: Path, changes: dict[str, Any]) -> Config:
    """A config with other values; None removes a block."""
    config = load_config(path, interpolate=False)
    for place, value in changes.items():
        *parents, last = place.split(".")
        block: Any = config
        for name in parents:
            block = block[name]
        if value is None:
            del block[last]
        else:
            block[last] = value
    return config


def count_parameters(model: Path) -> int:
    """The number of learned parameters of a pipeline's trained components."""
    pipes = [pipe for _, pipe in spacy.load(model).pipeline if hasattr(pipe, "model")]
    nodes = [node for pipe in pipes for node in pipe.model.walk()]
    return sum(node.get_param(name).size for node in nodes for name in node.param_names)


def score_by_token(model: Path, docs: Path) -> dict[str, Any]:
    """Score the best tag of each token on its own, counting only whole BILUO sequences."""
    nlp = spacy.load(model)
    component: Any = nlp.get_pipe("seqrnn_ner")
    examples = list(Corpus(docs)(nlp))
    for example in examples:
        chain = component.model.predict([example.predicted])
        tags = chain.emissions.argmax(axis=1)[chain.packing.from_packed]
        example.predicted.ents = whole_sequences(example.predicted, tags, component.labels)
    return {"score": percent(Scorer(nlp).score(examples)["ents_f"])}


def whole_sequences(doc: Doc, tags: Any, labels: tuple[str, ...]) -> list[Span]:
    """The entities that tags spell out completely: U, or B, any number of I, and L of one label."""
    spans = []
    start = label = None
    for i, tag in enumerate(tags.tolist()):
        kind = "O" if tag == 0 else "BILU"[(tag - 1) % 4]
        own = (tag - 1) // 4
        if kind == "U":
            spans.append(Span(doc, i, i + 1, label=labels[own]))
        elif kind == "L" and start is not None and own == label:
            spans.append(Span(doc, start, i + 1, label=labels[own]))
        if kind == "B":
            start, label = i, own
        elif kind != "I" or own != label:
            start = label = None
    return spans


if __name__ == "__main__":
    main()
