"""Which files are read, and how the files of their annotation are called."""

import os
import posixpath
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from .formats.by_suffix import find_format
from .formats.documents import SUFFIX, find_files
from .formats.streams import is_url, suffixes


def find_inputs(paths: Sequence[str]) -> list[str]:
    """The inputs that paths stand for, sorted.

    paths: files, URLs, which are not looked up, and folders. A folder with no files but .txt, below
        it too, is an input. Of other folders, all files are inputs but hidden ones, and marks such
        as `_SUCCESS`.

    Raises ValueError if a path is missing, has none of the known suffixes, or is given twice, or if
    there is nothing to read.
    """
    if not paths:
        raise ValueError("There are no inputs: name files or folders of texts.")
    found = [each for path in paths for each in _expand(path)]
    for each in found:
        find_format(each)
    _check_once(found)
    return sorted(found)


def _expand(path: str) -> list[str]:
    if is_url(path):
        return [path]
    if not Path(path).exists():
        raise ValueError(f"'{path}' does not exist: name a file or folder of texts.")
    if not Path(path).is_dir():
        return [path]
    files = find_files(path)
    if not files:
        raise ValueError(f"'{path}' has no files: name a file or folder of texts.")
    return _collect(Path(path), [Path(each) for each in files])


def _collect(folder: Path, files: list[Path]) -> list[str]:
    """The inputs among the files below a folder."""
    if all(file.suffix.lower() == SUFFIX for file in files):
        return [str(folder)]
    below = {folder / each.relative_to(folder).parts[0]: each.parent != folder for each in files}
    found: list[str] = []
    for path, is_folder in below.items():
        inside = [each for each in files if is_folder and path in each.parents]
        found += _collect(path, inside) if is_folder else [str(path)]
    return found


def _check_once(found: Sequence[str]) -> None:
    """Raise ValueError if an input is there twice, by itself or within another."""
    known: set[str] = set()
    places = {each: each if is_url(each) else os.path.realpath(each) for each in found}
    for each in sorted(found, key=lambda path: len(places[path])):
        place = Path(places[each])
        if not known.isdisjoint(map(str, (place, *place.parents))):
            raise ValueError(f"'{each}' is given twice: give it once.")
        known.add(str(place))


def name_outputs(inputs: Sequence[str]) -> dict[str, str]:
    """The path of each input's output, within the folder of outputs, without number and suffix.

    It is that of the input within the folder that all inputs have in common.

    Raises ValueError if two inputs have the same.
    """
    steps = {path: _steps(path) for path in inputs}
    groups = {kind: [path for path in inputs if is_url(path) is kind] for kind in (True, False)}
    stems: dict[str, str] = {}
    for paths in groups.values():
        n_above = _n_common([steps[path][:-1] for path in paths])
        stems |= {path: "/".join(steps[path][n_above:]) for path in paths}
    known: dict[str, str] = {}
    for path in inputs:
        # Some file systems ignore case.
        other = known.setdefault(stems[path].casefold(), path)
        if other != path:
            raise ValueError(
                f"'{other}' and '{path}' would both become '{stems[path]}': rename one, or "
                "annotate them into different folders."
            )
    return stems


def _n_common(folders: list[list[str]]) -> int:
    """The number of folders that all paths begin with."""
    same = [len(set(level)) == 1 for level in zip(*folders, strict=False)]
    return [*same, False].index(False)


def _steps(path: str) -> list[str]:
    """The folders to an input, and its name without suffixes."""
    if is_url(path):
        url = urlsplit(path)
        place = posixpath.normpath(f"{url.netloc}/{url.path}")
    else:
        place = Path(os.path.abspath(path)).as_posix()
    if Path(path).is_dir():
        return place.split("/")
    return [*place.split("/")[:-1], _stem(place)]


def _stem(place: str) -> str:
    name = posixpath.basename(place)
    inner, outer = suffixes(name)
    return name[: len(name) - len(inner) - len(outer)]


def name_part(stem: str, number: int, n_parts: int, suffix: str) -> str:
    """The path of a part's output within the folder of outputs.

    stem: that of the input; see `name_outputs`.
    suffix: with its dot.
    """
    return f"{stem}-{number:05}-of-{n_parts:05}{suffix}"
