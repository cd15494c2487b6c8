"""Text classification by word n-grams, as a member of an ensemble with a recurrent model."""

from collections.abc import Callable

from spacy.tokens import Doc
from thinc.api import Model

from ..heads.common import check_truth, new_label_bias, probabilities
from ..heads.ngrams import NgramScores, resized_scores
from ..saved.layers import describe_layer, in_turn
from ..saved.shapes import Layer
from ..types import Floats2d


def NgramTextCat(
    *,
    exclusive_classes: bool,
    ngram_size: int = 2,
    rows: int = 262144,
    dropout: float = 0.5,
    nO: int | None = None,
) -> Model[list[Doc], Floats2d]:
    """Classify texts by their word n-grams, with a linear model.

    Registered as `spacy-seqrnn.NgramTextCat.v1`. It differs from `spacy.TextCatBOW.v3` in what
    makes such a model strong on sentiment (Wang and Manning 2012): n-grams are lower-cased, count
    once per text, and are dropped at random in training.

    exclusive_classes: True for `textcat` (softmax), False for `textcat_multilabel` (logistic).
    ngram_size: words of the longest n-grams; all shorter ones count too.
    rows: rows of the table of scores; the hash of an n-gram selects two of them.
    dropout: rate at which n-grams are dropped in training.
    nO: number of labels; set by the component.

    Returns a model that maps documents to probabilities, shape (n_docs, nO). A document without
    tokens has 0 for every label.
    Raises ValueError for an option out of its range.
    """
    scores = NgramScores(ngram_size=ngram_size, rows=rows, dropout=dropout, nO=nO)
    return Layer(
        "ngram_textcat",
        forward,
        init=init,
        dims={"nO": nO},
        layers=[scores],
        refs={"output_layer": scores},
        attrs={"multi_label": not exclusive_classes, "resize_output": resize_output},
    )


def forward(
    model: Model[list[Doc], Floats2d], docs: list[Doc], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Doc]]]:
    logits, backprop_scores = model.layers[0](docs, is_train)
    lengths = model.ops.asarray1i([len(doc) for doc in docs])
    Y, backprop_probabilities = probabilities(model, logits, lengths)

    def backprop(dY: Floats2d) -> list[Doc]:
        d_docs: list[Doc] = backprop_scores(backprop_probabilities(dY))
        return d_docs

    return Y, backprop


describe_layer(forward, width=in_turn)


def init(
    model: Model[list[Doc], Floats2d], X: list[Doc] | None = None, Y: Floats2d | None = None
) -> None:
    check_truth(model, Y)
    if Y is not None:
        model.set_dim("nO", Y.shape[1])
    model.layers[0].set_dim("nO", model.get_dim("nO"))
    model.layers[0].initialize()


def resize_output(model: Model[list[Doc], Floats2d], nO: int) -> Model[list[Doc], Floats2d]:
    """Make room for `nO` labels. What was learned for the old ones is kept."""
    old = model.layers[0]
    model.replace_node(old, resized_scores(old, nO, new_bias=new_label_bias(old)))
    model.set_dim("nO", nO, force=True)
    return model
