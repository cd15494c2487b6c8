"""`nlp.to_disk` works wherever spaCy's does, and is whole or not at all in each place."""

import errno
import multiprocessing
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import spacy
from spacy.language import Language

from spacy_seqrnn.saving import CHECKSUMS, guard
from spacy_seqrnn.whole_folders import is_inside, settled

from ..integration.components import TEXTS, assert_same, initialize, make_pipeline
from ..killing import kill_at_change, run_and_kill

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes, owners and locks are POSIX")
NOBODY = 65534
WHOLE_FILES = {"@callbacks": "spacy-seqrnn.whole_files.v1"}


def make(*names: str, whole_files: bool = True) -> Language:
    nlp = make_pipeline(*names, shared=True, vectors=True)
    nlp.config["nlp"]["after_creation"] = WHOLE_FILES if whole_files else None
    initialize(nlp)
    return guard(nlp)


@pytest.fixture(scope="module")
def nlp() -> Language:
    return make("tagger")


@pytest.fixture(scope="module")
def larger() -> Language:
    """Another pipeline, with a component that the first one has not."""
    return make("tagger", "seqrnn_textcat")


def files(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@contextmanager
def mounted(folder: Path, size: str = "64m") -> Iterator[None]:
    """A folder with a file system of its own; skips the test where none can be had."""
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
    nlp: Language, larger: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place
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
    assert not (Path(path) / ".saving").exists()
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
    """What was there can still be loaded, at whatever file there is no more room."""
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
        assert blocks > len(before)  # each file has met the end of the disk


def fails_with_room(save, volume: Path, blocks: int) -> bool:
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


@POSIX
@pytest.mark.parametrize("umask", [0o022, 0o002, 0o027, 0o077])
def test_umask(nlp: Language, tmp_path: Path, umask: int) -> None:
    """As if spaCy alone had saved it."""
    before = os.umask(umask)
    try:
        nlp.to_disk(tmp_path / "ours")
        type(nlp).to_disk(nlp, tmp_path / "spacys")
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
    target = existing(tmp_path)
    target.chmod(mode)
    other = tmp_path / "spacys"
    other.mkdir()
    other.chmod(mode)
    for _ in range(2):
        nlp.to_disk(target)
        type(nlp).to_disk(nlp, other)
        assert stat.S_IMODE(target.stat().st_mode) == mode
        ours = modes(target)
        assert ours.pop(CHECKSUMS) == ours["config.cfg"]
        assert ours == modes(other)


@POSIX
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="needs an administrator")
def test_owner_and_group_stay(nlp: Language, tmp_path: Path) -> None:
    """The folder's, also those of files that are there; new files get the group of the folder."""
    target = existing(tmp_path)
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


