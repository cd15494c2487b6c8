"""Small pipelines, the files of their folders, and users who are subject to folder modes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language

from spacy_seqrnn.saved.checkpoints import guard

from ..integration.components import initialize, make_pipeline
from ..killing import run_and_kill

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes, owners and locks are POSIX")
NOBODY = 65534
WHOLE_FILES = {"@callbacks": "spacy-seqrnn.whole_files.v1"}


def make(*names: str, whole_files: bool = True) -> Language:
    nlp = make_pipeline(*names, shared=True, vectors=True)
    nlp.config["nlp"]["after_creation"] = WHOLE_FILES if whole_files else None
    initialize(nlp)
    return guard(nlp)


def files(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def as_nobody(work: Callable[..., Any]) -> bool:
    """Do some work as a user who is subject to modes. Returns whether it succeeded."""

    def work_as() -> None:
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        work()

    return not run_and_kill(work_as)


def rejects(nlp: Language, path: Path, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        nlp.to_disk(path)


@contextmanager
def mounted(folder: Path, size: str = "64m") -> Iterator[None]:
    """A folder with its own file system; skips the test if none can be created."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if (
        not shutil.which("mount")
        or subprocess.run(command, check=False, capture_output=True).returncode
    ):
        pytest.skip("no file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)
