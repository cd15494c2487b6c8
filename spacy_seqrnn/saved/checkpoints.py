"""Saved pipelines that are whole or not there, and damage to them that is noticed.

`Language.to_disk` writes one file after the other over what is there, and loading takes what it
finds. The callbacks here make both safe for the pipelines whose config names them.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from spacy.language import Language
from thinc.api import Model

from .foreign import read_saved
from .shapes import check_fits, check_saved, naming
from .whole import change, contents, finish_for_reading, is_inside, settled

CHECKSUMS = "checksums.sha256"  # as `sha256sum --check` reads it
LARGEST_LIST = 1_000_000  # bytes of it, which are enough for ten thousand files
# `spacy package` writes it anew, and no prediction depends on it.
UNCHECKED = "meta.json"
VOCAB_PARTS = ("strings", "vectors", "lookups")  # which `exclude` can name, too


def create_whole_files() -> Callable[[Language], Language]:
    """Save a pipeline whole or not at all, and notice when its files are damaged.

    A callback for `[nlp.after_creation]`, registered as `spacy-seqrnn.whole_files.v1`.
    `nlp.to_disk` then writes into a folder inside its target, with the checksums of all files, and
    moves the files to their places when all are there. Loading finishes that if it was cut off, and
    compares the checksums.
    """
    return guard


def guard(nlp: Language) -> Language:
    """Let a pipeline's own `to_disk` and `from_disk` be the safe ones. Returns it."""
    vars(nlp).update(
        to_disk=partial(save_whole, nlp),
        from_disk=partial(load_whole, nlp),
        from_bytes=partial(load_bytes, nlp),
    )
    return nlp


