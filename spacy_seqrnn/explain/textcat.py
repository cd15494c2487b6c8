"""Why a text classifier predicts a category: pooling weights, and integrated gradients.

Integrated gradients (Sundararajan et al. 2017) attribute to the tokens the difference between a
text's probability and that of a baseline whose token vectors are all zero. Along the straight line
between both, each token's attribution is its vector times the gradient. Scores of n-grams grow
along the same line; an n-gram's share of the difference goes to its tokens in equal parts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Ragged

from ..batch.packed import join
from ..checks import check_choice, check_int
from ..draw.html import page, table, visible
from ..heads.ngrams import token_scores
from ..heads.pooling import POOLINGS, attention_weights
from ..types import Floats1d, Floats2d, Floats3d
from .find import choose, find_classifiers, make_doc

MOST_STEPS = 10_000
# How many points of the line are differentiated at once
BATCH = 64
DROPOUTS = ("dropout_rate", "fixed_dropout_rate", "word_dropout_rate")


@dataclass(frozen=True)
class PoolingView:
    """What one pooling takes from each token.

    name: the pooling.
    meaning: what the values mean.
    values: one for each token.
    """

    name: str
    meaning: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class ModelExplanation:
    """How one `TextCat.v1` classifies a text.

    over: "embedded words" if the explanation includes the encoder, "token vectors" if not, as with
        a listener.
    probability: of the explained category.
    baseline: the probability with all token vectors zero.
    attributions: the contribution of each token to the probability. They sum to the difference of
        both, up to the error of numerical integration.
    poolings: what each pooling takes from each token.
    """

    over: str
    probability: float
    baseline: float
    attributions: tuple[float, ...]
    poolings: tuple[PoolingView, ...]


@dataclass(frozen=True)
class TextCatExplanation:
    """How a text classifier classifies a text.

    component: its name in the pipeline.
    tokens: the tokens of the text.
    scores: the probability of each category.
    label: the explained category.
    models: each `TextCat.v1` of the classifier: one, or the members of an ensemble.
    """

    component: str
    tokens: tuple[str, ...]
    scores: dict[str, float]
    label: str
    models: tuple[ModelExplanation, ...]

    @property
    def attributions(self) -> tuple[float, ...]:
        """What each token adds to the probability, in the mean of the models."""
        return tuple(np.mean([model.attributions for model in self.models], axis=0).tolist())

    def tables(self, top: int | None = None) -> list[tuple[str, list[str], list[list[str]]]]:
        """Title, header and rows of each table. top: only the tokens with the largest effect."""
        scores = [[label, f"{score:.4f}"] for label, score in self.scores.items()]
        tables = [("Categories", ["category", "probability"], scores)]
        for i, model in enumerate(self.models):
            header = ["token", "integrated gradients", *(_title(view) for view in model.poolings)]
            number = f", model {i + 1}" if len(self.models) > 1 else ""
            title = (
                f"What speaks for {self.label}{number}: {model.baseline:.4f} without words, "
                f"{model.probability:.4f} with them ({model.over})"
                f"{self._shown(top)}"
            )
            tables.append((title, header, self._rows(model, top)))
        return tables

    def _shown(self, top: int | None) -> str:
        left_out = top is not None and top < len(self.tokens)
        return f", the {top} tokens with the largest effect" if left_out else ""

    def _rows(self, model: ModelExplanation, top: int | None) -> list[list[str]]:
        weights = -np.abs(model.attributions)
        shown = sorted(np.argsort(weights, kind="stable")[:top].tolist())
        values = [view.values for view in model.poolings]
        return [
            [
                visible(self.tokens[i]),
                f"{model.attributions[i]:+.4f}",
                *(f"{v[i]:.4g}" for v in values),
            ]
            for i in shown
        ]

    def _repr_html_(self) -> str:
        parts = [table(*one) for one in self.tables()]
        return page(f"Categories by {self.component}", parts)


def _title(view: PoolingView) -> str:
    return f"{view.name}: {view.meaning}"


def explain_textcat(
    nlp: Language,
    text: str,
    *,
    label: str | None = None,
    component: str | None = None,
    steps: int = 128,
) -> TextCatExplanation:
    """Explain the text classifier of a pipeline.

    nlp: a pipeline with `textcat` or `textcat_multilabel` of `TextCat.v1`.
    text: the text to classify.
    label: the category to explain; None: the most probable one.
    component: the name of the classifier; None: the first one.
    steps: points of the line at which gradients are taken. More points make the sum more exact.

    Raises ValueError for a pipeline without such a classifier, an unknown label, or an empty text.
    """
    check_int("steps", steps, 1, MOST_STEPS)
    name, models = choose(nlp, find_classifiers(nlp), "seqrnn_textcat", component)
    doc = make_doc(nlp, text)
    labels = list(nlp.pipe_labels[name])
    label = label or max(labels, key=doc.cats.__getitem__)
    check_choice("label", label, labels)
    number = labels.index(label)
    return TextCatExplanation(
        component=name,
        tokens=tuple(token.text for token in doc),
        scores={each: float(doc.cats[each]) for each in labels},
        label=label,
        models=tuple(_explain(model, doc, number, steps) for model in models),
    )


def _explain(model: Model[Any, Any], doc: Doc, label: int, steps: int) -> ModelExplanation:
    tok2vec = model.get_ref("tok2vec")
    inside = {"embed", "encode"} <= set(tok2vec.ref_names)
    below = tok2vec.get_ref("embed") if inside else tok2vec
    vectors = model.ops.asarray(below.predict([doc])[0], dtype="float32")
    # Copies, so that no gradients of weights stay in the pipeline.
    pooling, output_layer = model.get_ref("pooling").copy(), model.get_ref("output_layer").copy()
    encode = tok2vec.get_ref("encode").copy() if inside else None
    for part in filter(None, [encode, pooling, output_layer]):
        _without_dropout(part)
    ngrams = model.maybe_get_ref("ngrams")
    head = Head(
        encode,
        pooling,
        output_layer,
        model.attrs["multi_label"],
        ngrams=None if ngrams is None else token_scores(ngrams, doc),
        bias=0.0 if ngrams is None else ngrams.get_param("b"),
    )
    ends = model.ops.asarray1f([0.0, 1.0])
    (baseline, probability), gradients, _ = head.gradients(vectors, ends, label)
    return ModelExplanation(
        over="embedded words" if inside else "token vectors",
        probability=float(probability),
        baseline=float(baseline),
        attributions=integrated_gradients(head, vectors, label, steps),
        poolings=_pooling_views(head, vectors, (gradients[1] * vectors).sum(axis=1)),
    )


def _without_dropout(model: Model[Any, Any]) -> None:
    for node in model.walk():
        node.attrs.update({name: 0.0 for name in DROPOUTS if name in node.attrs})


@dataclass(frozen=True)
class Head:
    """The part of a classifier after the vectors that are explained.

    encode: maps a list of token vectors to vectors in context; None if they already are.
    ngrams: what the n-grams of each token add to the logits, (n_tokens, nO); None without n-grams.
    bias: what the n-gram model adds to the logits of every text.
    """

    encode: Model[Any, Any] | None
    pooling: Model[Any, Any]
    output_layer: Model[Any, Any]
    multi_label: bool
    ngrams: Floats2d | None
    bias: Floats1d | float

    def encoded(self, vectors: Floats2d) -> Floats2d:
        """The input of the pooling. Shape (n_tokens, width)."""
        return self.encode.predict([vectors])[0] if self.encode else vectors

    def gradients(
        self, vectors: Floats2d, shares: Floats1d, label: int
    ) -> tuple[Floats1d, Floats3d, Floats2d]:
        """The probability of a category at points between no words and the text.

        vectors: token vectors of the text, (n_tokens, width).
        shares: how far along the line each point is, from 0 to 1. Shape (n_points,).

        Returns the probabilities, (n_points,), and their gradients for the token vectors,
        (n_points, n_tokens, width), and for the logits, (n_points, nO).
        """
        ops = self.pooling.ops
        texts = shares[:, None, None] * vectors
        X, backprop_X = self._encode(list(texts))
        pooled, backprop_pooled = self.pooling(X, True)
        logits, backprop_logits = self.output_layer(pooled, True)
        if self.ngrams is not None:
            logits += shares[:, None] * self.ngrams.sum(axis=0) + self.bias
        Y = ops.sigmoid(logits) if self.multi_label else ops.softmax(logits)
        p = Y[:, label].copy()
        d_logits = -p[:, None] * (Y * 0 if self.multi_label else Y)
        d_logits[:, label] = p * (1 - p)
        dX = backprop_pooled(backprop_logits(ops.as_contig(d_logits)))
        return p, backprop_X(dX).reshape(texts.shape), d_logits

    def _encode(self, texts: list[Floats2d]) -> tuple[Ragged, Callable[[Ragged], Floats2d]]:
        ops = self.pooling.ops
        lengths = ops.asarray1i([len(text) for text in texts])
        if self.encode is None:
            return Ragged(join(ops, texts), lengths), _rows_of
        Ys, backprop = self.encode(texts, True)

        def backprop_rows(dX: Ragged) -> Floats2d:
            return join(ops, backprop(ops.unflatten(dX.dataXd, ops.to_numpy(lengths))))

        return Ragged(join(ops, Ys), lengths), backprop_rows


def _rows_of(dX: Ragged) -> Floats2d:
    return dX.dataXd


def integrated_gradients(
    head: Head, vectors: Floats2d, label: int, steps: int
) -> tuple[float, ...]:
    """The contribution of each token to the probability of a category (Sundararajan et al. 2017).

    vectors: the token vectors, shape (n_tokens, width). The baseline is zeros.
    steps: points of the Gauss-Legendre rule on the line between both.
    """
    xp = head.pooling.ops.xp
    points, weights = np.polynomial.legendre.leggauss(steps)
    of_vectors = xp.zeros(vectors.shape)
    of_logits: Any = 0.0  # (nO,)
    for i in range(0, steps, BATCH):
        # The rule is defined on the interval from -1 to 1; the line goes from 0 to 1.
        shares = xp.asarray((points[i : i + BATCH] + 1) / 2, dtype="float32")
        parts = xp.asarray(weights[i : i + BATCH] / 2)[:, None]
        _, d_vectors, d_logits = head.gradients(vectors, shares, label)
        of_vectors += (d_vectors * parts[:, :, None]).sum(axis=0)
        of_logits += (d_logits * parts).sum(axis=0)
    attributions = (of_vectors * vectors).sum(axis=1)
    if head.ngrams is not None:
        attributions += head.ngrams @ of_logits
    return tuple(attributions.tolist())


def _pooling_views(
    head: Head, vectors: Floats2d, gradient_input: Floats1d
) -> tuple[PoolingView, ...]:
    """What each pooling of the model takes from each token.

    gradient_input: gradient times vector of each token, shape (n_tokens,), for poolings that read
        only the first and last states, where weights would say nothing about the tokens between.
    """
    X = head.encoded(vectors)
    views = []
    for node in head.pooling.walk():
        name = node.name.removesuffix("_pooling")
        if name in POOLINGS:
            meaning, values = _view(name, node, X, gradient_input)
            views.append(PoolingView(name, meaning, tuple(values.tolist())))
    return tuple(views)


def _view(
    name: str, node: Model[Any, Any], X: Floats2d, gradient_input: Floats1d
) -> tuple[str, Floats1d]:
    xp = node.ops.xp
    if name.endswith("attention"):
        _, weights = attention_weights(node, X, node.ops.asarray1i([len(X)]))
        return "weight", weights[:, 0]
    if name == "max":
        return "dimensions won", xp.bincount(X.argmax(axis=0), minlength=len(X))
    if name == "mean":
        return "weight", xp.full(len(X), 1 / len(X))
    return "gradient times input", gradient_input
