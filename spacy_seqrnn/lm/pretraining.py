"""A language model as the objective of `spacy pretrain`.

Peters et al. 2017; for weights that are trained further, Dai and Le 2015.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Model, Ops

from ..config_errors import ConfigError
from ..config_places import pipeline_at_work
from ..saved.layers import describe_layer
from ..saved.shapes import Layer
from .directions import check_words_alone
from .loss import learn_units
from .model import in_chunks, language_model
from .shared import Tok2Vec
from .units import WORDS, Vocabulary, count_units, make_vocabulary

Corpus: TypeAlias = Callable[[Language], Iterable[Example | Doc]]
# From documents to the loss of their words
Objective: TypeAlias = Model[list[Doc], float]


def pretraining_model(
    vocab: Vocab,
    tok2vec: Tok2Vec,
    *,
    corpus: Corpus,
    max_units: int,
    min_count: int,
    cutoffs: Sequence[int],
) -> Objective:
    """What `spacy pretrain` trains; see `PretrainLM`.

    vocab: the pipeline's, which spaCy passes.
    tok2vec: what is pretrained.

    Raises ConfigError for an encoder whose states have read what they would predict.
    """
    model = language_model(tok2vec, unit=WORDS, cutoffs=cutoffs, spaces=False, max_grad_norm=0.0)
    return Layer(
        "pretrain_lm",
        forward,
        init=init,
        layers=[model],
        refs={"tok2vec": tok2vec},
        attrs={
            "corpus": corpus,
            "counting": {"most": max_units, "min_count": min_count},
            "vocabulary": make_vocabulary([]),
            "loss": get_loss,
        },
    )


def forward(
    model: Objective, docs: list[Doc], is_train: bool
) -> tuple[float, Callable[[float], list[Doc]]]:
    """The loss of a batch in nats, of all predictions of all directions.

    The gradients are computed at once, chunk by chunk, as nothing bounds the length of a batch or
    of a document. So the backward pass has nothing left to do.
    """
    lm, loss = model.layers[0], 0.0
    numbers = model.attrs["vocabulary"].numbers_of(docs)
    if not len(numbers):
        return loss, _no_backprop
    softmax, scale = lm.get_ref("softmax"), 1.0 / len(numbers)
    for chunk, found, backprop in in_chunks(lm, docs, is_train=True):
        of_chunk, gradient = learn_units(softmax, found, numbers[chunk.rows], scale)
        loss += of_chunk
        backprop(gradient)
    return loss, _no_backprop


describe_layer(forward)


def get_loss(ops: Ops, docs: list[Doc], loss: float) -> tuple[float, float]:
    """What spaCy asks for between both passes: the loss, and a gradient that nothing reads."""
    return loss, 0.0


def _no_backprop(gradient: float) -> list[Doc]:
    return []


def init(model: Objective, X: list[Doc] | None = None, Y: Any = None) -> None:
    """Count the words of the corpus, and determine the sizes of all layers."""
    lm = model.layers[0]
    check_words_alone(lm.get_ref("tok2vec"), X)  # before counting, which may take minutes
    vocabulary = model.attrs["vocabulary"] = _count_words(model)
    lm.set_dim("nO", vocabulary.size)
    lm.initialize(X=X)


def _count_words(model: Objective) -> Vocabulary:
    nlp, counting = pipeline_at_work(), model.attrs["counting"]
    if nlp is None:
        raise ValueError(
            "PretrainLM counts words with the tokenizer of the pipeline that `spacy pretrain` "
            "creates: name it as `objective` in [pretraining] of a config and run that command."
        )
    words = count_units(_docs(model.attrs["corpus"](nlp)), WORDS, **counting)
    if not words:
        raise ConfigError(
            "corpus",
            None,
            f"No word of `corpus` occurs {counting['min_count']} times: name the raw text that "
            "[pretraining] reads, as in `corpus = ${corpora.pretrain}`, or make `min_count` less.",
        )
    return make_vocabulary(words)


def _docs(examples: Iterable[Example | Doc]) -> Iterator[Doc]:
    """The documents that `spacy pretrain` reads of a corpus."""
    return (each.reference if isinstance(each, Example) else each for each in examples)
