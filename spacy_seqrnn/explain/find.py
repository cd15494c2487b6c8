"""Find the parts of a pipeline that can be explained."""

from dataclasses import dataclass
from typing import Any, TypeVar

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Model

from ..architectures import textcat
from ..checks import check_choice
from ..lm.component import RecurrentLM
from ..ner.component import RecurrentNER
from ..rnn import stack
from ..seq2seq.component import RecurrentText2Text
from ..seq2seq.lemmatizer import RecurrentLemmatizer

Part = TypeVar("Part")

MAKE = {
    "seqrnn_ner": "a component with the factory `seqrnn_ner`",
    "seqrnn_textcat": "a `textcat` or `textcat_multilabel` with `spacy-seqrnn.TextCat.v1`",
    "seqrnn_lm": "a component with the factory `seqrnn_lm`",
    "seqrnn_text2text": "a component with the factory `seqrnn_text2text`",
    "seqrnn_lemmatizer": "a component with the factory `seqrnn_lemmatizer`",
    "rnn_stack": "a `spacy-seqrnn.RNNEncoder.v1` behind an embedding in `spacy.Tok2Vec.v2`",
}


@dataclass(frozen=True)
class Encoder:
    """An embedding and the recurrent layers after it.

    name: the component's name, with the encoder's number if a component has several.
    embed: maps documents to token vectors.
    layers: recurrent layers, from the input to the output.
    residual: whether a layer's input is added to its output where the widths match.
    """

    name: str
    embed: Model[Any, Any]
    layers: list[Model[Any, Any]]
    residual: bool


def make_doc(nlp: Language, text: str, *, before: str | None = None) -> Doc:
    """A text annotated by all components of a pipeline, or by those before one.

    Raises ValueError if it has no word.
    """
    if not text.strip():
        raise ValueError(f"The text {text!r} is empty: give it at least one word.")
    names = nlp.pipe_names
    with nlp.select_pipes(disable=names[names.index(before) :] if before else []):
        return nlp(text)


def find_recognisers(nlp: Language) -> dict[str, RecurrentNER]:
    """The entity recognisers of this package, by component."""
    return {name: pipe for name, pipe in nlp.pipeline if isinstance(pipe, RecurrentNER)}


def find_language_models(nlp: Language) -> dict[str, RecurrentLM]:
    """The language models of this package, by component."""
    return {name: pipe for name, pipe in nlp.pipeline if isinstance(pipe, RecurrentLM)}


def find_text2text(nlp: Language) -> dict[str, RecurrentText2Text]:
    """The components of this package that write a text for each document, by name."""
    return {name: pipe for name, pipe in nlp.pipeline if isinstance(pipe, RecurrentText2Text)}


def find_lemmatizers(nlp: Language) -> dict[str, RecurrentLemmatizer]:
    """The lemmatizers of this package, by component."""
    return {name: pipe for name, pipe in nlp.pipeline if isinstance(pipe, RecurrentLemmatizer)}


def find_classifiers(nlp: Language) -> dict[str, list[Model[Any, Any]]]:
    """The `TextCat.v1` models of each text classifier, alone or as members of an ensemble."""
    found = {}
    for name, pipe in nlp.pipeline:
        model = getattr(pipe, "model", None)
        nodes = model.walk() if isinstance(model, Model) else []
        models = [node for node in nodes if node._func is textcat.forward]
        if models:
            found[name] = models
    return found


def find_encoders(nlp: Language) -> list[Encoder]:
    """All recurrent encoders of words in a pipeline. Raises ValueError if there is none."""
    found = []
    for name, pipe in nlp.pipeline:
        model = getattr(pipe, "model", None)
        nodes = model.walk() if isinstance(model, Model) else []
        stacks = [(node, stack) for node in nodes if (stack := _stack_of(node))]
        for i, (node, stack) in enumerate(stacks):
            title = name if len(stacks) == 1 else f"{name}, encoder {i + 1}"
            residual = stack.attrs["residual"]
            found.append(Encoder(title, node.get_ref("embed"), stack.layers, residual))
    if not found:
        raise no_part(nlp, "rnn_stack")
    return found


def _stack_of(node: Model[Any, Any]) -> Model[Any, Any] | None:
    """The recurrent layers of a `spacy.Tok2Vec.v2`; None for any other node."""
    if not {"embed", "encode"} <= set(node.ref_names):
        return None
    inner = node.get_ref("encode").walk()
    return next((part for part in inner if part._func is stack.forward), None)


def choose(
    nlp: Language, found: dict[str, Part], part: str, component: str | None
) -> tuple[str, Part]:
    """The component to explain: the one asked for by name, else the first of those found.

    Raises ValueError if there is none, or none with this name.
    """
    if not found:
        raise no_part(nlp, part)
    name = component or next(iter(found))
    check_choice("component", name, list(found))
    return name, found[name]


def no_part(nlp: Language, *parts: str) -> ValueError:
    """The error for a pipeline that has nothing to explain."""
    pipes = ", ".join(nlp.pipe_names) or "no component"
    wanted = ", or ".join(MAKE[part] for part in parts)
    return ValueError(f"The pipeline has {pipes}, but this needs {wanted}.")
