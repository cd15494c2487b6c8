"""`nlp.to_disk` works wherever spaCy's does, and is complete or not at all in each place."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from pathlib import Path

import pytest
import spacy
from spacy.language import Language

from spacy_seqrnn.saved.checksums import CHECKSUMS
from spacy_seqrnn.saved.whole import STAGE

from ..integration.components import TEXTS, assert_same
from .folders import POSIX, files, make, mounted, rejects


@pytest.fixture(scope="module")
def nlp() -> Language:
    return make("tagger")


def new(tmp_path: Path) -> Path:
    return tmp_path / "new"


def nested(tmp_path: Path) -> Path:
    return tmp_path / "not" / "there" / "yet"


def existing(tmp_path: Path) -> Path:
    (tmp_path / "existing").mkdir()
    return tmp_path / "existing"


def relative(tmp_path: Path) -> Path:
    (tmp_path / "one").mkdir()
    return Path("one/../two")


def current(tmp_path: Path) -> Path:
    return Path(".")


def parent(tmp_path: Path) -> Path:
    (tmp_path / "below").mkdir()
    os.chdir(tmp_path / "below")
    return Path("..")


def empty_name(tmp_path: Path) -> str:
    return ""


def link(tmp_path: Path) -> Path:
    (tmp_path / "link").symlink_to(existing(tmp_path), target_is_directory=True)
    return tmp_path / "link"


def dangling_link(tmp_path: Path) -> Path:
    (tmp_path / "dangling").symlink_to("elsewhere/folder", target_is_directory=True)
    return tmp_path / "dangling"


def odd_name(tmp_path: Path) -> str:
    return str(tmp_path / "ein Ordner, 100 % schön\t'\"")


PLACES = [
    new,
    nested,
    existing,
    relative,
    current,
    parent,
    empty_name,
    link,
    dangling_link,
    odd_name,
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_every_place(
    nlp: Language,
    larger: Language,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: Callable[[Path], str | Path],
) -> None:
    """Saved twice, with a pipeline between that has one component more."""
    monkeypatch.chdir(tmp_path)
    path = place(tmp_path)
    here = Path.cwd()
    is_link = Path(path).is_symlink()
    nlp.to_disk(path)
    first = files(Path(path))
    larger.to_disk(path)
    assert (Path(path) / "seqrnn_textcat").exists()
    (Path(path) / "README.md").write_text("mine")
    nlp.to_disk(path)
    assert files(Path(path)) == {**first, "README.md": b"mine"}
    assert not (Path(path) / "seqrnn_textcat").exists()
    assert not (Path(path) / STAGE).exists()
    assert Path.cwd() == here
    assert Path(path).is_symlink() == is_link
    assert_same(spacy.load(Path(path)).pipe(TEXTS), nlp.pipe(TEXTS), tolerance=0)


def test_the_folder_itself_stays(nlp: Language, tmp_path: Path) -> None:
    target = existing(tmp_path)
    before = target.stat().st_ino
    nlp.to_disk(target)
    assert target.stat().st_ino == before
    assert [path.name for path in tmp_path.iterdir()] == ["existing"]


@POSIX
def test_a_mount_point(nlp: Language, larger: Language, tmp_path: Path) -> None:
    target = tmp_path / "volume"
    with mounted(target):
        larger.to_disk(target)
        nlp.to_disk(target)
        assert spacy.load(target).pipe_names == nlp.pipe_names
        assert not (target / "seqrnn_textcat").exists()


@POSIX
def test_a_component_on_a_disk_of_its_own(nlp: Language, larger: Language, tmp_path: Path) -> None:
    target = tmp_path / "pipeline"
    larger.to_disk(target)
    with mounted(target / "vocab"):
        nlp.to_disk(target)
        assert spacy.load(target).pipe_names == nlp.pipe_names
        assert (target / "vocab" / "strings.json").exists()


@POSIX
def test_a_full_disk(nlp: Language, larger: Language, tmp_path: Path) -> None:
    """The earlier pipeline still loads, at whichever file the disk is full."""
    volume = tmp_path / "volume"
    with mounted(volume):
        target = volume / "pipeline"
        nlp.to_disk(target)
        before = files(target)
        blocks = 0
        while fails_with_room(partial(larger.to_disk, target), volume, blocks):
            assert files(target) == before
            assert fails_with_room(partial(larger.to_disk, volume / "a" / "b"), volume, blocks)
            assert [path.name for path in volume.iterdir()] == ["pipeline"]
            blocks += 1
        assert_same(spacy.load(target).pipe(TEXTS), larger.pipe(TEXTS), tolerance=0)
        assert blocks > len(before)  # the disk was full at each file


@POSIX
@pytest.mark.parametrize("nth", [1, 5, -1])
def test_a_full_disk_that_is_noticed_late(
    nlp: Language, larger: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    """Like a server's, which reports it when a file is flushed: nothing is left either."""
    nlp.to_disk(tmp_path / "pipeline")
    before = files(tmp_path)
    n_files = len(list(larger_files(larger, tmp_path / "larger")))
    calls = count()

    def fail(handle: int) -> None:
        if next(calls) == nth % (n_files + 1):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    for target in (tmp_path / "pipeline", tmp_path / "new" / "folder"):
        calls = count()
        with pytest.raises(OSError, match="No space left"):
            larger.to_disk(target)
    assert files(tmp_path) == before
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "pipeline" / "seqrnn_textcat").exists()


def larger_files(larger: Language, folder: Path) -> dict[str, bytes]:
    larger.to_disk(folder)
    saved = files(folder)
    shutil.rmtree(folder)
    return saved


