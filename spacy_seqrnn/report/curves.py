"""Learning curves of a training run that kept a log."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import srsly
from spacy.util import registry
from thinc.api import Optimizer

from .log import FILE, NAME

HOW_TO_LOG = (
    "There are no learning curves, because this training run kept no log: set "
    f'`@loggers = "{NAME}"` in [training.logger] of the config and train again.'
)


@dataclass(frozen=True)
class Curves:
    """What was logged at each evaluation of a training run.

    losses: by component, the mean over the steps since the previous evaluation.
    score: the score that selects the best pipeline, from 0 to 1.
    scores: the scores that it is computed from, from 0 to 1.
    learn_rate: at that step; None if the config does not say.
    words_per_second: since the previous evaluation, including the time to evaluate and to save;
        None for the first.
    """

    step: list[int]
    epoch: list[int]
    seconds: list[float]
    words: list[int]
    losses: dict[str, list[float]]
    score: list[float]
    scores: dict[str, list[float]]
    learn_rate: list[float] | None
    words_per_second: list[float | None]

    @property
    def best(self) -> int:
        """The index of the evaluation with the best score; the first if several have it."""
        return self.score.index(max(self.score))


def read_curves(folder: Path, config: dict[str, Any]) -> Curves | None:
    """The curves of a training run; None if it kept no log.

    folder: the output of `spacy train`.
    config: the interpolated config of the pipeline.

    Raises ValueError if the log is damaged.
    """
    # The folder may contain the log of an earlier run.
    if not _logs(config["training"]["logger"]) or not (folder / FILE).exists():
        return None
    lines = list(_lines(folder / FILE))
    return _curves(lines, config) if lines else None


def _logs(logger: Any) -> bool:
    """Whether a logger's config names this package's logger, alone or in a chain of loggers."""
    if not isinstance(logger, dict):
        return False
    return logger.get("@loggers") == NAME or any(map(_logs, logger.values()))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    text = path.read_text(encoding="utf8")
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if not line.endswith("\n"):
            return  # training was killed while it wrote this line
        try:
            yield srsly.json_loads(line)
        except ValueError as error:
            raise ValueError(
                f"Line {number} of '{path}' is not JSON: delete the file for a report without "
                "curves."
            ) from error


def _curves(lines: list[dict[str, Any]], config: dict[str, Any]) -> Curves:
    steps = [line["step"] for line in lines]
    # The first evaluation follows the first step.
    sizes = [b - a for a, b in pairwise([-1, *steps])]
    wanted = [
        key for key, weight in config["training"]["score_weights"].items() if weight is not None
    ]
    return Curves(
        step=steps,
        epoch=[line["epoch"] for line in lines],
        seconds=[line["seconds"] for line in lines],
        words=[line["words"] for line in lines],
        losses={
            name: [line["losses"][name] / n for line, n in zip(lines, sizes, strict=True)]
            for name in lines[0]["losses"]
        },
        score=[line["score"] for line in lines],
        scores={
            name: [line["scores"].get(name, 0.0) for line in lines]
            for name in wanted
            if any(name in line["scores"] for line in lines)
        },
        learn_rate=learn_rates(config["training"]["optimizer"], steps),
        words_per_second=[None, *(_speed(a, b) for a, b in pairwise(lines))],
    )


def _speed(before: dict[str, Any], after: dict[str, Any]) -> float | None:
    seconds = after["seconds"] - before["seconds"]
    return (after["words"] - before["words"]) / seconds if seconds > 0 else None


def learn_rates(optimizer_config: dict[str, Any], steps: list[int]) -> list[float] | None:
    """The learning rate of an optimizer at each step, by its schedule.

    steps: ascending. Returns None for an optimizer that is not Thinc's.
    """
    optimizer = registry.resolve({"optimizer": optimizer_config})["optimizer"]
    if not isinstance(optimizer, Optimizer):
        return None
    rates = []
    wanted = set(steps)
    for step in range(steps[-1] + 1):
        if step in wanted:
            rates.append(float(optimizer.learn_rate))
        optimizer.step_schedules()
    return rates
