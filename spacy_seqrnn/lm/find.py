"""The language models of a pipeline."""

from spacy.language import Language

from .component import RecurrentLM


def find_language_model(nlp: Language, name: str | None = None) -> RecurrentLM:
    """The language model of a pipeline.

    name: its name; None if there is one.

    Raises ValueError if there is none, or more than one and no name.
    """
    found = {each: pipe for each, pipe in nlp.components if isinstance(pipe, RecurrentLM)}
    if not found or (name and name not in found):
        missing = f"language model '{name}'" if name else "language model"
        raise ValueError(
            f"The pipeline has no {missing}, only {', '.join(nlp.component_names) or 'nothing'}: "
            "train one as in `spacy seqrnn init-config --task lm`."
        )
    if name is None and len(found) > 1:
        raise ValueError(f"The pipeline has several language models: name one of {list(found)}.")
    return found[name] if name else next(iter(found.values()))