def fails_with_room(save: Callable[[], None], volume: Path, blocks: int) -> bool:
    """Whether there is no room for a pipeline on a disk with so many blocks free."""
    disk = os.statvfs(volume)
    (volume / "others").write_bytes(bytes(disk.f_frsize * (disk.f_bfree - blocks)))
    try:
        save()
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return True
    finally:
        (volume / "others").unlink()
    return False


@pytest.mark.parametrize("name", ["file", "file/below", "file/far/below"])
def test_a_file_gets_a_sentence(nlp: Language, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("mine")
    sentence = rf"cannot be saved to {tmp_path / name}: {tmp_path / 'file'} is a file"
    rejects(nlp, tmp_path / name, OSError, sentence)
    assert files(tmp_path) == {"file": b"mine"}


def test_a_file_where_a_folder_is_to_be(nlp: Language, tmp_path: Path) -> None:
    (tmp_path / "vocab").write_text("mine")
    rejects(nlp, tmp_path, FileExistsError, "vocab is a file, but the pipeline has a folder")
    (tmp_path / "vocab").unlink()
    (tmp_path / "config.cfg").mkdir()
    (tmp_path / "config.cfg" / "mine").write_text("mine")
    rejects(nlp, tmp_path, IsADirectoryError, "config.cfg is a folder, but the pipeline has a file")
    assert files(tmp_path) == {"config.cfg/mine": b"mine"}


def test_the_users_files_stay_wherever_they_are(
    nlp: Language, larger: Language, tmp_path: Path
) -> None:
    mine = {".git/config": b"1", "seqrnn_textcat/notes": b"2", "vocab/README": b"3"}
    for name, data in mine.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    larger.to_disk(tmp_path)
    nlp.to_disk(tmp_path)
    assert files(tmp_path).items() >= mine.items()
    assert not (tmp_path / "seqrnn_textcat" / "model").exists()


@pytest.mark.parametrize(
    ("exclude", "stays"),
    [
        (["vocab"], "vocab/strings.json"),
        (["vectors"], "vocab/vectors"),
        (["strings"], "vocab/strings.json"),
        (["tokenizer"], "tokenizer"),
        (["tagger"], "tagger/model"),
        (["config"], "config.cfg"),
        (["meta"], "meta.json"),
        (("tagger", "vocab"), "tagger/model"),
    ],
)
def test_what_is_excluded_stays_and_is_checked(
    nlp: Language, larger: Language, tmp_path: Path, exclude: Sequence[str], stays: str
) -> None:
    larger.to_disk(tmp_path)
    before = files(tmp_path)
    nlp.to_disk(tmp_path, exclude=exclude)
    assert (tmp_path / stays).read_bytes() == before[stays]
    assert not (tmp_path / "seqrnn_textcat").exists()
    listed = {line.split("  ")[1] for line in (tmp_path / CHECKSUMS).read_text().splitlines()}
    assert listed == files(tmp_path).keys() - {CHECKSUMS, "meta.json"}


def test_excluded_from_a_new_folder(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path / "new", exclude=["config", "meta"])
    assert "config.cfg" not in files(tmp_path / "new")
    assert not (tmp_path / "new" / STAGE).exists()
    make("tagger").from_disk(tmp_path / "new", exclude=["meta"])


@pytest.fixture
def config(nlp: Language, tmp_path: Path) -> Path:
    """A config whose components come from a saved pipeline, without their own model."""
    nlp.to_disk(tmp_path / "source")
    config = nlp.config.copy()
    for name in nlp.pipe_names:
        config["components"][name] = {"source": str(tmp_path / "source")}
    config["initialize"]["vectors"] = str(tmp_path / "source")
    config.to_disk(tmp_path / "config.cfg")
    return tmp_path / "config.cfg"


@POSIX
def test_spacy_assemble_into_a_mount_point(
    nlp: Language, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mounted(tmp_path / "volume"):
        monkeypatch.chdir(tmp_path / "volume")
        run_spacy("assemble", config, ".")
        assert_same(spacy.load(".").pipe(TEXTS), nlp.pipe(TEXTS), tolerance=0)
        monkeypatch.chdir(tmp_path)


def run_spacy(*arguments: str | Path) -> None:
    """Run a command of spaCy in a separate process."""
    command = [sys.executable, "-m", "spacy", *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_linked_folder_inside_a_pipeline(nlp: Language, tmp_path: Path) -> None:
    """Like spaCy, which writes through it; a list of old files removes nothing behind it."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "mine").write_text("mine")
    target = existing(tmp_path)
    (target / "vocab").symlink_to(tmp_path / "shared", target_is_directory=True)
    (target / CHECKSUMS).write_text(f"{'0' * 64}  vocab/mine\n")
    nlp.to_disk(target)
    assert (tmp_path / "shared" / "strings.json").exists()
    assert (tmp_path / "shared" / "mine").exists()
    assert_same(spacy.load(target).pipe(TEXTS), nlp.pipe(TEXTS), tolerance=0)


@POSIX
def test_spacy_package_of_a_mount_point(nlp: Language, tmp_path: Path) -> None:
    with mounted(tmp_path / "volume"):
        nlp.to_disk(tmp_path / "volume")
        (tmp_path / "out").mkdir()
        run_spacy("package", tmp_path / "volume", tmp_path / "out", "--build", "none")
    [config] = (tmp_path / "out").glob("*/*/*/config.cfg")
    assert_same(spacy.load(config.parent).pipe(TEXTS), nlp.pipe(TEXTS), tolerance=0)
