"""`spacy seqrnn convert` on files that the tests write."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

import spacy_seqrnn.cli  # noqa: F401  # adds the command, as the entry point does

from ..cli.conftest import invoke

Convert = Callable[..., list[Doc]]
Fail = Callable[..., str]


def read(path: Path) -> list[Doc]:
    """The documents of a .spacy file."""
    return list(DocBin().from_disk(path).get_docs(Vocab()))


def entities(docs: list[Doc]) -> list[list[tuple[str, str]]]:
    """Text and label of the entities of each document."""
    return [[(ent.text, ent.label_) for ent in doc.ents] for doc in docs]


def write(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a file, and the folders that it is in."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.fixture
def convert(tmp_path: Path) -> Convert:
    """Convert the content of one file. Returns its documents."""

    def run(content: str | bytes, *options: str, name: str = "toy.conll") -> list[Doc]:
        path = write(tmp_path, name, content)
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        result = invoke("seqrnn", "convert", path, tmp_path / "out", *options)
        assert result.exit_code == 0, (result.output, result.exception)
        (target,) = (tmp_path / "out").iterdir()
        return read(target)

    return run


@pytest.fixture
def fail(tmp_path: Path) -> Fail:
    """Convert a file that cannot be converted. Returns the message, without its path's folder."""

    def run(content: str | bytes, *options: str, name: str = "toy.conll") -> str:
        path = write(tmp_path, name, content)
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        result = invoke("seqrnn", "convert", path, tmp_path / "out", *options)
        assert result.exit_code == 1, (result.output, result.exception)
        assert not (tmp_path / "out").exists()
        return " ".join(result.output.replace(f"{tmp_path}/", "").split())

    return run
