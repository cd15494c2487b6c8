"""Change the files of a folder all together or not at all, whatever stops the process.

New files are first written to a folder inside the target, so nothing outside it is needed or
changed: neither its parent nor its own name, owner or mode. A full disk is detected before any old
file is touched. Then a single rename commits the new files, and they are moved to their places. If
the process stops in between, the next process finishes the move, or discards uncommitted files.
"""

import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path, PureWindowsPath

from thinc.api import Config

if sys.platform != "win32":
    import fcntl

STAGE = ".spacy-seqrnn.saving"  # inside the target
NEW = "new"  # inside the stage: the new files
PLAN = "obsolete"  # inside the stage: the files to remove; written once all new files are complete
CONFIG, META = "config.cfg", "meta.json"  # spaCy reads these before it calls this package
LAST = "checksums.sha256"  # moved to its place last
# With this callback in its config, a pipeline finishes an interrupted save when it is loaded.
HEALING = {"@callbacks": "spacy-seqrnn.whole_files.v1"}


def change(target: str | Path, write: Callable[[Path, Path], Iterable[str]]) -> None:
    """Change files of a folder, all together or, after an error, none.

    target: the folder, which is created if necessary.
    write: called with the target and an empty folder, to which it writes the new files. Returns the
        names of the target's files to remove.

    Raises OSError if the target is not a folder, cannot be written to, or is full.
    """
    target = Path(target).resolve()
    made = _make(target)
    try:
        with locked(target):
            _finish_found(target)
            try:
                obsolete = list(write(target, _make_stage(target)))
                made = _make_places(target, obsolete) + made
                _settle(target, obsolete)
            finally:
                finish(target)
    except BaseException:
        for folder in () if settled(target) else made:
            with suppress(OSError):  # it is not empty
                folder.rmdir()
        raise


def _make(target: Path) -> list[Path]:
    """Create a folder. Returns the folders that did not exist, the innermost first."""
    try:
        missing = [path for path in (target, *target.parents) if not path.exists()]
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _rejected(target, error) from error
    return missing


def _make_stage(target: Path) -> Path:
    try:
        (target / STAGE / NEW).mkdir(parents=True)
    except OSError as error:
        raise _rejected(target, error) from error
    return target / STAGE / NEW


