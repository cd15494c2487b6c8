"""Checking corpora: one line for each file that is not as expected."""

from typing import Any

import pytest

from .conftest import NOWHERE, Project
from .zips import make_zip

VERIFY = "scripts/verify.py"
ARCHIVE = make_zip({"a": b"a" * 1000})


def toy(name: str, content: bytes, **options: Any) -> dict[str, Any]:
    """An asset of the corpus `toy`."""
    return {"dest": f"assets/toy/{name}", "content": content, **options}


def test_expected_files_pass(project: Project) -> None:
    project.define(toy("a.txt", b"a", url=NOWHERE), toy("a.zip", ARCHIVE, url=NOWHERE))
    project.write("assets/toy/a.txt", b"a")
    project.write("assets/toy/a.zip", ARCHIVE)
    assert "a.txt, a.zip" in project.succeeds(VERIFY, "toy")
    assert "a.txt, a.zip" in project.run_apart(VERIFY, "toy").stdout  # as a user runs it


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"b", "is not the expected file (SHA-256 3e23e816…, not ca978112…)"),
        ("a.txt", b"", "is not the expected file"),
        ("a.txt", b"\n<!doctype html><title>Not found", "is a web page, not the data"),
        ("a.zip", ARCHIVE[:-30], "is truncated or not a zip archive"),
        ("a.zip", b"<html>", "is a web page, not the data"),
    ],
    ids=["other file", "empty file", "web page", "cut archive", "web page for archive"],
)
def test_bad_file_is_reported(project: Project, name: str, content: bytes, reason: str) -> None:
    project.define(toy(name, b"a", url=NOWHERE))
    project.write(f"assets/toy/{name}", content)
    line = project.fails(VERIFY, "toy")
    assert line.startswith(f"Error: assets/toy/{name} {reason}")
    assert line.endswith(": delete it and run `spacy project run fetch-toy`.")


def test_every_bad_file_is_reported(project: Project) -> None:
    project.define(*(toy(name, name.encode(), url=NOWHERE) for name in ("a", "b", "c")))
    project.write("assets/toy/a", b"x")
    project.write("assets/toy/b", b"b")
    result = project.run(VERIFY, "toy")
    assert result.returncode == 1
    bad, missing = result.stderr.splitlines()
    assert "assets/toy/a is not the expected file" in bad
    assert missing == "assets/toy/c is missing: run `spacy project run fetch-toy`."


def test_optional_files_may_be_missing_but_not_be_others(project: Project) -> None:
    project.define({"dest": "assets/vectors/a", "content": b"a", "npm": "a@1.0"})
    assert "nothing in assets/vectors" in project.succeeds(VERIFY, "vectors", "--optional")
    project.write("assets/vectors/a", b"b")
    line = project.fails(VERIFY, "vectors", "--optional")
    assert "is not the expected file" in line
    assert line.endswith("delete it and run `spacy project run rich-vectors`.")


def test_licensed_corpus_of_another_edition_may_be_used(project: Project) -> None:
    project.define(toy("a.txt", b"a"))
    assert project.fails(VERIFY, "toy") == (
        "Error: assets/toy/a.txt is missing: put your own copy there."
    )
    project.write("assets/toy/a.txt", b"b")
    line = project.fails(VERIFY, "toy")
    assert "spacy project run convert-toy" in line
    assert "fetch" not in line


@pytest.mark.parametrize(
    ("checksums", "reason"),
    [
        (
            b"ca978112ca1b  toy/a.txt\n",
            "line 1: expected a SHA-256 and a file name, not 'ca978112ca1b  toy/a",
        ),
        (b"", "has no line for assets/toy/a.txt: restore it from the repository"),
    ],
)
def test_damaged_list_of_checksums_is_named(
    project: Project, checksums: bytes, reason: str
) -> None:
    project.define(toy("a.txt", b"a", url=NOWHERE))
    project.write("assets/checksums.sha256", checksums)
    line = project.fails(VERIFY, "toy")
    assert line.startswith("Error: assets/checksums.sha256")
    assert reason in line
