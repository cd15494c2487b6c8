"""Documents as bags of word n-grams, scored by a sparse linear layer."""

from collections.abc import Callable

from spacy.attrs import LOWER
from spacy.ml.extract_ngrams import extract_ngrams
from spacy.tokens import Doc
from thinc.api import Model, SparseLinear_v2

from ..types import Floats2d

NgramScores = Model[list[Doc], Floats2d]


def ngram_scores(*, ngram_size: int, length: int, dropout: float, nO: int | None) -> NgramScores:
    """Add up a score per label for every distinct n-gram of lower-case words in a document.

    ngram_size: words of the longest n-grams; all shorter ones count too.
    length: weights per label. An n-gram has two of them, by its hash.
    dropout: rate at which n-grams are left out in training.
    nO: number of labels.

    Returns a model to scores of shape (n_docs, nO).
    """
    return Model(
        "ngram_scores",
        forward,
        init=init,
        dims={"nO": nO},
        layers=[extract_ngrams(ngram_size, LOWER), SparseLinear_v2(nO=nO, length=length)],
        attrs={"ngram_dropout": dropout},
    )


def forward(model: NgramScores, docs: list[Doc], is_train: bool) -> tuple[Floats2d, Callable]:
    extract, linear = model.layers
    keys, counts, lengths = extract.predict(docs)
    # Whether a document has an n-gram says more about it than how often (Pang et al. 2002).
    present = model.ops.xp.ones_like(counts)
    rate = model.attrs["ngram_dropout"]
    if is_train and rate:
        present *= model.ops.get_dropout_mask(present.shape, rate)
    Y, backprop_linear = linear((keys, present, lengths), is_train)

    def backprop(dY: Floats2d) -> list[Doc]:
        backprop_linear(model.ops.as_contig(dY))
        return []

    return Y, backprop


def init(model: NgramScores, X: list[Doc] | None = None, Y: Floats2d | None = None) -> None:
    model.layers[1].set_dim("nO", model.get_dim("nO"))
    model.layers[1].initialize()
