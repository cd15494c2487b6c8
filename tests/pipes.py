"""Components of pipelines, which spaCy's types take for nothing but functions of documents."""

from typing import Any

from spacy.language import Language


def get_pipe(nlp: Language, name: str) -> Any:
    return nlp.get_pipe(name)


def add_pipe(nlp: Language, factory: str, **options: Any) -> Any:
    return nlp.add_pipe(factory, **options)
