"""How a recogniser is saved, and what its files have to be when it is loaded."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import srsly
from spacy.pipeline import TrainablePipe

from ..checks import is_number
from ..saved.foreign import check_settings, read_saved
from ..saved.shapes import naming
from .biluo import TAGS_PER_LABEL, n_tags

CHECKSUM = "sha256"  # of settings and model, among the saved settings


class SavedWithChecksum(TrainablePipe):
    """The part of a recogniser that saves and loads it, with a checksum of settings and model."""

    name: str
    cfg: dict[str, Any]

    @property
    def labels(self) -> tuple[str, ...]:
        """The entity labels, in the order in which they were added."""
        return tuple(self.cfg["labels"])

    @property
    def temperature(self) -> float:
        """What the chain's scores are divided by for the entities' scores; see `calibrate`."""
        return self.cfg.get("temperature", 1.0)

    def _check_label_weights(self) -> None:
        raise NotImplementedError

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Save as a byte string.

        exclude: parts to leave out: "cfg", "model" or "vocab".
        """
        with self._with_checksum(exclude):
            return super().to_bytes(exclude=exclude)

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save to a directory.

        path: the directory, which is made if there is none.
        exclude: parts to leave out: "cfg", "model" or "vocab".
        """
        with self._with_checksum(exclude):
            super().to_disk(path, exclude=exclude)

    @contextmanager
    def _with_checksum(self, exclude: Iterable[str]) -> Iterator[None]:
        """Let the saved settings have the checksum of what is saved."""
        if "model" not in exclude:
            self.cfg[CHECKSUM] = self._checksum(self.model.to_bytes())
        try:
            yield
        finally:
            self.cfg.pop(CHECKSUM, None)

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> Self:
        """Load from a byte string.

        exclude: parts that are not there or not to be loaded: "cfg", "model" or "vocab".

        Returns the component itself. Raises ValueError if the bytes are damaged or of another
        model.
        """
        with naming(self.name):
            check_settings(len(read_saved(bytes_data).get("cfg", b"")))
            super().from_bytes(bytes_data, exclude=exclude)
            self._check_checksum(lambda: srsly.msgpack_loads(bytes_data)["model"], exclude)
        self._check_loaded(exclude)
        return self

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:
        """Load from a directory.

        exclude: parts that are not there or not to be loaded: "cfg", "model" or "vocab".

        Returns the component itself. Raises ValueError if a file is damaged or of another model.
        """
        with naming(self.name):
            if "cfg" not in exclude and Path(path, "cfg").exists():
                check_settings(Path(path, "cfg").stat().st_size)
            super().from_disk(path, exclude=exclude)
            self._check_checksum(Path(path, "model").read_bytes, exclude)
        self._check_loaded(exclude)
        return self

    def _check_checksum(self, read_model: Callable[[], bytes], exclude: Iterable[str]) -> None:
        """Raise ValueError if settings and model are not what was saved, or could not be."""
        expected = self.cfg.pop(CHECKSUM, None)
        for key in ("labels", "unseen_labels"):
            labels = self.cfg[key]
            if not isinstance(labels, list) or not all(isinstance(x, str) for x in labels):
                raise ValueError(f"the settings have {str(labels)[:50]} as '{key}'")
        if not is_number(self.temperature) or self.temperature <= 0:
            raise ValueError(f"the settings have the temperature {str(self.temperature)[:50]}")
        if "model" in exclude or expected is None:
            return
        if self._checksum(read_model()) != expected:
            raise ValueError("weights or labels are not those that were saved")

    def _checksum(self, model: bytes) -> str:
        """The SHA-256 of settings and model."""
        return sha256(srsly.json_dumps(self.cfg, sort_keys=True).encode() + model).hexdigest()

    def _check_loaded(self, exclude: Iterable[str]) -> None:
        """Raise ValueError if labels and model do not belong together."""
        for label in self.labels:
            self.vocab.strings.add(label)  # before any memory zone, whose strings do not last
        if "model" in exclude or not self.model.has_dim("nO"):
            return
        size = self.model.get_dim("nO")
        if size != n_tags(len(self.labels)):
            raise ValueError(
                f"The model of '{self.name}' has scores for {(size - 1) // TAGS_PER_LABEL} labels, "
                f"but its settings name {len(self.labels)}: the files of the saved pipeline do not "
                "belong together; save or copy it again."
            )
        self._check_label_weights()
