"""Saving a pipeline to a folder does not change who may read and write it."""

import os
import stat
from functools import partial
from pathlib import Path

import pytest
import spacy
from spacy.language import Language

from spacy_seqrnn.saved.checksums import CHECKSUMS

from .folders import NOBODY, POSIX, as_nobody, files, make, rejects


@pytest.fixture(scope="module")
def nlp() -> Language:
    return make("tagger")


@POSIX
@pytest.mark.parametrize("umask", [0o022, 0o002, 0o027, 0o077])
def test_umask(nlp: Language, tmp_path: Path, umask: int) -> None:
    """As if spaCy alone had saved it."""
    before = os.umask(umask)
    try:
        nlp.to_disk(tmp_path / "ours")
        Language.to_disk(nlp, tmp_path / "spacys")
    finally:
        os.umask(before)
    assert modes(tmp_path / "ours") == {
        **modes(tmp_path / "spacys"),
        CHECKSUMS: 0o666 & ~umask,
    }


def modes(folder: Path) -> dict[str, int]:
    return {
        path.relative_to(folder).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in (folder, *folder.rglob("*"))
    }


def owners(folder: Path) -> set[tuple[int, int]]:
    return {(path.stat().st_uid, path.stat().st_gid) for path in (folder, *folder.rglob("*"))}


@POSIX
@pytest.mark.parametrize("mode", [0o2770, 0o2755, 0o700, 0o1777, 0o777])
def test_the_mode_of_a_folder_stays(nlp: Language, tmp_path: Path, mode: int) -> None:
    target = tmp_path / "ours"
    target.mkdir()
    target.chmod(mode)
    other = tmp_path / "spacys"
    other.mkdir()
    other.chmod(mode)
    for _ in range(2):
        nlp.to_disk(target)
        Language.to_disk(nlp, other)
        assert stat.S_IMODE(target.stat().st_mode) == mode
        ours = modes(target)
        assert ours.pop(CHECKSUMS) == ours["config.cfg"]
        assert ours == modes(other)


@POSIX
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="needs an administrator")
def test_owner_and_group_stay(nlp: Language, tmp_path: Path) -> None:
    """The folder's, also those of existing files; new files get the group of the folder."""
    target = tmp_path / "ours"
    target.mkdir()
    os.chown(target, NOBODY, NOBODY)
    target.chmod(0o2770)
    nlp.to_disk(target)
    assert owners(target) == {(NOBODY, NOBODY), (0, NOBODY)}
    assert (target.stat().st_uid, target.stat().st_gid) == (NOBODY, NOBODY)
    for path in target.rglob("*"):
        os.chown(path, NOBODY, NOBODY)
    (target / "config.cfg").chmod(0o640)
    nlp.to_disk(target)
    assert owners(target) == {(NOBODY, NOBODY)}
    assert stat.S_IMODE((target / "config.cfg").stat().st_mode) == 0o640


@POSIX
def test_a_read_only_parent(nlp: Language, larger: Language, public: Path) -> None:
    public.chmod(0o555)
    assert as_nobody(partial(larger.to_disk, public / "mine"))
    assert as_nobody(partial(nlp.to_disk, public / "mine"))
    assert spacy.load(public / "mine").pipe_names == nlp.pipe_names


@POSIX
def test_a_read_only_folder_gets_a_sentence(nlp: Language, public: Path) -> None:
    nlp.to_disk(public / "other")
    before = files(public / "other")
    for path in (public / "other", public / "new"):
        sentence = f"cannot be saved to {path}: Permission denied"
        assert as_nobody(partial(rejects, nlp, path, PermissionError, sentence))
    assert files(public / "other") == before


@POSIX
def test_a_read_only_folder_inside_gets_a_sentence(
    nlp: Language, larger: Language, public: Path
) -> None:
    """Before anything is changed."""
    target = public / "mine"
    assert as_nobody(partial(larger.to_disk, target))
    before = files(target)
    (target / "vocab").chmod(0o555)
    assert as_nobody(partial(rejects, nlp, target, PermissionError, "may not write to .*/vocab"))
    assert files(target) == before
