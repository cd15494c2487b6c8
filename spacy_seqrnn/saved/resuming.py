"""Save the state of a training run, and let a run go on from it as if it had never stopped."""

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from spacy.language import Language
from thinc.api import Model
from tqdm import tqdm

from .batches import RepeatableBatches
from .checksums import checksum
from .optimizer_state import restore_optimizer, save_optimizer
from .randomness import read_states, seed_gpu, set_states
from .replay import Replay
from .same_settings import as_json, describe_components, find_change
from .unfinished import CannotResume, Unfinished, write_state

Step = tuple[Any, dict[str, Any], bool | None]
# The parts of components that training never changes
CONSTANT = ("vocab", "kb")
DELAY = 3  # seconds until a progress bar is shown


class TrainingRun:
    """A training run whose state is saved at each evaluation.

    The state is what training changes, except what the config and the data determine: that comes
    from initialising the pipeline again, and from reading the same batches again.
    """

    def __init__(
        self,
        nlp: Language,
        folder: Path,
        training: dict[str, Any],
        batches: RepeatableBatches,
    ) -> None:
        """nlp: the pipeline, initialised and not trained yet.

        folder: where the state is saved.
        training: the resolved section of the config.
        """
        self._nlp = nlp
        self._folder = folder
        self._optimizer = training["optimizer"]
        self._weights = training["score_weights"]
        self._max_epochs = training["max_epochs"]
        self._batches = batches
        self._trained = _trained_components(nlp, training["frozen_components"])
        self._models = {name: component.model for name, component in self._trained.items()}
        self._n_strings = len(nlp.vocab.strings)
        self._config = as_json(nlp.config.interpolate())
        # The words of a language model are too many to be saved each time.
        self._components = checksum(repr(describe_components(nlp)).encode())

    def save(self, info: dict[str, Any]) -> None:
        """Save the state after an evaluation.

        info: what spaCy's loop says about it.
        """
        seed_gpu(info["step"])
        optimizer, arrays = save_optimizer(self._optimizer, self._models)
        about = {
            "config": self._config,
            "components": self._components,
            "info": self._kept(info),
            "results": [[float(score), step] for score, step in info["checkpoints"]],
            "data": self._batches.checksum,
            "drawn": self._batches.drawn,
            "strings": self._new_strings(),
            "random": read_states(),
            "optimizer": optimizer,
        }
        for name, component in self._trained.items():
            # Training may also change settings, such as the labels that have occurred.
            data = component.to_bytes(exclude=CONSTANT)
            arrays[_array_of(name)] = np.frombuffer(data, "uint8")
        write_state(self._folder, about, arrays)

    def _kept(self, info: dict[str, Any]) -> dict[str, Any]:
        """What has to be known of an evaluation to log it, and to save its pipelines, again."""
        scores = info["other_scores"].items()
        kept = {
            name: score
            for name, score in scores
            if isinstance(score, int | float) or name in self._weights
        }
        losses = {name: float(loss) for name, loss in info["losses"].items()}
        numbers = {name: info[name] for name in ("step", "epoch", "seconds")}
        return {**numbers, "losses": losses, "other_scores": kept}

    def _new_strings(self) -> list[str]:
        """Strings that training has met, also in development data, and that pipelines contain."""
        return list(islice(self._nlp.vocab.strings, self._n_strings, None))

    def check(self, unfinished: Unfinished) -> None:
        """Raise CannotResume if a run was one with another config or other components."""
        about = unfinished.about
        if change := find_change(about["config"], self._config):
            raise CannotResume(
                f"The training run in '{unfinished.folder}' cannot go on with another config: "
                f"{change}."
            )
        if about["components"] != self._components:
            raise CannotResume(
                f"The training run in '{unfinished.folder}' cannot go on, because its components "
                "were initialised with other labels: the training data, or files of labels, have "
                "changed."
            )

    def resume(
        self, unfinished: Unfinished, steps: Iterator[Step], replay: Replay, stderr: IO[str]
    ) -> Iterator[Step]:
        """Go through the steps that were taken already, and set the state that they led to.

        steps: all steps of training, with `replay` as the pipeline.
        stderr: where a progress bar is shown if this takes long.

        Returns the remaining steps, and before them the one at which the state was saved, with its
        evaluation. Raises CannotResume if the training data have changed.
        """
        last = unfinished.about["info"]
        with _progress(last["step"] + 1, stderr) as progress:
            for reached in steps:
                progress.update()
                if reached[1]["step"] == last["step"]:
                    break
            else:
                raise CannotResume(self._why_not_reached(unfinished))
        if unfinished.about["data"] != self._batches.checksum:
            raise CannotResume(_other_data(unfinished))
        with unfinished.arrays:  # closed before the next state takes the place of this file
            self._restore(unfinished)
        replay.is_on = False
        _, info, _ = reached
        info["losses"].update(last["losses"])
        info["other_scores"] = last["other_scores"]
        return _with_seconds(chain([reached], steps), last["seconds"] - info["seconds"])

    def _why_not_reached(self, unfinished: Unfinished) -> str:
        is_data = self._batches.at_end and not (
            0 < self._max_epochs <= unfinished.about["info"]["epoch"]
        )
        return (
            _other_data(unfinished)
            if is_data
            else f"The training run in '{unfinished.folder}' has reached step {unfinished.step}, "
            f"but with `max_steps`, `max_epochs` and `patience` of [training] as they are now, it "
            f"would have ended at step {self._batches.n_read - 1}."
        )

    def _restore(self, unfinished: Unfinished) -> None:
        """Set components, optimizer, strings and generators of random numbers."""
        for name, component in self._trained.items():
            data = unfinished.arrays[_array_of(name)].tobytes()
            try:
                component.from_bytes(data, exclude=CONSTANT)
            except Exception as error:  # whatever a component thinks of it
                raise CannotResume(
                    f"The training run in '{unfinished.folder}' cannot go on, because '{name}' is "
                    f"another component than the one that was saved: {error}"
                ) from error
        restore_optimizer(
            self._optimizer, self._models, unfinished.about["optimizer"], unfinished.arrays
        )
        for string in unfinished.about["strings"]:
            self._nlp.vocab.strings.add(string)
        set_states(unfinished.about["random"])


def _trained_components(nlp: Language, frozen: list[str]) -> dict[str, Any]:
    """The components that spaCy's loop updates, by name."""
    components: list[tuple[str, Any]] = nlp.pipeline
    return {
        name: component
        for name, component in components
        if name not in frozen
        and getattr(component, "is_trainable", False)
        and isinstance(component.model, Model)
    }


def _progress(total: int, stderr: IO[str]) -> tqdm:
    """A bar that is shown on a terminal if it takes longer than a few seconds."""
    return tqdm(
        desc="Reading",
        total=total,
        unit=" batches",
        file=stderr,
        disable=None,
        delay=DELAY,
        leave=False,
    )


def _other_data(unfinished: Unfinished) -> str:
    return (
        f"The training run in '{unfinished.folder}' cannot go on, because the training data are "
        f"not those that it has read up to step {unfinished.step}."
    )


def _array_of(component: str) -> str:
    return f"component/{component}"


def _with_seconds(steps: Iterator[Step], earlier: int) -> Iterator[Step]:
    """Count the seconds of the run before it was stopped too."""
    for batch, info, is_best in steps:
        info["seconds"] += earlier
        yield batch, info, is_best