def as_nobody(work) -> bool:
    """Do some work as a user for whom modes count. Returns whether it could be done."""

    def work_as() -> None:
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        work()

    return not run_and_kill(work_as)


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Path]:
    """A folder that everybody can reach, with the folder "mine" for the user nobody."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "mine").mkdir()
    if os.getuid() == 0:
        os.chown(folder / "mine", NOBODY, NOBODY)
    yield folder
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


@POSIX
def test_a_read_only_parent(nlp: Language, larger: Language, public: Path) -> None:
    public.chmod(0o555)
    assert as_nobody(partial(larger.to_disk, public / "mine"))
    assert as_nobody(partial(nlp.to_disk, public / "mine"))
    assert spacy.load(public / "mine").pipe_names == nlp.pipe_names


def refuses(nlp: Language, path: Path, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        nlp.to_disk(path)


@POSIX
def test_a_read_only_folder_gets_a_sentence(nlp: Language, public: Path) -> None:
    nlp.to_disk(public / "other")
    before = files(public / "other")
    for path in (public / "other", public / "new"):
        sentence = f"cannot be saved to {path}: Permission denied"
        assert as_nobody(partial(refuses, nlp, path, PermissionError, sentence))
    assert files(public / "other") == before


@POSIX
def test_a_read_only_folder_inside_gets_a_sentence(
    nlp: Language, larger: Language, public: Path
) -> None:
    """Before anything is touched."""
    target = public / "mine"
    assert as_nobody(partial(larger.to_disk, target))
    before = files(target)
    (target / "vocab").chmod(0o555)
    assert as_nobody(partial(refuses, nlp, target, PermissionError, "may not write to .*/vocab"))
    assert files(target) == before


@pytest.mark.parametrize("name", ["file", "file/below", "file/far/below"])
def test_a_file_gets_a_sentence(nlp: Language, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("mine")
    sentence = rf"cannot be saved to {tmp_path / name}: {tmp_path / 'file'} is a file"
    refuses(nlp, tmp_path / name, OSError, sentence)
    assert files(tmp_path) == {"file": b"mine"}


def test_a_file_where_a_folder_is_to_be(nlp: Language, tmp_path: Path) -> None:
    (tmp_path / "vocab").write_text("mine")
    refuses(nlp, tmp_path, FileExistsError, "vocab is a file, but the pipeline has a folder")
    (tmp_path / "vocab").unlink()
    (tmp_path / "config.cfg").mkdir()
    (tmp_path / "config.cfg" / "mine").write_text("mine")
    refuses(nlp, tmp_path, IsADirectoryError, "config.cfg is a folder, but the pipeline has a file")
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
    nlp: Language, larger: Language, tmp_path: Path, exclude, stays: str
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
    assert not (tmp_path / "new" / ".saving").exists()
    make("tagger").from_disk(tmp_path / "new", exclude=["meta"])


@pytest.fixture
def config(nlp: Language, tmp_path: Path) -> Path:
    """A config whose components come from a saved pipeline, without a model of their own."""
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
    """Run a command of spaCy in a process of its own."""
    command = [sys.executable, "-m", "spacy", *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def loads_whole(target: Path, versions: list[dict[str, bytes]]) -> bool:
    """Load one of some pipelines. Returns whether there was one; what is loaded must be whole."""
    if not (target / "config.cfg").exists():
        with pytest.raises(OSError, match=r"E053.*(config\.cfg|meta\.json)"):
            spacy.load(target)
        return False
    loaded = spacy.load(target)
    there = {name: data for name, data in files(target).items() if not name.startswith(".saving/")}
    assert there in versions
    assert loaded.config.to_str() == spacy.util.load_config(target / "config.cfg").to_str()
    assert loaded.component_names == loaded.meta["components"]
    return True


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("heals", [True, False])
@pytest.mark.parametrize("earlier", [True, False])
def test_killed_at_any_change_of_the_disk(
    tmp_path: Path, earlier: bool, heals: bool, every: int
) -> None:
    """A kill leaves the old pipeline or the new one, or a sentence.

    earlier: whether there was another pipeline in the folder, with other components.
    heals: whether the config of the new one names `whole_files`.
    """
    old, new = make("tagger", "seqrnn_textcat"), make("tagger", whole_files=heals)
    old.to_disk(tmp_path / "old")
    new.to_disk(tmp_path / "new")
    versions = [files(tmp_path / "old"), files(tmp_path / "new")]
    target = tmp_path / "target"
    killed, n, loaded = True, 0, set()
    while killed:
        shutil.rmtree(target, ignore_errors=True)
        if earlier:
            shutil.copytree(tmp_path / "old", target)
        else:
            target.mkdir()
        n += every
        killed = kill_at_change(partial(new.to_disk, target), n)
        loaded.add(loads_whole(target, versions))
        new.to_disk(target)
        assert loads_whole(target, versions[1:])
    assert n > 5 * every
    assert loaded == ({True} if earlier and heals else {True, False})


@POSIX
@pytest.mark.parametrize("rounds", [3, pytest.param(30, marks=pytest.mark.slow)])
def test_two_processes_at_the_same_time(
    nlp: Language, larger: Language, tmp_path: Path, rounds: int
) -> None:
    """Both save again and again; whatever comes last is whole."""
    for n, pipeline in enumerate((nlp, larger)):
        pipeline.to_disk(tmp_path / str(n))
    versions = [files(tmp_path / str(n)) for n in range(2)]
    target = tmp_path / "target"
    fork = multiprocessing.get_context("fork")
    for _ in range(rounds):
        work = [partial(save_often, pipeline, target) for pipeline in (nlp, larger)]
        processes = [fork.Process(target=each) for each in work]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0, 0]
        assert files(target) in versions
        assert loads_whole(target, versions)


def save_often(nlp: Language, target: Path) -> None:
    for _ in range(5):
        nlp.to_disk(target)


@POSIX
def test_saved_while_it_is_loaded(
    nlp: Language, larger: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence, and no mixture."""
    nlp.to_disk(tmp_path)
    loading = make("tagger")
    read = loading.vocab.from_disk

    def save_and_read(*args, **kwargs):
        larger.to_disk(tmp_path)
        return read(*args, **kwargs)

    monkeypatch.setattr(loading.get_pipe("tagger"), "from_disk", save_and_read)
    with pytest.raises(ValueError, match="was saved while it was loaded: load it again"):
        loading.from_disk(tmp_path)