def save_whole(nlp: Language, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
    """Save to a directory; see `Language.to_disk`. Whatever else is in it stays there."""
    change(path, partial(_write, nlp, exclude))


def _write(nlp: Language, exclude: Iterable[str], target: Path, new: Path) -> list[str]:
    """Write a pipeline with checksums. Returns the files of an older one that it does not have."""
    type(nlp).to_disk(nlp, new, exclude=exclude)
    older = _read_checksums(target)
    others = older.keys() - set(contents(new)[0]) - {UNCHECKED}
    kept = {name: older[name] for name in others if _is_excluded(name, exclude)}
    _write_checksums(new, kept)
    return sorted(others - kept.keys())


def _is_excluded(name: str, exclude: Iterable[str]) -> bool:
    """Whether a file of a pipeline belongs to a part that is not saved."""
    part, _, _ = name.partition("/")
    names = [part, part.partition(".")[0], *(VOCAB_PARTS if part == "vocab" else ())]
    return any(name in exclude for name in names)


def load_whole(
    nlp: Language, path: str | Path, *, exclude: Iterable[str] = (), **options: Any
) -> Language:
    """Load from a directory; see `Language.from_disk`. Finishes a saving that was cut off.

    Raises ValueError if it is damaged, or if a model is none of its component.
    """
    finish_for_reading(Path(path))
    with _unchanged(Path(path)):
        check_files(Path(path))
        for name, model in _models(nlp, exclude):
            file = Path(path, name, "model")
            with naming(name):
                if file.exists():
                    check_saved(model, file.read_bytes())
        type(nlp).from_disk(nlp, path, exclude=exclude, **options)
    return _fitting(nlp, exclude)


@contextmanager
def _unchanged(folder: Path) -> Iterator[None]:
    """Raise ValueError if another process saves to a folder in the meantime."""
    before = _read_checksums(folder)
    try:
        yield
    finally:
        if settled(folder) or _read_checksums(folder) != before:
            raise ValueError(f"The pipeline {folder} was saved while it was loaded: load it again.")


def load_bytes(nlp: Language, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> Language:
    """Load from a byte string; see `Language.from_bytes`.

    Raises ValueError if a model is none of its component.
    """
    saved = read_saved(bytes_data)
    for name, model in _models(nlp, exclude):
        with naming(name):
            if name in saved:
                check_saved(model, read_saved(saved[name])["model"])
    type(nlp).from_bytes(nlp, bytes_data, exclude=exclude)
    return _fitting(nlp, exclude)


def _models(nlp: Language, exclude: Iterable[str]) -> Iterator[tuple[str, Model]]:
    """The models of all components that are loaded, with the components' names."""
    for name, component in nlp.components:
        model = getattr(component, "model", None)
        if isinstance(model, Model) and name not in exclude:
            yield name, model


def _fitting(nlp: Language, exclude: Iterable[str]) -> Language:
    """The pipeline. Raises ValueError if the parameters of a model do not fit it."""
    for name, model in _models(nlp, exclude):
        with naming(name):
            check_fits(model)
    return nlp


def check_files(folder: Path) -> None:
    """Compare the files of a saved pipeline with their checksums, if it has any.

    Raises ValueError if a file is missing or not what was saved.
    """
    for name, checksum in _read_checksums(folder).items():
        try:
            # A device has no end, and a pipe waits for whoever writes to it.
            is_file = is_inside(name) and (folder / name).is_file()
            is_same = is_file and _checksum(folder / name) == checksum
            damage = "" if is_same else "is not what was saved" if is_file else "cannot be read"
        except (OSError, ValueError):
            damage = "cannot be read"
        if damage:
            raise ValueError(
                f"The saved pipeline {folder} is damaged: '{name}' {damage}. Save or copy the "
                f"pipeline again; if you have changed the file on purpose, delete {CHECKSUMS}."
            )


def _read_checksums(folder: Path) -> dict[str, str]:
    """The checksum of each file of a saved pipeline; of none if it has no list of them.

    Raises ValueError if there are more than a pipeline can have.
    """
    file = folder / CHECKSUMS
    if not file.is_file():
        return {}
    if file.stat().st_size > LARGEST_LIST:
        raise ValueError(
            f"The saved pipeline {folder} is damaged: '{CHECKSUMS}' has more than {LARGEST_LIST} "
            f"bytes. Save or copy the pipeline again, or delete {CHECKSUMS}."
        )
    text = file.read_text(encoding="utf8", errors="replace")
    lines = [line.partition("  ") for line in text.splitlines()]
    return {name: checksum for checksum, _, name in lines}


def _write_checksums(folder: Path, others: dict[str, str] | None = None) -> None:
    """Write the checksums of all files of a folder, and some of files that are elsewhere."""
    names = [name for name in contents(folder)[0] if name not in (UNCHECKED, CHECKSUMS)]
    checksums = {**(others or {}), **{name: _checksum(folder / name) for name in names}}
    lines = [f"{checksum}  {name}\n" for name, checksum in sorted(checksums.items())]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf8")


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def create_whole_checkpoints() -> Callable[[Language], Language]:
    """Let `spacy train` be stopped at any moment without leaving half a pipeline.

    A callback for `[training.before_to_disk]`, registered as `spacy-seqrnn.whole_checkpoints.v1`.
    With it `model-best` is the best pipeline so far, as a whole.
    """
    # spaCy copies and removes folders file by file and has no setting for it. It makes callbacks
    # before it removes what an earlier training has left.
    from spacy.training import loop  # noqa: PLC0415 (only training needs it)

    vars(loop).update(shutil=WholeFolders(), clean_output_dir=clean_output)
    return guard


class WholeFolders:
    """Stands in for the module `shutil` in spaCy's training loop."""

    def copytree(self, source: Path, target: Path) -> None:
        """Copy a folder in the place of another, so that one of them is there as a whole."""
        change(target, partial(_copy, source))

    def rmtree(self, path: str | Path) -> None:
        """Leave the folder: spaCy copies another to its place next, and `copytree` removes it."""


def _copy(source: Path, target: Path, new: Path) -> set[str]:
    """Copy all files of a folder. Returns those of the target that it does not have."""
    shutil.copytree(source, new, dirs_exist_ok=True)
    return set(contents(target)[0]) - set(contents(new)[0])


def clean_output(path: Path | None) -> None:
    """Remove what an earlier training has left in its output folder, killed or not.

    Stands in for the function `clean_output_dir` of spaCy's training loop.
    """
    names = ("model-best", "model-last")
    for folder in [(path / name).resolve() for name in names] if path else []:
        (folder / "config.cfg").unlink(missing_ok=True)  # so that nobody loads what is left
        if folder.exists():
            shutil.rmtree(folder)
