"""Scores of the texts that a component has written."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from spacy.training import Example

from ..checks import check_choice
from ..config_errors import ConfigError
from .extension import check_extension

EXACT, BLEU, CHRF = "exact", "bleu", "chrf"
METRICS = [EXACT, BLEU, CHRF]


def score_outputs(
    examples: Iterable[Example], *, output: str, metrics: Sequence[str], **kwargs: Any
) -> dict[str, float]:
    """Compare texts with those of the reference documents; see `make_text2text_scorer`."""
    pairs = [
        (example.predicted._.get(output) or "", reference)
        for example in examples
        if (reference := example.reference._.get(output)) is not None
    ]
    if not pairs:
        return {}
    texts, references = (list(each) for each in zip(*pairs, strict=True))
    return {f"{output}_{metric}": _SCORES[metric](texts, references) for metric in metrics}


def _exact(texts: list[str], references: list[str]) -> float:
    return sum(map(str.__eq__, texts, references)) / len(texts)


def _bleu(texts: list[str], references: list[str]) -> float:
    return float(_sacrebleu().corpus_bleu(texts, [references]).score) / 100.0


def _chrf(texts: list[str], references: list[str]) -> float:
    return float(_sacrebleu().corpus_chrf(texts, [references]).score) / 100.0


_SCORES: dict[str, Callable[[list[str], list[str]], float]] = {
    EXACT: _exact,
    BLEU: _bleu,
    CHRF: _chrf,
}


def _sacrebleu() -> Any:
    import sacrebleu  # noqa: PLC0415  # an extra

    return sacrebleu


def make_text2text_scorer(
    output: str = "output", metrics: Sequence[str] = (EXACT,)
) -> Callable[..., dict[str, float]]:
    """Score texts by exact match, BLEU and chrF, all from 0 to 1.

    Registered as `spacy-seqrnn.text2text_scorer.v1`. BLEU (Papineni et al. 2002, with the tokens of
    "13a") and chrF (Popović 2015) are those of sacrebleu (Post 2018), of all texts together.

    output: the extension of documents with the text; the names of the scores begin with it.
    metrics: any of "exact", "bleu" and "chrf". The last two need `pip install
        spacy-seqrnn[translation]`.

    Returns the scorer, whose scores are called `output_exact`, `output_bleu` and `output_chrf`.
    Raises ValueError for an unknown metric, and if sacrebleu is needed and not installed.
    """
    check_extension(output)
    if isinstance(metrics, str) or not metrics:
        raise ConfigError(
            "metrics", metrics, f"`metrics = {metrics!r}` is no list: set it to some of {METRICS}."
        )
    for metric in metrics:
        check_choice("metrics", metric, METRICS)
    if set(metrics) - {EXACT}:
        _check_sacrebleu(list(metrics))
    return partial(score_outputs, output=output, metrics=list(metrics))


def _check_sacrebleu(metrics: list[str]) -> None:
    try:
        _sacrebleu()
    except ImportError as error:
        raise ConfigError(
            "metrics",
            metrics,
            f"`metrics = {metrics}` needs sacrebleu: `pip install spacy-seqrnn[translation]`, or "
            f'set it to ["{EXACT}"].',
        ) from error