def cut_off(nlp: Language, target: Path) -> None:
    """Save, and be killed when it is settled which files are the ones."""
    n = 0
    while not settled(target):
        n += 1
        assert kill_at_change(partial(nlp.to_disk, target), n)


def test_a_copy_of_what_was_cut_off(nlp: Language, larger: Language, tmp_path: Path) -> None:
    """As `spacy package`, `git` or a backup make it."""
    larger.to_disk(tmp_path / "pipeline")
    cut_off(nlp, tmp_path / "pipeline")
    copy = shutil.copytree(tmp_path / "pipeline", tmp_path / "copy")
    assert_same(spacy.load(copy).pipe(TEXTS), nlp.pipe(TEXTS), tolerance=0)
    assert not (copy / ".saving").exists()


@POSIX
def test_what_was_cut_off_and_cannot_be_finished(
    nlp: Language, larger: Language, public: Path
) -> None:
    larger.to_disk(public)
    cut_off(nlp, public)

    def load() -> None:
        with pytest.raises(ValueError, match=r"was cut off and cannot be finished .*Permission"):
            spacy.load(public)

    assert as_nobody(load)
    assert spacy.load(public).pipe_names == nlp.pipe_names


@pytest.mark.parametrize(
    "name",
    ["../mine", "/etc/mine", "a/../../mine", "", ".", "C:\\mine", "\\mine", "..\\mine", "x/.."],
)
def test_lists_from_elsewhere_remove_nothing_outside(
    nlp: Language, tmp_path: Path, name: str
) -> None:
    assert not is_inside(name)
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / CHECKSUMS).write_text(f"{'0' * 64}  {name}\n")
    nlp.to_disk(tmp_path / "pipeline")
    assert (tmp_path / "mine").read_text() == "mine"


@POSIX
@pytest.mark.parametrize("name", ["vocab", ".saving/new"])
def test_links_from_elsewhere_move_nothing_outside(
    nlp: Language, larger: Language, tmp_path: Path, name: str
) -> None:
    """A folder that somebody has made so that loading finishes a "saving" to another place."""
    target, outside = tmp_path / "pipeline", tmp_path / "outside"
    larger.to_disk(target)
    cut_off(nlp, target)
    shutil.move(target / name, outside)
    (target / name).symlink_to(outside, target_is_directory=True)
    before = files(outside)
    with pytest.raises(ValueError, match=r"was cut off and cannot be finished: .* is a link"):
        spacy.load(target)
    assert files(outside) == before


def test_a_linked_folder_inside_a_pipeline(nlp: Language, tmp_path: Path) -> None:
    """As spaCy, which writes through it; a list of old files removes nothing behind it."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "mine").write_text("mine")
    target = existing(tmp_path)
    (target / "vocab").symlink_to(tmp_path / "shared", target_is_directory=True)
    (target / CHECKSUMS).write_text(f"{'0' * 64}  vocab/mine\n")
    nlp.to_disk(target)
    assert (tmp_path / "shared" / "strings.json").exists()
    assert (tmp_path / "shared" / "mine").exists()
    assert_same(spacy.load(target).pipe(TEXTS), nlp.pipe(TEXTS), tolerance=0)
