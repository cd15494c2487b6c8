"""Small pipelines, the files of their folders, and users for whom the modes of folders count."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from spacy.language import Language

from spacy_seqrnn.saving import guard

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


def as_nobody(work: Callable) -> bool:
    """Do some work as a user for whom modes count. Returns whether it could be done."""

    def work_as() -> None:
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        work()

    return not run_and_kill(work_as)


def refuses(nlp: Language, path: Path, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        nlp.to_disk(path)