def _rejected(target: Path, error: OSError) -> OSError:
    """The same error with a message that names the folder."""
    files = [path for path in (target, *target.parents) if path.is_file()]
    reason = f"{files[0]} is a file, name a folder" if files else error.strerror
    return type(error)(error.errno, f"A pipeline cannot be saved to {target}: {reason}")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Wait until no other process or thread changes a folder, and keep others from starting.

    The operating system releases the lock of a killed process. Where folders cannot be locked, as
    on Windows and some network drives, processes must not save to the same folder at the same time.
    """
    with ExitStack() as stack:
        if sys.platform != "win32":
            with suppress(OSError):
                handle = os.open(folder, os.O_RDONLY)
                stack.callback(os.close, handle)
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _make_places(target: Path, obsolete: list[str]) -> list[Path]:
    """Create the folders that the target needs. Returns them, inner ones first."""
    files, folders = contents(target / STAGE / NEW)
    _check_places(target, files, folders, obsolete)
    missing = [name for name in folders if not (target / name).exists()]
    _make_folders(target, missing)
    return [target / name for name in reversed(missing)]


def _settle(target: Path, obsolete: list[str]) -> None:
    """Commit the new files. Everything that may fail happens before the last step."""
    new = target / STAGE / NEW
    files, _ = contents(new)
    for name in files:
        _keep_access(target / name, new / name)
        _flush(new / name)
    if (target / CONFIG).exists() and CONFIG not in files:
        shutil.copy2(target / CONFIG, new / CONFIG)
    # spaCy reads the config before it calls this package, so the config must match the other
    # files. If spaCy will not call this package, the config is removed until all files are in
    # their places.
    config = new / CONFIG
    waits = config.exists() and not _heals(config)
    if waits:
        os.replace(config, target / STAGE / CONFIG)
    _write_plan(target, obsolete)
    if waits:
        (target / CONFIG).unlink(missing_ok=True)
    elif config.exists():
        if META in files and not (target / META).exists():
            os.replace(new / META, target / META)
        os.replace(config, target / CONFIG)


def _write_plan(target: Path, obsolete: list[str]) -> None:
    plan = target / STAGE / PLAN
    part = plan.with_suffix(".part")
    part.write_bytes(os.fsencode("\0".join(obsolete)))
    _flush(part)
    os.replace(part, plan)


def settled(target: Path) -> bool:
    """Whether new files of a folder are committed but not all in their places."""
    stage = target / STAGE
    is_old = (stage / CONFIG).exists() and (target / CONFIG).exists()
    return (stage / PLAN).exists() and not (stage / NEW / CONFIG).exists() and not is_old


def finish(target: Path) -> None:
    """Move committed new files to their places, or discard uncommitted ones."""
    stage = target / STAGE
    if settled(target):
        for name in os.fsdecode((stage / PLAN).read_bytes()).split("\0"):
            _remove(target, name)
        files, folders = contents(stage / NEW)
        _make_folders(target, folders)
        for name in sorted(files, key=lambda name: name == LAST):
            _move(stage / NEW / name, target / name)
        if (stage / CONFIG).exists():
            os.replace(stage / CONFIG, target / CONFIG)
        with suppress(OSError):  # not all file systems support this for folders
            _flush(target)
    if stage.exists():
        shutil.rmtree(stage)


def finish_for_reading(folder: Path) -> None:
    """Finish a committed but interrupted save.

    Raises ValueError if that fails.
    """
    if not settled(folder):
        return
    folder = folder.resolve()
    try:
        with locked(folder):
            _finish_found(folder)
    except OSError as error:
        raise ValueError(
            f"The saving to {folder} was cut off and cannot be finished ({error}): load it once as "
            f"a user who may write to that folder, or save the pipeline again."
        ) from error


def _finish_found(target: Path) -> None:
    """Finish or discard what another process has left.

    Raises ValueError if that would change anything outside the folder, as a malicious folder may
    attempt.
    """
    stage = target / STAGE
    folders = contents(stage / NEW)[1] if settled(target) else []
    for path in (stage / NEW, *(target / name for name in folders)):
        if path.resolve() != path:
            raise ValueError(
                f"The saving to {target} was cut off and cannot be finished, since {path} is a "
                f"link: delete {stage} and save the pipeline again."
            )
    finish(target)


def is_inside(name: str) -> bool:
    """Whether a name, as written in a file, refers to something inside the folder."""
    path = PureWindowsPath(name)  # it knows both kinds of slashes
    return bool(path.parts) and not path.anchor and ".." not in path.parts


def _remove(target: Path, name: str) -> None:
    """Remove a file of the target, and the folders that this leaves empty."""
    path = target / name
    if not is_inside(name) or not path.parent.resolve().is_relative_to(target):
        return
    path.unlink(missing_ok=True)
    for folder in path.relative_to(target).parents[:-1]:
        with suppress(OSError):  # it is not empty
            (target / folder).rmdir()


def contents(folder: Path) -> tuple[list[str], list[str]]:
    """The names of all files and of all folders in a folder except the stage, outer ones first."""
    files: list[str] = []
    folders: list[str] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if name.parts[0] != STAGE:
            is_folder = path.is_dir() and not path.is_symlink()
            (folders if is_folder else files).append(name.as_posix())
    return files, folders


def _make_folders(target: Path, names: Iterable[str]) -> None:
    for name in names:
        (target / name).mkdir(exist_ok=True)


def _move(source: Path, target: Path) -> None:
    if target.is_dir() and not target.is_symlink():
        target.rmdir()  # empty, as `_check_places` ensures
    try:
        os.replace(source, target)
    except OSError:  # a folder inside the target is on another disk
        if source.stat().st_dev == target.parent.stat().st_dev:
            raise
        shutil.copy2(source, target)
        source.unlink()


def _check_places(
    target: Path, files: list[str], folders: list[str], obsolete: Iterable[str]
) -> None:
    """Raise OSError if something is in the way of new files or folders."""
    gone = {target / name for name in obsolete}
    left = {Path(name).parent.as_posix() for name in obsolete}
    for name in (*folders, *sorted(left.difference(folders))):
        path = target / name
        if name in folders and os.path.lexists(path) and not path.is_dir() and path not in gone:
            raise FileExistsError(f"{path} is a file, but the pipeline has a folder '{name}'.")
        if path.is_dir() and not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(f"This user may not write to the folder {path}.")
    for name in files:
        inside = (target / name).rglob("*") if (target / name).is_dir() else ()
        if any(path not in gone for path in inside if not path.is_dir()):
            raise IsADirectoryError(
                f"{target / name} is a folder, but the pipeline has a file '{name}'."
            )


def _keep_access(old: Path, new: Path) -> None:
    """Give a new file the owner and mode of an old one, as if the old one were overwritten."""
    if not old.is_file() or new.is_symlink():
        return
    was, now = old.stat(), new.stat()
    if sys.platform != "win32" and (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid):
        with suppress(OSError):  # only root may do this
            os.chown(new, was.st_uid, was.st_gid)
    new.chmod(stat.S_IMODE(was.st_mode))


def _flush(path: Path) -> None:
    """Flush a file or a folder from memory to disk, where Python can."""
    if sys.platform == "win32" or path.is_symlink():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _heals(config: Path) -> bool:
    """Whether a pipeline with this config repairs its files when it is loaded."""
    try:
        nlp = Config().from_disk(config, interpolate=False).get("nlp", {})
    except ValueError:  # not a config; loading it reports the error
        return False
    return bool(nlp.get("after_creation") == HEALING)
