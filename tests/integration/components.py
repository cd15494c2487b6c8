"""Pipelines in which our encoder works in spaCy's components and in our own."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Optimizer, fix_random_seed

from spacy_seqrnn.types import Floats1d

from ..conftest import CLAUSES, LISTENER, ODD_TEXTS, gold_examples, tok2vec_config

# As `sgd` of an update: gradients stay for the next one. spaCy's types do not know of it.
NO_STEP: Any = False


@dataclass(frozen=True)
class Component:
    """A component with a model on top of token vectors.

    factory: its name for `nlp.add_pipe`.
    model: the block of its model without `tok2vec`.
    score: the key under which its scorer gives what should become 1.
    cell: the recurrent cell that it is tested with.
    settings: other settings of the component.
    """

    factory: str
    model: dict[str, Any]
    score: str
    cell: str
    settings: dict[str, Any] = field(default_factory=dict)


def _transitions(state_type: str) -> dict[str, Any]:
    return {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": state_type,
        "extra_state_tokens": False,
        "hidden_width": 64,
        "maxout_pieces": 2,
        "use_upper": True,
    }


def _reduce(*, exclusive: bool) -> dict[str, Any]:
    return {
        "@architectures": "spacy.TextCatReduce.v1",
        "exclusive_classes": exclusive,
        "use_reduce_first": False,
        "use_reduce_last": False,
        "use_reduce_max": False,  # Thinc rejects texts without tokens
        "use_reduce_mean": True,
    }


def _ours(*, exclusive: bool) -> dict[str, Any]:
    return {
        "@architectures": "spacy-seqrnn.TextCat.v1",
        "exclusive_classes": exclusive,
        "pooling": ["last", "max"],
        "bidirectional": True,
    }


LEARN_RATE = 0.01
# The invented sentences mixed with the odd texts, so that lengths vary
TEXTS = [
    text
    for clause, odd_text in zip(CLAUSES, ODD_TEXTS, strict=True)
    for text in (" ".join(clause), odd_text)
]

SPANCAT = {
    "@architectures": "spacy.SpanCategorizer.v1",
    "reducer": {"@layers": "spacy.mean_max_reducer.v1", "hidden_size": 16},
    "scorer": {"@layers": "spacy.LinearLogistic.v1"},
}
TAGGER = {"@architectures": "spacy.Tagger.v2"}

COMPONENTS = {
    "ner": Component("ner", _transitions("ner"), "ents_f", "lstm"),
    "parser": Component("parser", _transitions("parser"), "dep_las", "gru", {"min_action_freq": 1}),
    "tagger": Component("tagger", TAGGER, "tag_acc", "rnn"),
    "morphologizer": Component("morphologizer", TAGGER, "morph_acc", "gru"),
    "spancat": Component("spancat", SPANCAT, "spans_sc_f", "lstm"),
    "textcat": Component("textcat", _reduce(exclusive=True), "cats_macro_f", "gru"),
    "textcat_multilabel": Component(
        "textcat_multilabel", _reduce(exclusive=False), "cats_macro_f", "rnn"
    ),
    "seqrnn_ner": Component(
        "seqrnn_ner",
        {"@architectures": "spacy-seqrnn.NER.v1"},
        "ents_f",
        "lstm",
        {"spans_key": "found"},
    ),
    "seqrnn_textcat": Component("textcat", _ours(exclusive=True), "cats_macro_f", "gru"),
    "seqrnn_multilabel": Component(
        "textcat_multilabel", _ours(exclusive=False), "cats_macro_f", "rnn"
    ),
}


def make_pipeline(*names: str, shared: bool, vectors: bool = False) -> Language:
    """Put components into a new pipeline.

    shared: let them listen to a `tok2vec` component instead of having their own encoders.
    vectors: let the encoders read word vectors too.
    """
    nlp = spacy.blank("xx")
    if vectors:
        _add_vectors(nlp)
    if shared:
        cell = COMPONENTS[names[0]].cell
        nlp.add_pipe("tok2vec", config={"model": tok2vec_config(cell, vectors=vectors)})
    for name in names:
        component = COMPONENTS[name]
        tok2vec = LISTENER if shared else tok2vec_config(component.cell, vectors=vectors)
        config = {**component.settings, "model": {**component.model, "tok2vec": tok2vec}}
        nlp.add_pipe(component.factory, name=name, config=config)
    return nlp


def _add_vectors(nlp: Language) -> None:
    words = sorted({word for clause in CLAUSES for word in " ".join(clause).split()})
    for i, word in enumerate(words):
        vector: Floats1d = np.asarray([len(word), i, 1.0], dtype="float32")
        nlp.vocab.set_vector(word, vector)


def initialize(nlp: Language) -> Optimizer:
    """Initialise with the invented sentences, always alike, for quick learning."""
    fix_random_seed(0)
    optimizer = nlp.initialize(lambda: gold_examples(nlp))
    optimizer.learn_rate = LEARN_RATE
    return optimizer


def resume(nlp: Language) -> Optimizer:
    """Continue with a pipeline that has been trained before."""
    optimizer = nlp.resume_training()
    optimizer.learn_rate = LEARN_RATE
    return optimizer


def train(
    nlp: Language, optimizer: Optimizer, *, steps: int = 80, **options: Any
) -> list[dict[str, float]]:
    """Train on the invented sentences. Returns the losses of each step."""
    fix_random_seed(0)
    history = []
    for _ in range(steps):
        losses: dict[str, float] = {}
        nlp.update(gold_examples(nlp), sgd=optimizer, losses=losses, **options)
        history.append(losses)
    return history


def score(nlp: Language, name: str) -> float:
    """How well a component does on its training data; 1 is best."""
    return float(nlp.evaluate(gold_examples(nlp))[COMPONENTS[name].score])


def odd_examples(nlp: Language) -> list[Example]:
    """Odd texts without anything to predict."""
    examples = []
    for text in ODD_TEXTS:
        gold = nlp.make_doc(text)
        gold.set_ents([], default="outside")
        gold.spans["sc"] = []
        gold.cats = {"GOOD": 1.0, "BAD": 0.0}
        examples.append(Example(nlp.make_doc(text), gold))
    return examples


def assert_same(docs: Iterable[Doc], others: Iterable[Doc], tolerance: float = 1e-5) -> None:
    """Compare all annotation, scores up to a tolerance."""
    for doc, other in zip(docs, others, strict=True):
        assert doc.text == other.text
        assert _labels(doc) == _labels(other)
        assert np.allclose(_numbers(doc), _numbers(other), rtol=0, atol=tolerance)


def _labels(doc: Doc) -> list[Any]:
    tokens = [(t.tag_, str(t.morph), t.head.i, t.dep_, t.ent_iob_, t.ent_type_) for t in doc]
    spans = {
        key: [(span.start, span.end, span.label_) for span in group]
        for key, group in doc.spans.items()
    }
    return [tokens, spans, list(doc.cats)]


def _numbers(doc: Doc) -> np.ndarray:
    scores = [group.attrs.get("scores", []) for group in doc.spans.values()]
    # For a batch without any tokens, spaCy's textcat returns zeros.
    cats = list(doc.cats.values()) if len(doc) else []
    return np.concatenate([np.ravel(doc.tensor), cats, *scores])
