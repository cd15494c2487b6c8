"""Save pipelines completely or not at all, and detect damage when they are loaded.

`Language.to_disk` overwrites one file after the other, and loading accepts whatever it finds. The
callbacks here make both safe for pipelines whose config names them: spaCy asks a callback for the
pipeline to continue with, and it returns one of a subclass that overrides the methods.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from spacy.language import Language
from thinc.api import Model

from .checksums import CHECKSUMS, find_damage, read_list, write_list
from .foreign import read_saved
from .shapes import check_fits, check_saved, naming
from .whole import change, contents, finish_for_reading, settled

# `spacy package` rewrites it, and no prediction depends on it.
UNCHECKED = "meta.json"
VOCAB_PARTS = ("strings", "vectors", "lookups")  # names that `exclude` accepts too


def create_whole_files() -> Callable[[Language], Language]:
    """Save a pipeline completely or not at all, and detect damaged files.

    A callback for `[nlp.after_creation]`, registered as `spacy-seqrnn.whole_files.v1`.
    `nlp.to_disk` then writes to a folder inside its target, with the checksums of all files, and
    moves the files to their places once all are complete. Loading finishes an interrupted save, and
    verifies the checksums.
    """
    return guard


def create_whole_checkpoints() -> Callable[[Language], Language]:
    """Save the last pipeline of a training run completely or not at all.

    A callback for `[training.before_to_disk]`, registered as `spacy-seqrnn.whole_checkpoints.v1`.
    It is for `spacy train`, which copies `model-last` to `model-best` file by file: if it is killed
    while copying, `model-best` cannot be loaded, but `model-last` is the same pipeline, complete.
    With `spacy seqrnn train`, which takes the same options, both are complete at any moment.
    """
    return guard


def guard(nlp: Language) -> "WholePipeline":
    """The same pipeline, with its parts, as one that is saved completely or not at all."""
    if isinstance(nlp, WholePipeline):
        return nlp
    whole = _empty(type(nlp))
    vars(whole).update(vars(nlp))
    return whole


class WholePipeline(Language):
    """Mixed into a language's own class; see `guard`."""

    language: type[Language]

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save to a directory; see `Language.to_disk`. Unrelated files in it are kept."""
        change(path, partial(self._write, exclude))

    def _write(self, exclude: Iterable[str], target: Path, new: Path) -> list[str]:
        """Write with checksums. Returns the files of an older pipeline that are now obsolete."""
        super().to_disk(new, exclude=exclude)
        names = set(contents(new)[0]) - {UNCHECKED}
        older = _read_list(target)
        others = older.keys() - names - {UNCHECKED}
        kept = {name: older[name] for name in others if _is_excluded(name, exclude)}
        write_list(new, names, kept)
        return sorted(others - kept.keys())

    def from_disk(
        self, path: str | Path, *, exclude: Iterable[str] = (), **options: Any
    ) -> "WholePipeline":
        """Load from a directory; see `Language.from_disk`. Finishes an interrupted save.

        Raises ValueError if it is damaged, or if a model does not belong to its component.
        """
        finish_for_reading(Path(path))
        with _unchanged(Path(path)):
            check_files(Path(path))
            for name, model in _models(self, exclude):
                file = Path(path, name, "model")
                with naming(name):
                    if file.exists():
                        check_saved(model, file.read_bytes())
            super().from_disk(path, exclude=exclude, **options)
        _check_fitting(self, exclude)
        return self

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "WholePipeline":
        """Load from a byte string; see `Language.from_bytes`.

        Raises ValueError if a model does not belong to its component.
        """
        saved = read_saved(bytes_data)
        for name, model in _models(self, exclude):
            with naming(name):
                if name in saved:
                    check_saved(model, read_saved(saved[name])["model"])
        super().from_bytes(bytes_data, exclude=exclude)
        _check_fitting(self, exclude)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _empty, (self.language,), vars(self)  # the class itself is not in any module


def _empty(language: type[Language]) -> WholePipeline:
    """An empty pipeline, whose parts are set afterwards."""
    cls = _class_for(language)  # type: ignore[arg-type]  # which has a hash like any class
    return cls.__new__(cls)


@cache
def _class_for(language: type[Language]) -> type[WholePipeline]:
    return type(f"Whole{language.__name__}", (WholePipeline, language), {"language": language})


def _is_excluded(name: str, exclude: Iterable[str]) -> bool:
    """Whether a file of a pipeline belongs to an excluded part."""
    part, _, _ = name.partition("/")
    names = [part, part.partition(".")[0], *(VOCAB_PARTS if part == "vocab" else ())]
    return any(name in exclude for name in names)


@contextmanager
def _unchanged(folder: Path) -> Iterator[None]:
    """Raise ValueError if another process saves to the folder in the meantime."""
    before = _read_list(folder)
    try:
        yield
    finally:
        if settled(folder) or _read_list(folder) != before:
            raise ValueError(
                f"The pipeline {folder} was saved while it was being loaded: load it again."
            )


def _models(nlp: Language, exclude: Iterable[str]) -> Iterator[tuple[str, Model[Any, Any]]]:
    """The models of all loaded components, with the components' names."""
    for name, component in nlp.components:
        model = getattr(component, "model", None)
        if isinstance(model, Model) and name not in exclude:
            yield name, model


def _check_fitting(nlp: Language, exclude: Iterable[str]) -> None:
    """Raise ValueError if the parameters of a model do not fit it."""
    for name, model in _models(nlp, exclude):
        with naming(name):
            check_fits(model)


def check_files(folder: Path) -> None:
    """Compare the files of a saved pipeline with their checksums, if it has any.

    Raises ValueError if a file is missing or differs from what was saved.
    """
    damage = find_damage(folder, _read_list(folder))
    if damage:
        raise ValueError(
            f"The saved pipeline {folder} is damaged: {damage}. Save or copy the "
            f"pipeline again; if you have changed the file on purpose, delete {CHECKSUMS}."
        )


def _read_list(folder: Path) -> dict[str, str]:
    """The checksums of a saved pipeline's files. Raises ValueError if they are not a list."""
    try:
        return read_list(folder)
    except ValueError as error:
        raise ValueError(
            f"The saved pipeline {folder} is damaged: {error}. Save or copy the pipeline again, "
            f"or delete {CHECKSUMS}."
        ) from None
