"""Probabilities of categories that mean what they say, and a threshold for each category.

A category's logit is divided by a temperature (Guo et al. 2017): one for all categories if they
exclude each other, else one for each. A threshold other than that of the component is a shift of
the logit. Both are multiplied into the output layer, so prediction takes no longer, and a saved
pipeline needs nothing new. All members of an ensemble get the same temperatures and shifts: those
for which the mean of their probabilities fits best.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from spacy.language import Language
from spacy.pipeline import TextCategorizer
from spacy.training import Example
from spacy.util import minibatch
from thinc.api import Model

from ..architectures import ensembles, ngrams, textcat
from ..checks import check_choice
from ..heads import linear
from ..heads import ngrams as ngram_scores
from ..temperature import best_temperature
from ..types import Floats1d

# Bounds of probabilities that are 0 or 1 in float32. Those of labels that exclude each other are
# only bounded below, as their logarithms are used.
SMALLEST_PROBABILITY, SMALLEST_EXCLUSIVE = 1e-7, 1e-37
BISECTIONS = 60  # halve an interval to the precision of float64
RESCALE = {linear.forward: linear.rescale, ngram_scores.forward: ngram_scores.rescale}


@dataclass(frozen=True)
class TextCatCalibration:
    """What was fitted to the examples.

    component: the name of the classifier.
    temperatures: by label; all the same if the labels exclude each other.
    thresholds: the probability from which a label is predicted, by label; empty if none were
        fitted. They are now at the threshold of the component.
    log_loss: the mean negative log probability of the annotation, before and after the
        temperatures.
    """

    component: str
    temperatures: dict[str, float]
    thresholds: dict[str, float]
    log_loss: tuple[float, float]


@dataclass(frozen=True)
class _Judged:
    """Predictions and their annotation.

    logits: of each member, alone or of an ensemble. Shape (n_members, n_docs, nO); for labels that
        exclude each other up to a constant for each text.
    truth: 1, 0, or NaN if unknown. Shape (n_docs, nO).
    """

    logits: np.ndarray
    truth: np.ndarray


# The losses of predictions at a temperature, or at one for each label
Losses: TypeAlias = Callable[[_Judged, Any], np.ndarray]


def calibrate_textcat(
    nlp: Language,
    examples: Iterable[Example],
    *,
    component: str | None = None,
    thresholds: bool = False,
    batch_size: int = 256,
) -> TextCatCalibration:
    """Fit the temperature of a classifier's probabilities, and on request thresholds.

    nlp: a pipeline with `textcat` or `textcat_multilabel` of `TextCat.v1`, `NgramTextCat.v1` or a
        `TextCatEnsemble.v1` of these, which is changed.
    examples: annotated examples that the model was not trained on, ideally the development data.
    component: the name of the classifier; None: the first one.
    thresholds: also find the probability from which each label should be predicted for the best
        F1, and shift the label's logit so that it is at the component's `threshold`. The shifted
        scores are no longer probabilities. Only for `textcat_multilabel`.
    batch_size: how many examples are read at a time.

    More training undoes the fit, so calibrate last. The most probable category stays the same,
    except that with an ensemble it can change where the members disagree.

    Raises ValueError if there is no such classifier, no annotation, or if `thresholds` are asked of
    labels that exclude each other.
    """
    name = _choose(nlp, component)
    pipe: Any = nlp.get_pipe(name)
    multi_label = bool(pipe.model.attrs["multi_label"])
    if thresholds and not multi_label:
        raise ValueError(
            f"'{name}' predicts exactly one category, the most probable one, so thresholds have "
            "no effect: omit them."
        )
    judged = _judge(nlp, name, examples, batch_size)
    losses: Losses = _independent_losses if multi_label else _exclusive_losses
    temperatures = (
        _by_label(judged) if multi_label else np.full(len(pipe.labels), _fit(judged, losses))
    )
    loss = losses(judged, 1.0).mean(), losses(judged, temperatures).mean()
    shifts = np.zeros(len(pipe.labels))
    cuts: dict[str, float] = {}
    if thresholds:
        own = float(pipe.cfg["threshold"])
        scores = _logistic(_logit(own) - shifts_to(own, judged.logits / temperatures))
        found = [best_threshold(*column) for column in zip(scores.T, judged.truth.T, strict=True)]
        cuts = {label: p for label, p in zip(pipe.labels, found, strict=True) if p is not None}
        shifts = np.asarray([0.0 if p is None else _logit(own) - _logit(p) for p in found])
    for member in _members(pipe.model):
        rescale(member, 1.0 / temperatures, shifts)
    by_label = dict(zip(pipe.labels, temperatures.tolist(), strict=True))
    return TextCatCalibration(name, by_label, cuts, (float(loss[0]), float(loss[1])))


def rescale(model: Model[Any, Any], scale: np.ndarray, shift: np.ndarray) -> None:
    """Multiply the logits of each label, (nO,), and then add to them, (nO,)."""
    ops = model.ops
    layers = [model.get_ref(ref) for ref in ("output_layer", "ngrams") if model.has_ref(ref)]
    for layer in layers:
        RESCALE[layer._func](layer, ops.asarray1f(scale.tolist()))
    bias: Floats1d = layers[0].get_param("b")
    layers[0].set_param("b", bias + ops.asarray1f(shift.tolist()))


def best_threshold(scores: np.ndarray, truth: np.ndarray) -> float | None:
    """The probability from which a label should be predicted for the best F1.

    scores: of each document. Shape (n_docs,). truth: 1, 0 or NaN.

    Returns the middle between the last score above it and the first one below; None if no document
    has the label.
    """
    known = ~np.isnan(truth)
    order = np.argsort(-scores[known], kind="stable")
    scores, truth = scores[known][order], truth[known][order]
    if not truth.any():
        return None
    n_right = truth.cumsum()
    f1 = 2 * n_right / (np.arange(1, len(truth) + 1) + truth.sum())
    below = np.append(scores[1:], -1.0)
    f1[scores == below] = 0.0  # equal scores are on the same side
    last = int(f1.argmax())
    return float((scores[last] + max(below[last], 0.0)) / 2)


def shifts_to(p: float, logits: np.ndarray) -> np.ndarray:
    """What each logit needs added for the mean of the members' probabilities to be `p`.

    logits: shape (n_members, n_docs, nO). Returns shape (n_docs, nO).
    """
    low, high = _logit(p) - logits.max(axis=0), _logit(p) - logits.min(axis=0)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        too_high = _logistic(logits + middle).mean(axis=0) > p
        low, high = np.where(too_high, low, middle), np.where(too_high, middle, high)
    shifts: np.ndarray = (low + high) / 2
    return shifts


def find_calibratable(nlp: Language) -> list[str]:
    """The components of a pipeline that `calibrate_textcat` can calibrate."""
    return [
        name
        for name, pipe in nlp.pipeline
        if isinstance(pipe, TextCategorizer) and _members(pipe.model)
    ]


def _members(model: Model[Any, Any]) -> list[Model[Any, Any]]:
    """The model, or the members of an ensemble; none if one of them cannot be calibrated."""
    members = list(model.layers) if model._func is ensembles.textcat_forward else [model]
    made_here = all(member._func in (textcat.forward, ngrams.forward) for member in members)
    return members if made_here else []


def nothing_to_calibrate(nlp: Language) -> ValueError:
    """The error for a pipeline without a component that can be calibrated."""
    return ValueError(
        f"The pipeline has {', '.join(nlp.pipe_names) or 'no component'}, but this needs a "
        "`seqrnn_ner`, or a `textcat` or `textcat_multilabel` with `spacy-seqrnn.TextCat.v1`, "
        "`spacy-seqrnn.NgramTextCat.v1` or an ensemble of these as its model."
    )


def _choose(nlp: Language, component: str | None) -> str:
    names = find_calibratable(nlp)
    if not names:
        raise nothing_to_calibrate(nlp)
    name = component or names[0]
    check_choice("component", name, names)
    return name


def _judge(nlp: Language, name: str, examples: Iterable[Example], batch_size: int) -> _Judged:
    pipe: Any = nlp.get_pipe(name)
    labels: tuple[str, ...] = pipe.labels
    exclusive = not pipe.model.attrs["multi_label"]
    scores, truths = [], []
    with nlp.select_pipes(disable=nlp.pipe_names[nlp.pipe_names.index(name) :]):
        for batch in minibatch(_annotated(examples, labels, exclusive), batch_size):
            docs = list(nlp.pipe(example.predicted for example in batch))
            of_members = [member.predict(docs) for member in _members(pipe.model)]
            scores.append([pipe.model.ops.to_numpy(p) for p in of_members])
            truths += [[eg.reference.cats.get(label, np.nan) for label in labels] for eg in batch]
    if not truths:
        raise ValueError(
            f"'{name}' cannot be calibrated: no example has a word and one of its categories "
            f"{', '.join(labels)}. Use annotated examples."
        )
    p = np.concatenate(scores, axis=1).astype("float64")  # (n_members, n_docs, nO)
    truth = np.asarray(truths, dtype="float64")
    if exclusive:
        return _Judged(np.log(p.clip(SMALLEST_EXCLUSIVE)), truth)
    return _Judged(_logit(p.clip(SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)), truth)


def _annotated(
    examples: Iterable[Example], labels: Iterable[str], exclusive: bool
) -> Iterator[Example]:
    """Those that have words and an annotation."""
    labels = set(labels)
    for example in examples:
        values = [value for label, value in example.reference.cats.items() if label in labels]
        if len(example.predicted) and values and (max(values) > 0 or not exclusive):
            yield example


def _fit(judged: _Judged, losses: Losses) -> float:
    return best_temperature(lambda temperature: float(losses(judged, temperature).mean()))


def _by_label(judged: _Judged) -> np.ndarray:
    """A temperature for each label; 1 for a label that all texts have, or none. Shape (nO,)."""
    temperatures = []
    for label, truth in enumerate(judged.truth.T):
        column = _Judged(judged.logits[:, :, label], truth)
        known = truth[~np.isnan(truth)]
        # Without texts of both kinds, the lowest loss would be that of a constant.
        fits = len(known) and known.min() < known.max()
        temperatures.append(_fit(column, _independent_losses) if fits else 1.0)
    return np.asarray(temperatures)


def _exclusive_losses(judged: _Judged, temperature: Any) -> np.ndarray:
    """The negative log probability of each text's category. Shape (n_docs,)."""
    logits = judged.logits / temperature
    log_p = logits - np.logaddexp.reduce(logits, axis=2, keepdims=True)
    gold = np.nan_to_num(judged.truth).argmax(axis=1)
    return -_log_mean(log_p[:, np.arange(len(gold)), gold])


def _independent_losses(judged: _Judged, temperature: Any) -> np.ndarray:
    """The negative log probability of each known label of each text. Shape (n_known,)."""
    logits = judged.logits / temperature
    known = ~np.isnan(judged.truth)
    # log(1 + exp(x)) for x = ∓logit, without overflow
    log_p = -np.logaddexp(0.0, np.where(judged.truth > 0, -logits, logits))
    losses: np.ndarray = -_log_mean(log_p)[known]
    return losses


def _log_mean(log_p: np.ndarray) -> np.ndarray:
    """The logarithm of the mean of the members' probabilities. log_p: (n_members, ...)."""
    mean: np.ndarray = np.logaddexp.reduce(log_p, axis=0) - np.log(len(log_p))
    return mean


def _logit(p: Any) -> Any:
    return np.log(p) - np.log1p(-p)


def _logistic(x: np.ndarray) -> np.ndarray:
    p: np.ndarray = 1.0 / (1.0 + np.exp(-x))
    return p
