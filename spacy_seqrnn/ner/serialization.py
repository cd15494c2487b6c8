"""How a recogniser is saved, and the checks of its files when it is loaded."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import srsly
from spacy.pipeline import TrainablePipe

from ..checks import is_number
from ..saved.checksums import (
    CHECKSUMS,
    checksum,
    find_damage,
    format_list,
    parse_list,
    read_list,
    write_list,
)
from ..saved.foreign import check_settings, read_saved
from ..saved.shapes import naming
from .biluo import TAGS_PER_LABEL, n_tags

PARTS = ("cfg", "model")  # the parts that have a checksum; the vocabulary belongs to the pipeline


class SavedWithChecksum(TrainablePipe):  # type: ignore[misc]  # spaCy has no types of it
    """The part of a recogniser that saves and loads it, with checksums of settings and model."""

    name: str
    cfg: dict[str, Any]

    @property
    def labels(self) -> tuple[str, ...]:
        """The entity labels, in the order in which they were added."""
        return tuple(self.cfg["labels"])

    @property
    def temperature(self) -> float:
        """The divisor of the chain's scores before they become probabilities; see `calibrate`."""
        temperature: float = self.cfg.get("temperature", 1.0)
        return temperature

    def _check_label_weights(self) -> None:
        raise NotImplementedError

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Save as a byte string.

        exclude: parts to omit: "cfg", "model" or "vocab".
        """
        saved = srsly.msgpack_loads(super().to_bytes(exclude=exclude))
        saved[CHECKSUMS] = format_list(_checksums(saved))
        packed: bytes = srsly.msgpack_dumps(saved)
        return packed

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save to a directory.

        path: the directory, which is created if necessary.
        exclude: parts to omit: "cfg", "model" or "vocab".
        """
        super().to_disk(path, exclude=exclude)
        folder = Path(path)
        written = [part for part in PARTS if part not in exclude]
        write_list(folder, written, _of_parts(read_list(folder), written))

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> Self:
        """Load from a byte string.

        exclude: parts that are absent or not to be loaded: "cfg", "model" or "vocab".

        Returns the component itself. Raises ValueError if the bytes are damaged or come from
        another model.
        """
        with naming(self.name):
            saved = read_saved(bytes_data)
            check_settings(len(saved.get("cfg", b"")))
            super().from_bytes(bytes_data, exclude=exclude)
            self._check_settings()
            found = _checksums(saved)
            for part, expected in _of_parts(parse_list(saved.get(CHECKSUMS, "")), exclude).items():
                if found.get(part) != expected:
                    raise ValueError(f"'{part}' is not what was saved")
        self._check_loaded(exclude)
        return self

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:
        """Load from a directory.

        exclude: parts that are absent or not to be loaded: "cfg", "model" or "vocab".

        Returns the component itself. Raises ValueError if a file is damaged or comes from another
        model.
        """
        folder = Path(path)
        with naming(self.name):
            if "cfg" not in exclude and (folder / "cfg").exists():
                check_settings((folder / "cfg").stat().st_size)
            super().from_disk(path, exclude=exclude)
            self._check_settings()
            damage = find_damage(folder, _of_parts(read_list(folder), exclude))
            if damage:
                raise ValueError(damage)
        self._check_loaded(exclude)
        return self

    def _check_settings(self) -> None:
        """Raise ValueError if the settings are not valid."""
        self.cfg.pop("sha256", None)  # earlier versions stored a checksum here
        for key in ("labels", "unseen_labels"):
            labels = self.cfg[key]
            if not isinstance(labels, list) or not all(isinstance(x, str) for x in labels):
                raise ValueError(f"the settings have {str(labels)[:50]} as '{key}'")
        if not is_number(self.temperature) or self.temperature <= 0:
            raise ValueError(f"the settings have the temperature {str(self.temperature)[:50]}")

    def _check_loaded(self, exclude: Iterable[str]) -> None:
        """Raise ValueError if labels and model do not belong together."""
        for label in self.labels:
            self.vocab.strings.add(label)  # outside any memory zone, whose strings are temporary
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


def _checksums(saved: dict[str, Any]) -> dict[str, str]:
    """The checksums of the parts in a byte string, where settings are text."""
    parts = {part: saved[part] for part in PARTS if part in saved}
    return {
        part: checksum(data.encode() if isinstance(data, str) else data)
        for part, data in parts.items()
    }


def _of_parts(checksums: dict[str, str], exclude: Iterable[str]) -> dict[str, str]:
    """The checksums of the parts that are loaded."""
    return {part: checksums[part] for part in PARTS if part in checksums and part not in exclude}
