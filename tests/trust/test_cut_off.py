"""An interrupted save, or two concurrent ones, leave one complete pipeline."""

import multiprocessing
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language

from spacy_seqrnn.saved.checksums import CHECKSUMS
from spacy_seqrnn.saved.whole import STAGE, is_inside, settled

from ..integration.components import TEXTS, assert_same
from ..killing import kill_at_change
from .folders import POSIX, as_nobody, files, make


@pytest.fixture(scope="module")
def nlp() -> Language:
    return make("tagger")


def loads_whole(target: Path, versions: list[dict[str, bytes]]) -> bool:
    """Load one of some pipelines. Returns whether there was one; it must be complete."""
    if not (target / "config.cfg").exists():
        with pytest.raises(OSError, match=r"E053.*(config\.cfg|meta\.json)"):
            spacy.load(target)
        return False
    loaded = spacy.load(target)
    there = {name: data for name, data in files(target).items() if not name.startswith(STAGE)}
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
    """A kill leaves the old pipeline or the new one, or an error.

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
    """Both save again and again; the last one is complete."""
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
    """An error, and no mixture."""
    nlp.to_disk(tmp_path)
    loading = make("tagger")
    read = loading.vocab.from_disk

    def save_and_read(*args: Any, **kwargs: Any) -> Any:
        larger.to_disk(tmp_path)
        return read(*args, **kwargs)

    monkeypatch.setattr(loading.get_pipe("tagger"), "from_disk", save_and_read)
    with pytest.raises(ValueError, match="was saved while it was being loaded: load it again"):
        loading.from_disk(tmp_path)


def cut_off(nlp: Language, target: Path) -> None:
    """Save, and be killed after the new files are committed."""
    n = 0
    while not settled(target):
        n += 1
        assert kill_at_change(partial(nlp.to_disk, target), n)


def test_a_copy_of_what_was_cut_off(nlp: Language, larger: Language, tmp_path: Path) -> None:
    """As created by `spacy package`, `git` or a backup."""
    larger.to_disk(tmp_path / "pipeline")
    cut_off(nlp, tmp_path / "pipeline")
    copy = shutil.copytree(tmp_path / "pipeline", tmp_path / "copy")
    assert_same(spacy.load(copy).pipe(TEXTS), nlp.pipe(TEXTS), tolerance=0)
    assert not (copy / STAGE).exists()


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
@pytest.mark.parametrize("name", ["vocab", f"{STAGE}/new"])
def test_links_from_elsewhere_move_nothing_outside(
    nlp: Language, larger: Language, tmp_path: Path, name: str
) -> None:
    """A malicious folder, whose loading would finish a "save" to another place."""
    target, outside = tmp_path / "pipeline", tmp_path / "outside"
    larger.to_disk(target)
    cut_off(nlp, target)
    shutil.move(target / name, outside)
    (target / name).symlink_to(outside, target_is_directory=True)
    before = files(outside)
    with pytest.raises(
        ValueError, match=r"was cut off and cannot be finished, since .* is a link: delete"
    ):
        spacy.load(target)
    with pytest.raises(ValueError, match=r"is a link: delete .* and save"):
        nlp.to_disk(target)
    assert files(outside) == before
