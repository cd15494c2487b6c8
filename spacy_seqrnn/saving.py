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

from .loading import check_fits, check_saved, naming, read_saved

CHECKSUMS = "checksums.sha256"  # as `sha256sum --check` reads it
# `spacy package` writes it anew, and no prediction depends on it.
UNCHECKED = "meta.json"


def create_whole_files() -> Callable[[Language], Language]:
    """Save a pipeline whole or not at all, and notice when its files are damaged.

    A callback for `[nlp.after_creation]`, registered as `spacy-seqrnn.whole_files.v1`.
    `nlp.to_disk` then writes into a folder beside its target, with the checksums of all files, and
    puts that in the target's place. Loading compares the checksums.
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
    with _in_place_of(Path(path)) as folder:
        type(nlp).to_disk(nlp, folder, exclude=exclude)
        _write_checksums(folder)


def load_whole(
    nlp: Language, path: str | Path, *, exclude: Iterable[str] = (), **options: Any
) -> Language:
    """Load from a directory; see `Language.from_disk`.

    Raises ValueError if it is damaged, or if a model is none of its component.
    """
    check_files(Path(path))
    for name, model in _models(nlp, exclude):
        file = Path(path, name, "model")
        with naming(name):
            if file.exists():
                check_saved(model, file.read_bytes())
    type(nlp).from_disk(nlp, path, exclude=exclude, **options)
    return _fitting(nlp, exclude)


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
    if not (folder / CHECKSUMS).exists():
        return
    for line in (folder / CHECKSUMS).read_text(encoding="utf8", errors="replace").splitlines():
        checksum, _, name = line.partition("  ")
        try:
            damage = "" if _checksum(folder / name) == checksum else "is not what was saved"
        except (OSError, ValueError):
            damage = "cannot be read"
        if damage:
            raise ValueError(
                f"The saved pipeline {folder} is damaged: '{name}' {damage}. Save or copy the "
                f"pipeline again; if you have changed the file on purpose, delete {CHECKSUMS}."
            )


def _write_checksums(folder: Path) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in files]
    lines = [f"{_checksum(folder / name)}  {name}\n" for name in names if name != UNCHECKED]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf8")


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _in_place_of(target: Path, *, keep_others: bool = True) -> Iterator[Path]:
    """An empty folder that takes the target's place in the end; not if something goes wrong.

    A process that is killed leaves the target as it was, replaced, or, between two renamings, under
    the name of `old`, from which the next one brings it back.

    keep_others: whether what only the target has stays there.
    """
    target = target.resolve()
    new, old = _beside(target)
    _finish_replacing(old, target, keep_others)
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        yield new
        if target.exists():
            target.rename(old)
        new.rename(target)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        _finish_replacing(old, target, keep_others)


def _beside(target: Path) -> tuple[Path, Path]:
    """Where a folder is while it is written, and where while another takes its place."""
    return target.with_name(f".{target.name}.saving"), target.with_name(f".{target.name}.replaced")


def _finish_replacing(old: Path, target: Path, keep_others: bool) -> None:
    """Remove an old folder for which there is a new one, or bring it back if there is none."""
    if not old.exists():
        return
    if not target.exists():
        old.rename(target)
        return
    for path in old.iterdir() if keep_others else ():
        if not (target / path.name).exists():
            path.rename(target / path.name)
    _remove(old, target)


def _remove(folder: Path, target: Path) -> None:
    """Remove a folder under the name that is never brought back: it is whole or not there."""
    new, _ = _beside(target)
    shutil.rmtree(new, ignore_errors=True)
    if folder.exists():
        folder.rename(new)
        shutil.rmtree(new)


def create_whole_checkpoints() -> Callable[[Language], Language]:
    """Let `spacy train` be stopped at any moment without leaving half a pipeline.

    A callback for `[training.before_to_disk]`, registered as `spacy-seqrnn.whole_checkpoints.v1`.
    With it `model-best` is the best pipeline so far or, for the moment of a renaming, not there.
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
        with _in_place_of(target, keep_others=False) as folder:
            shutil.copytree(source, folder, dirs_exist_ok=True)

    def rmtree(self, path: str | Path) -> None:
        """Leave the folder: spaCy copies another to its place next, and `copytree` removes it."""


def clean_output(path: Path | None) -> None:
    """Remove what an earlier training has left in its output folder, killed or not.

    Stands in for the function `clean_output_dir` of spaCy's training loop.
    """
    names = ("model-best", "model-last")
    for target in [(path / name).resolve() for name in names] if path else []:
        for folder in (target, _beside(target)[1]):
            _remove(folder, target)
