"""The log that `spacy train` leaves beside its pipelines, the source of the learning curves.

spaCy's own logger can write to a file too, but the file must be named in advance and must not
exist. That logger keeps the last lines in memory until training ends, and records neither time nor
words.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import srsly
from spacy.language import Language
from spacy.training.loggers import console_logger_v3

from ..checks import check_choice
from ..saved.one_file import replace_file

NAME = "spacy-seqrnn.TrainingLog.v1"
FILE = "training.jsonl"
PROGRESS_BARS = ("train", "eval")

Logger = tuple[Callable[[dict[str, Any] | None], None], Callable[[], None]]


def create_training_log(progress_bar: str | None = None) -> Callable[..., Logger]:
    """Print spaCy's table of the training, and log it to the output folder.

    A logger for `[training.logger]`, registered as `spacy-seqrnn.TrainingLog.v1`. It writes
    `training.jsonl` beside `model-best`, a line per evaluation, so that nothing is lost if training
    is killed. Without an output folder it only prints.

    progress_bar: as in `spacy.ConsoleLogger.v3`: null, "train" or "eval".

    Raises ValueError for another `progress_bar`, which spaCy's logger rejects only when training
    begins.
    """
    if progress_bar is not None:
        check_choice("progress_bar", progress_bar, list(PROGRESS_BARS))
    console = console_logger_v3(progress_bar=progress_bar)

    def setup(nlp: Language, stdout: IO[str], stderr: IO[str]) -> Logger:
        log_to_console, finalize = console(nlp, stdout, stderr)
        log_to_file = TrainingLog()

        def log_step(info: dict[str, Any] | None) -> None:
            log_to_console(info)
            log_to_file(info)

        return log_step, finalize

    return setup


class TrainingLog:
    """Writes what spaCy passes to a logger."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._path: Path | None = None

    def __call__(self, info: dict[str, Any] | None) -> None:
        """info: the results of an evaluation; None at the steps in between."""
        if info is None or "output_path" not in info:
            return
        if self._path is None:
            # The folder of `model-last` is known only from here.
            self._path = Path(info["output_path"]).with_name(FILE)
            self._begin(self._path, info)
        line = srsly.json_dumps(line_of(info, time.perf_counter() - self._start)) + "\n"
        with self._path.open("a", encoding="utf8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())  # a resumed run relies on the rows before its first one

    def _begin(self, path: Path, info: dict[str, Any]) -> None:
        """Empty the file, except for the rows before a resumed run's first evaluation."""
        # The results so far are those of the whole run.
        is_resumed = len(info.get("checkpoints", ())) > 1
        rows = list(_rows(path)) if is_resumed and path.exists() else []
        before = "".join(line for row, line in rows if row["step"] < info["step"])
        replace_file(path, lambda file: file.write(before.encode()))
        if is_resumed:
            # The process may have stopped before it logged this evaluation, or after that.
            known = [row["seconds"] for row, _ in rows if row["step"] <= info["step"]]
            self._start -= max([info["seconds"], *known])


def _rows(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """The rows of a log and their lines, up to one that is incomplete or damaged."""
    for line in path.read_text(encoding="utf8", errors="replace").splitlines(keepends=True):
        try:
            row = srsly.json_loads(line)
        except ValueError:
            return
        if not line.endswith("\n"):
            return
        yield row, line


def line_of(info: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The log's entry for an evaluation.

    losses: summed over the steps since the previous evaluation, by component.
    scores: all numeric scores, such as `ents_f`, from 0 to 1.
    seconds: since training began, including evaluations. words: how many were trained on since
        then.
    """
    scores = info["other_scores"].items()
    return {
        "epoch": info["epoch"],
        "step": info["step"],
        "losses": {name: float(loss) for name, loss in info["losses"].items()},
        "score": float(info["score"]),
        "scores": {name: float(score) for name, score in scores if _is_number(score)},
        "seconds": round(seconds, 3),
        "words": int(info["words"]),
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
