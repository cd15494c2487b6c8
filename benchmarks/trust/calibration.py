"""Whether scores of entities are probabilities: `python -m benchmarks.trust.calibration conll2003`.

Of the entities that a tagger scores with 0.8, four in five should be correct. The expected
calibration error (Guo et al. 2017) is the deviation from that: the difference between the mean
score and the share correct, in bins of equal width, weighted by the entities in each. Compared on
the same test documents:

- this project's ensemble of three, with the entity probabilities of its chain, uncalibrated and
  after `calibrate` on the development data,
- Flair's tagger with the scores on its spans,
- spaCy's `ner`, its entities scored by a beam: the share of the beam's probability with the entity.

Each tagger is judged by its own entities, and by those that all three predict.
"""

import argparse
import subprocess
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus
from spacy.vocab import Vocab
from wasabi import msg

from spacy_seqrnn.report.reliability import reliability
from spacy_seqrnn.types import Floats1d

from ..accuracy.corpora import (
    CORPORA,
    ENSEMBLE,
    OURS,
    SPACY,
    prepare,
    training_command,
    vectors_of,
)
from ..accuracy.results import environment_line, markdown_table, replace_section
from ..accuracy.training import RUNS, keep_lower_case, run_training
from ..documents import bare
from ..speed.rows import peers_python
from .results import PAGE, keep, kept

CALIBRATED, FLAIR = f"{OURS}, calibrated", "Flair"
SIDES = [OURS, CALIBRATED, FLAIR, SPACY]
BEAM_WIDTH = 16
FOLDER = Path("training/trust")
PICTURE = Path("docs/calibration.svg")

Entity = tuple[int, int, int, str]  # index of the document, start, end, label


def main() -> None:
    """Train if necessary, measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [name for name in CORPORA if CORPORA[name].task == "ner"]
    parser.add_argument("corpora", nargs="*", choices=[*names, []])
    parser.add_argument("--write", action="store_true", help="only write the page's table")
    options = parser.parse_args()
    for name in [] if options.write else options.corpora:
        measure(name)
    write_page()


def measure(name: str) -> None:
    """Measure all taggers on one corpus and save the result."""
    prepare(name)
    gold = entities_of(read_docs(name, "test"))
    plain, calibrated, temperature = our_scores(name)
    scores = {
        OURS: plain,
        CALIBRATED: calibrated,
        FLAIR: flair_scores(name),
        SPACY: beam_scores(name),
    }
    common = set.intersection(*(set(own) for own in scores.values()))
    sides = {side: summary(own, gold) for side, own in scores.items()}
    shared = {side: summary({e: own[e] for e in common}, gold) for side, own in scores.items()}
    result = {"corpus": name, "temperature": round(temperature, 3)}
    keep({**result, "sides": sides, "common": shared}, "calibration", name)
    for side, values in sides.items():
        msg.good(f"{name}, {side}: calibration error {values['error']}, F1 {values['f1']}")


def read_docs(name: str, split: str) -> list[Doc]:
    """The annotated documents of a corpus."""
    nlp = spacy.blank("xx")
    return list(DocBin().from_disk(f"corpus/{name}/{split}.spacy").get_docs(nlp.vocab))


def entities_of(docs: list[Doc]) -> set[Entity]:
    """All entities of all documents."""
    return {(i, e.start, e.end, e.label_) for i, doc in enumerate(docs) for e in doc.ents}


def trained(name: str, side: str) -> Path:
    """The accuracy benchmark's pipeline of the first seed, trained if it does not exist."""
    output = RUNS / f"{name}-{side}-0"
    if not (output / "model-best").exists():
        run_training(training_command(name, side, 0, output), output)
        if side == SPACY and CORPORA[name].vectors:
            keep_lower_case(output / "model-best")
    return output / "model-best"


def our_scores(name: str) -> tuple[dict[Entity, float], dict[Entity, float], float]:
    """The entities of `seqrnn_ner` with their scores, before and after calibration.

    Also returns the temperature that calibration selects.
    """
    nlp = spacy.load(trained(name, ENSEMBLE))
    plain = scores_of(nlp, name)
    dev = Corpus(f"corpus/{name}/dev.spacy")(nlp)
    ner: Any = nlp.get_pipe("seqrnn_ner")
    temperature: float = ner.calibrate(nlp, dev)
    return plain, scores_of(nlp, name), temperature


def scores_of(nlp: Language, name: str) -> dict[Entity, float]:
    """The entities that a pipeline predicts for the test data."""
    ner: Any = nlp.get_pipe("seqrnn_ner")
    found = {}
    for i, doc in enumerate(nlp.pipe(test_inputs(nlp, name))):
        group = doc.spans[ner.spans_key]
        for span, score in zip(group, group.attrs["scores"], strict=True):
            found[i, span.start, span.end, span.label_] = float(score)
    return found


def test_inputs(nlp: Language, name: str) -> list[Doc]:
    """The test documents without annotation."""
    return [example.predicted for example in Corpus(f"corpus/{name}/test.spacy")(nlp)]


