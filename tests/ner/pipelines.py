"""A few sentences, and pipelines that learn them."""

from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Adam, fix_random_seed

from ..small import small_ner

TRAIN = [
    ("Anna Berg lives in Oslo .", ["B-PER", "L-PER", "O", "O", "U-LOC", "O"]),
    ("In New York City Bob sleeps", ["O", "B-LOC", "I-LOC", "L-LOC", "U-PER", "O"]),
    ("nothing happens here", ["O", "O", "O"]),
    ("Oslo sleeps", ["U-LOC", "O"]),
    ("Bob Berg met Anna", ["B-PER", "L-PER", "O", "U-PER"]),
    ("", []),
]


def make_nlp(model_options: dict[str, Any] | None = None, **config: Any) -> Language:
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("seqrnn_ner", config={"model": small_ner(**(model_options or {})), **config})
    return nlp


def make_examples(nlp: Language, data: list[Any] = TRAIN) -> list[Example]:
    examples = []
    for text, tags in data:
        reference = Doc(nlp.vocab, words=text.split())
        predicted = Doc(nlp.vocab, words=text.split())
        spans = spacy.training.biluo_tags_to_spans(reference, [tag or "O" for tag in tags])
        missing = [reference[i : i + 1] for i, tag in enumerate(tags) if tag is None]
        reference.set_ents(spans, missing=missing)
        examples.append(Example(predicted, reference))
    return examples


def train(
    nlp: Language,
    examples: list[Example],
    steps: int = 60,
    learn_rate: float = 0.02,
    **options: Any,
) -> dict[str, float]:
    optimizer = Adam(learn_rate)
    losses = {}
    for _ in range(steps):
        losses = nlp.update(examples, sgd=optimizer, losses={}, **options)
    return losses


def trained(
    model_options: dict[str, Any] | None = None,
    data: list[Any] = TRAIN,
    steps: int = 60,
    **config: Any,
) -> Language:
    nlp = make_nlp(model_options, **config)
    examples = make_examples(nlp, data)
    nlp.initialize(lambda: examples)
    train(nlp, examples, steps)
    return nlp


def entities(nlp: Language, text: str) -> list[tuple[str, str]]:
    doc = nlp(Doc(nlp.vocab, words=text.split()))
    return [(span.text, span.label_) for span in doc.ents]
