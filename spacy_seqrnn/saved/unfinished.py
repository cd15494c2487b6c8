"""The file beside `model-best` and `model-last` from which an unfinished training run goes on."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from spacy.training.loop import DIR_MODEL_LAST

from .one_file import remove_file, replace_file
from .randomness import States

FILE = "unfinished-run.npz"
VERSION = 1
ABOUT = "about"  # the array with everything that is no array, as JSON


class CannotResume(ValueError):
    """A training run cannot go on; the message is one sentence for the user."""


class Unfinished:
    """The state of a training run that was read from its folder.

    about: everything but arrays, as `TrainingRun.save` describes it.
    arrays: by name, each read from the disk when it is looked up.
    """

    def __init__(self, folder: Path, about: dict[str, Any], arrays: NpzFile) -> None:
        self.folder = folder
        self.about = about
        self.arrays = arrays

    @property
    def step(self) -> int:
        """The step of the evaluation at which it was saved."""
        step: int = self.about["info"]["step"]
        return step

    @property
    def results(self) -> list[tuple[float, dict[str, Any]]]:
        """The score that selects the best pipeline at each evaluation, without all others."""
        return [(score, {}) for score, _ in self.about["results"]]

    @property
    def drawn(self) -> dict[int, States]:
        """See `RepeatableBatches`."""
        return {int(number): states for number, states in self.about["drawn"].items()}


def write_state(folder: Path, about: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Save the state of a training run completely or not at all."""
    about = {**about, "version": VERSION, "arrays": sorted(arrays)}
    text = json.dumps(about, default=_plain).encode()
    arrays = {ABOUT: np.frombuffer(text, "uint8"), **arrays}
    replace_file(folder / FILE, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    """What JSON can express in place of a number of NumPy, or of any other object."""
    return value.item() if isinstance(value, np.generic) else str(value)


def remove_state(folder: Path) -> None:
    """Remove the state of a training run, because it is complete, or because another begins."""
    remove_file(folder / FILE)


def find_state(folder: Path) -> Unfinished:
    """Open the state of an unfinished training run and verify that it is undamaged.

    Raises CannotResume if there is none, or if it cannot be read.
    """
    path = folder / FILE
    if not path.exists():
        raise CannotResume(_why_none(folder))
    try:
        arrays = np.load(path, allow_pickle=False)
        if damaged := arrays.zip.testzip():  # compares all checksums
            raise ValueError(f"'{damaged}' has another checksum")
        about = json.loads(arrays[ABOUT].tobytes())
        version = about["version"]
        if {ABOUT, *about["arrays"]} != set(arrays):
            raise ValueError("an array is missing")
    except Exception as error:  # whatever a damaged file leads to
        raise CannotResume(
            f"The training run in '{folder}' cannot go on, because '{path}' is damaged ({error}): "
            "train again without --resume."
        ) from error
    if version != VERSION:
        raise CannotResume(
            f"The training run in '{folder}' cannot go on, because another version of "
            "spacy-seqrnn has saved its state: train again without --resume."
        )
    return Unfinished(folder, about, arrays)


def _why_none(folder: Path) -> str:
    with suppress(OSError):
        if (folder / DIR_MODEL_LAST / "config.cfg").exists():
            return (
                f"There is nothing to resume in '{folder}': the training run that has saved "
                f"'{DIR_MODEL_LAST}' there is complete, as there is no '{FILE}' beside it."
            )
    return (
        f"There is no training run to resume in '{folder}': it has no '{FILE}', which a run saves "
        "at each evaluation and removes when it is complete."
    )
