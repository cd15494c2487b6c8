"""What a training config should say about its data: how long to train, and on what batches."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

# Steps for so many words, and how they grow: twice the data are read 0.6 times as often.
STEPS, REFERENCE_WORDS, GROWTH = 1000, 20_000, 0.35
FEWEST_STEPS, MOST_STEPS = 300, 20_000
SEVERAL_LABELS = 1.5  # times as many steps, as most labels are rare
BATCHES_PER_PASS = 50
FEWEST_BATCH_WORDS = 200
# Larger batches train faster; accuracy, and labels of which several apply, can lose a little.
MOST_BATCH_WORDS = {"accuracy": 1000, "efficiency": 2000, "several labels": 1000}
# Larger batches are read in fewer steps, at a rate that grows with the root of their size.
REFERENCE_BATCH, LEARN_RATE = 1000, 0.002
N_EVALUATIONS = 20
LONG_TEXT = 300  # words of the median text
FEW_SENTENCES = 5000  # with fewer, an ensemble of three recognisers pays
# Rows of the table of n-grams, up to so many words and above
NGRAM_ROWS, MANY_WORDS = (32_768, 262_144), 1_000_000


@dataclass(frozen=True)
class Data:
    """What the training data contain.

    lengths: words of each text. labels: how many texts, or entities, have each label.
    exclusive: whether no text has several categories.
    known: the share of words with a vector; None without vectors.
    """

    lengths: list[int]
    labels: Counter[str]
    exclusive: bool
    known: float | None

    @property
    def n_words(self) -> int:
        """The words of all texts."""
        return sum(self.lengths)


@dataclass(frozen=True)
class Plan:
    """What follows from the training data; sentences are for the comments of a config.

    task: with several categories per text it is not `textcat` but `textcat_multilabel`.
    long_texts, ensemble: as in `recipe`. Long texts have a recipe of their own, without the rest.
    steps, eval_frequency: of training.
    batch_words: the size of a batch.
    learn_rate: the highest of training.
    ngram_rows: the size of the table of n-grams.
    """

    task: str
    summary: str
    long_texts: bool
    ensemble: bool
    steps: int
    why_steps: str
    eval_frequency: int
    batch_words: int
    why_batch: str
    learn_rate: float
    ngram_rows: int


def make_plan(path: Path, task: str, optimize: str, vectors: str | None) -> Plan:
    """Read training data and plan for them.

    path: a `.spacy` file or a folder of them.
    task, optimize: as in `recipe`. vectors: a pipeline with word vectors, or None.

    Raises ValueError if there are no data, or none with the annotation that the task needs.
    """
    data = read(path, task, vectors)
    several = task.startswith("textcat") and not data.exclusive
    typical = int(median(data.lengths))
    long_texts = task.startswith("textcat") and typical >= LONG_TEXT
    most = MOST_BATCH_WORDS["several labels" if several else optimize]
    batch = round(int(min(most, max(FEWEST_BATCH_WORDS, data.n_words / BATCHES_PER_PASS))), -1)
    steps = STEPS * (data.n_words / REFERENCE_WORDS) ** GROWTH
    steps *= SEVERAL_LABELS if several else 1.0
    larger = max(batch / REFERENCE_BATCH, 1.0)
    steps /= larger
    steps = int(min(max(round(steps, -2), FEWEST_STEPS), MOST_STEPS))
    passes = steps * batch / max(data.n_words, 1)
    return Plan(
        task="textcat_multilabel" if several else task,
        summary=_summary(data, task, typical),
        long_texts=long_texts,
        ensemble=task == "ner" and len(data.lengths) < FEW_SENTENCES,
        steps=steps,
        why_steps=f"About {passes:.3g} passes over {len(data.lengths):,} texts of {typical} words"
        + (", more as several labels apply at once" if several else ""),
        eval_frequency=max(steps // N_EVALUATIONS, 10),
        batch_words=batch,
        learn_rate=round(LEARN_RATE * larger**0.5, 4),
        why_batch=f"Words of a batch: about {max(data.n_words / batch, 1):,.0f} batches in a pass",
        ngram_rows=NGRAM_ROWS[int(data.n_words > MANY_WORDS)],
    )


def read(path: Path, task: str, vectors: str | None) -> Data:
    """Read training data; see `make_plan`."""
    import spacy  # noqa: PLC0415
    from spacy.training.corpus import Corpus, walk_corpus  # noqa: PLC0415
    from spacy.vocab import Vocab  # noqa: PLC0415

    from ..report.gather import SUFFIX, checked_data  # noqa: PLC0415

    vocab = spacy.load(vectors).vocab if vectors and has_pipeline(vectors) else Vocab()
    lengths: list[int] = []
    labels: Counter[str] = Counter()
    exclusive = True
    known = 0  # words with a vector
    path = checked_data(path, "--train")
    for doc in Corpus(path).read_docbin(vocab, walk_corpus(path, SUFFIX)):
        lengths.append(len(doc))
        found = _labels(doc, task)
        exclusive = exclusive and len(found) == 1
        labels.update(found)
        known += sum(token.has_vector for token in doc) if len(vocab.vectors) else 0
    if not labels:
        kind = {"ner": "entity", "tagger": "tag"}.get(task, "category")
        raise ValueError(
            f"No text in '{path}' has a{'n' * (kind == 'entity')} {kind}, which `task = {task!r}` "
            "is about: name annotated training data with --train."
        )
    if task == "textcat_multilabel":
        exclusive = False
    share = known / max(sum(lengths), 1) if len(vocab.vectors) else None
    return Data(lengths, labels, exclusive, share)


def _labels(doc: Any, task: str) -> list[str]:
    if task == "ner":
        return [span.label_ for span in doc.ents]
    if task == "tagger":
        return [token.tag_ for token in doc if token.tag_]
    return [label for label, value in doc.cats.items() if value > 0]


def _summary(data: Data, task: str, typical: int) -> str:
    several = ", several at once" if task.startswith("textcat") and not data.exclusive else ""
    by_count = [f"{count:,} ({label})" for label, count in data.labels.most_common()]
    parts = [
        f"{len(data.lengths):,} texts of {typical} words",
        f"{len(by_count)} labels{several}, from {by_count[-1]} to {by_count[0]}",
    ]
    if data.known is not None:
        parts.append(f"{data.known:.1%} of the words have a vector")
    return "; ".join(parts)


def has_pipeline(name: str) -> bool:
    """Whether there is a folder or an installed package of this name."""
    from spacy.util import is_package  # noqa: PLC0415

    return Path(name).is_dir() or is_package(name)