def beam_scores(name: str) -> dict[Entity, float]:
    """The entities of spaCy's `ner` with the share of a beam's probability that contains them."""
    nlp = spacy.load(trained(name, SPACY))
    ner: Any = nlp.get_pipe("ner")
    found = {}
    for i, doc in enumerate(nlp.pipe(test_inputs(nlp, name))):
        beams = ner.beam_parse([bare(doc)], BEAM_WIDTH)
        (scores,) = ner.scored_ents(beams)
        for span in doc.ents:
            place = (span.start, span.end, span.label_)
            found[i, *place] = float(min(scores.get(place, 0.0), 1.0))
    return found


def flair_scores(name: str) -> dict[Entity, float]:
    """The entities of Flair's tagger with its scores."""
    output = FOLDER / f"calibration-{name}-flair"
    if not (output / "spans.json").exists():
        output.mkdir(parents=True, exist_ok=True)
        splits = {split: read_docs(name, split) for split in ("train", "dev", "test")}
        write_documents(splits, output / "data.json")
        write_vectors(splits, vectors_of(name), output / "vectors.npz")
        files = [str(output / "data.json"), str(output / "vectors.npz"), str(output)]
        command = [peers_python(), "-m", "benchmarks.trust.flair_spans", *files]
        msg.info(f"Training Flair's tagger, see {output / 'flair.log'}")
        with (output / "flair.log").open("w", encoding="utf8") as log:
            subprocess.run(command, check=True, stdout=log, stderr=subprocess.STDOUT)
    spans = srsly.read_json(output / "spans.json")["spans"]
    return {(i, *place): score for i, doc in enumerate(spans) for *place, score in doc}


def write_documents(splits: dict[str, list[Doc]], path: Path) -> None:
    """Words and entities as JSON. Documents without tokens are kept, so that numbers match."""
    rows = {
        split: [
            {
                "words": [token.text for token in doc],
                "entities": [[span.start, span.end, span.label_] for span in doc.ents],
            }
            for doc in docs
        ]
        for split, docs in splits.items()
    }
    srsly.write_json(path, rows)


def write_vectors(splits: dict[str, list[Doc]], vectors: str | None, path: Path) -> None:
    """The recipes' word vectors of all words in the corpus. None: there are none."""
    vocab = spacy.load(vectors).vocab if vectors else Vocab()
    words = sorted({t.lower_ for docs in splits.values() for doc in docs for t in doc})
    known = [word for word in words if vocab.has_vector(word)]
    rows: list[Floats1d] = [vocab.get_vector(word) for word in known]
    np.savez(path, words=known, matrix=np.stack(rows))


def summary(scores: dict[Entity, float], gold: set[Entity]) -> dict[str, Any]:
    """The calibration of scored entities.

    error: expected calibration error. brier: mean squared difference from right (1) or wrong (0).
    bins: entities, mean score and share correct in each bin that has any.
    """
    right = np.asarray([entity in gold for entity in scores])
    found = reliability(np.asarray(list(scores.values())), right)
    return {
        "entities": found.n,
        "f1": round(float(200 * right.sum() / (found.n + len(gold))), 2),
        "error": round(found.error, 4),
        "brier": round(found.brier, 4),
        "bins": [
            {"n": each.n, "score": round(each.score, 4), "right": round(each.right, 4)}
            for each in found.bins
        ],
    }


def write_page() -> None:
    """Write the page's table and picture from all results."""
    results = kept("calibration")
    header = ["expected calibration error (Brier score)", *SIDES]
    rows: list[list[str]] = []
    for result in results:
        title = CORPORA[result["corpus"]].title
        rows.append([f"{title}, test F1", *(f"{result['sides'][s]['f1']:.1f}" for s in SIDES)])
        for key, whose in (("sides", "own entities"), ("common", "entities that all find")):
            sides = [result[key][side] for side in SIDES]
            cells = [f"{side['error']:.3f} ({side['brier']:.3f})" for side in sides]
            rows.append([f"{title}, {whose}", *cells])
    note = f"Measured on: {environment_line(results)}."
    replace_section(PAGE, "calibration", f"{markdown_table(header, rows)}\n\n{note}")
    draw(results)


def draw(results: list[dict[str, Any]]) -> None:
    """A reliability diagram for each corpus: the share of correct entities by their score."""
    size = (4.5 * len(results), 4)
    figure, panels = plt.subplots(1, len(results), figsize=size, layout="constrained")
    for panel, result in zip(np.atleast_1d(panels), results, strict=True):
        panel.plot([0, 1], [0, 1], color="grey", linewidth=1, label="a probability")
        for side, style in zip(SIDES, ("o-", "D-", "s--", "^:"), strict=True):
            bins = result["sides"][side]["bins"]
            panel.plot([b["score"] for b in bins], [b["right"] for b in bins], style, label=side)
        panel.set(title=CORPORA[result["corpus"]].title, xlabel="mean score of the entities")
        panel.set(ylabel="share of right ones", xlim=(0, 1), ylim=(0, 1))
        panel.grid(alpha=0.3)
    # One legend for all panels, below them, where it hides nothing.
    figure.legend(*panel.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    figure.savefig(PICTURE, metadata={"Date": None})


if __name__ == "__main__":
    main()
