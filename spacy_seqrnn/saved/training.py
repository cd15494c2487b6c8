"""A training loop that can be stopped at any moment without leaving half a pipeline.

`spacy train` deletes `model-best` and then copies `model-last` there file by file, and has no
setting to change that. The loop here uses the same parts, those of `spacy.training.loop`, and
differs from `spacy.training.loop.train` only in how it saves: also the state of training, so that a
run that was stopped can go on.

The state is saved before the two pipelines of its evaluation. Whenever the process is stopped, they
are as new as the state or one evaluation older, and a resumed run begins by saving them.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.training import loop
from spacy.util import registry, resolve_dot_names
from thinc.api import fix_random_seed, set_gpu_allocator
from wasabi.printer import Printer

from .batches import RepeatableBatches
from .checkpoints import guard
from .replay import Replay, Scores
from .resuming import Step, TrainingRun
from .unfinished import Unfinished, remove_state
from .whole import CONFIG, change, contents


def train(
    nlp: Language,
    output: Path,
    *,
    use_gpu: int,
    stdout: IO[str],
    stderr: IO[str],
    unfinished: Unfinished | None = None,
) -> None:
    """Train a pipeline as `spacy train` does, into `model-best` and `model-last` of a folder.

    nlp: an initialised pipeline with its whole config.
    output: the folder. Each of the two pipelines in it is complete and from one evaluation,
        whenever the process is stopped.
    use_gpu: number of the GPU, -1 for the CPU. It must already be active.
    stdout, stderr: where the logger of the config prints.
    unfinished: the run in this folder that goes on; None to begin anew.

    Raises CannotResume if the run cannot go on; then nothing has been changed.
    """
    config = nlp.config.interpolate()
    _set_up(config["training"], use_gpu)
    training = registry.resolve(config["training"], schema=ConfigSchemaTraining)
    checkpoints = Checkpoints(nlp, output, training)
    names = [training["train_corpus"], training["dev_corpus"]]
    train_corpus, dev_corpus = resolve_dot_names(config, names)
    batches = RepeatableBatches(
        loop.create_train_batches(nlp, train_corpus, training["batcher"], training["max_epochs"]),
        unfinished.drawn if unfinished else {},
    )
    evaluate = loop.create_evaluation_callback(nlp, dev_corpus, training["score_weights"])
    before_update = training["before_update"]
    run = TrainingRun(nlp, output, training, batches)
    if unfinished is None:
        steps = _steps(nlp, training, batches, evaluate, before_update)
        remove_state(output)
        checkpoints.remove_earlier()
    else:
        run.check(unfinished)
        _say_where_it_goes_on(unfinished, stdout)
        replay = Replay(nlp, evaluate, before_update, unfinished.results)
        steps = _steps(replay, training, batches, replay.evaluate, replay.before_update)
        steps = run.resume(unfinished, steps, replay, stderr)
    _take(steps, run, nlp, training, checkpoints, stdout, stderr)
    remove_state(output)
    saved = Printer(no_print=True).good("Saved pipeline to output directory", checkpoints.shown)
    stdout.write(f"{saved}\n")


def _take(
    steps: Iterable[Step],
    run: TrainingRun,
    nlp: Language,
    training: dict[str, Any],
    checkpoints: "Checkpoints",
    stdout: IO[str],
    stderr: IO[str],
) -> None:
    """Take all steps, and save and log the evaluations."""
    frozen = training["frozen_components"]
    _say_what_is_trained(nlp, training, stdout)
    with nlp.select_pipes(disable=frozen):
        log_step, finish_log = training["logger"](nlp, stdout, stderr)
    try:
        for _, info, is_best in steps:
            if is_best is not None:
                run.save(info)
                with nlp.select_pipes(disable=frozen):
                    loop.update_meta(training, nlp, info)
                checkpoints.save(is_best=is_best)
                info["output_path"] = str(checkpoints.shown)
            log_step(None if is_best is None else info)
    except Exception as error:
        told = f"Aborting and saving the final best model. Encountered exception: {error!r}"
        stdout.write(f"{Printer(no_print=True).warn(told)}\n")
        raise
    finally:
        finish_log()
        checkpoints.save(is_best=False)


def _set_up(settings: dict[str, Any], use_gpu: int) -> None:
    if settings["seed"] is not None:
        fix_random_seed(settings["seed"])
    if use_gpu >= 0 and settings["gpu_allocator"]:
        set_gpu_allocator(settings["gpu_allocator"])


def _steps(
    nlp: Language | Replay,
    training: dict[str, Any],
    batches: Iterable[Any],
    evaluate: Callable[[], Scores],
    before_update: Callable[..., None] | None,
) -> Iterator[Step]:
    """Train, and yield the results of each step."""
    options = ("dropout", "accumulate_gradient", "patience", "max_steps", "eval_frequency")
    steps: Iterator[Step] = loop.train_while_improving(
        nlp,  # type: ignore[arg-type]  # a `Replay` has all that is used of a pipeline
        training["optimizer"],
        batches,
        evaluate,
        exclude=training["frozen_components"],
        annotating_components=training["annotating_components"],
        before_update=before_update,
        **{name: training[name] for name in options},
    )
    return steps


def _say_where_it_goes_on(unfinished: Unfinished, stdout: IO[str]) -> None:
    told = f"Resuming at step {unfinished.step}: reading the training data up to there"
    stdout.write(f"{Printer(no_print=True).info(told)}\n")
    stdout.flush()


def _say_what_is_trained(nlp: Language, training: dict[str, Any], stdout: IO[str]) -> None:
    """Print what is trained, as `spacy train` does."""
    frozen, annotating = training["frozen_components"], training["annotating_components"]
    said = [
        f"Pipeline: {nlp.pipe_names}",
        f"Frozen components: {frozen}" if frozen else "",
        f"Set annotations on update for: {annotating}" if annotating else "",
        f"Initial learn rate: {training['optimizer'].learn_rate}",
    ]
    msg = Printer(no_print=True)
    stdout.writelines(f"{msg.info(sentence)}\n" for sentence in said if sentence)


class Checkpoints:
    """The last and the best pipeline of a training run, in its output folder."""

    def __init__(self, nlp: Language, output: Path, training: dict[str, Any]) -> None:
        self._nlp = nlp
        self._averages = training["optimizer"].averages
        self._before_to_disk = loop.create_before_to_disk_callback(training["before_to_disk"])
        self.shown = output / loop.DIR_MODEL_LAST  # as the user has named it
        self.best = (output / loop.DIR_MODEL_BEST).resolve()
        self.last = (output / loop.DIR_MODEL_LAST).resolve()

    def remove_earlier(self) -> None:
        """Remove the pipelines of an earlier run, finished or not."""
        for folder in (self.best, self.last):
            (folder / CONFIG).unlink(missing_ok=True)  # so that nobody loads what remains
            if folder.exists():
                shutil.rmtree(folder)

    def save(self, *, is_best: bool) -> None:
        """Save the pipeline as the last one, and also as the best one if it is."""
        with self._nlp.use_params(self._averages):
            guard(self._before_to_disk(self._nlp)).to_disk(self.last)
        if is_best:
            change(self.best, partial(_copy, self.last))


def _copy(source: Path, target: Path, new: Path) -> Iterable[str]:
    """Copy all files of a folder. Returns the files that only the target has."""
    shutil.copytree(source, new, dirs_exist_ok=True)
    return set(contents(target)[0]) - set(contents(new)[0])
