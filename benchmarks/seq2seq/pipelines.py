"""A pipeline that writes texts for texts, and what it writes."""

from pathlib import Path

import spacy
from spacy.language import Language

from spacy_seqrnn.seq2seq.component import RecurrentText2Text


def load(model: str | Path) -> tuple[Language, RecurrentText2Text]:
    """A pipeline, and its only component. Raises ValueError if it has others."""
    nlp = spacy.load(model)
    (name,) = nlp.pipe_names
    component = nlp.get_pipe(name)
    if not isinstance(component, RecurrentText2Text):
        raise ValueError(f"The component '{name}' of {model} writes no texts.")
    return nlp, component


def write(nlp: Language, output: str, texts: list[str]) -> list[str]:
    """What it writes for each text. output: the extension that it writes to."""
    return [doc._.get(output) for doc in nlp.pipe(texts)]
