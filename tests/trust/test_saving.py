"""Pipelines are saved completely or not at all, and damage is detected."""

import os
import pickle
import random
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.language import Language
from thinc.api import Adam, Model

from spacy_seqrnn.saved.checkpoints import (
    check_files,
    create_whole_checkpoints,
    create_whole_files,
    guard,
)
from spacy_seqrnn.saved.checksums import CHECKSUMS
from spacy_seqrnn.saved.training import Checkpoints
from spacy_seqrnn.saved.whole import STAGE

from ..integration.components import TEXTS, assert_same, initialize, make_pipeline, train
from ..killing import kill_at_change
from ..pipes import get_pipe

OURS = ["seqrnn_ner", "seqrnn_textcat", "tagger"]


def make() -> Language:
    nlp = make_pipeline(*OURS, shared=True, vectors=True)
    nlp.config["nlp"]["after_creation"] = {"@callbacks": "spacy-seqrnn.whole_files.v1"}
    return guard(nlp)


@pytest.fixture(scope="module")
def nlp() -> Language:
    nlp = make()
    train(nlp, initialize(nlp), steps=20)
    return nlp


def hidden(folder: Path) -> list[str]:
    """What saving leaves in a folder and beside it."""
    paths = [*folder.parent.iterdir(), *(folder.iterdir() if folder.exists() else ())]
    return [path.name for path in paths if path.name.startswith(".")]


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_loaded_pipeline_is_safe_again(nlp: Language, saved: Path, tmp_path: Path) -> None:
    loaded = spacy.load(saved)
    assert_same(loaded.pipe(TEXTS), nlp.pipe(TEXTS), tolerance=0)
    loaded.to_disk(tmp_path / "again")
    assert files(tmp_path / "again").keys() == files(saved).keys()
    assert hidden(tmp_path / "again") == hidden(saved) == []
    (tmp_path / "again" / "tagger" / "model").write_bytes(b"")
    with pytest.raises(ValueError, match=r"damaged: 'tagger/model' is not what was saved"):
        spacy.load(tmp_path / "again")


def test_checksums_are_those_of_sha256sum(saved: Path) -> None:
    lines = (saved / CHECKSUMS).read_text().splitlines()
    names = [line.split("  ")[1] for line in lines]
    assert set(names) == set(files(saved)) - {CHECKSUMS, "meta.json"}
    assert all(len(line.split("  ")[0]) == 64 for line in lines)


def test_a_missing_file_is_named(saved: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(saved, tmp_path / "copy")
    (copy / "vocab" / "vectors").unlink()
    with pytest.raises(ValueError, match=r"'vocab/vectors' cannot be read.*delete checksums"):
        spacy.load(copy)
    (copy / CHECKSUMS).unlink()  # as the error says
    check_files(copy)


def test_pickle_and_bytes(nlp: Language, saved: Path) -> None:
    copy = pickle.loads(pickle.dumps(spacy.load(saved)))
    assert_same(copy.pipe(TEXTS), nlp.pipe(TEXTS), tolerance=0)
    assert type(copy) is type(nlp)
    assert "to_disk" not in vars(nlp)
    assert_same(make().from_bytes(nlp.to_bytes()).pipe(TEXTS), nlp.pipe(TEXTS), tolerance=0)


def test_a_model_is_serialised_once_for_each_saving(
    nlp: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    component: Any = nlp.get_pipe("seqrnn_ner")
    calls = []
    serialise = Model.to_bytes

    def count(model: Model[Any, Any]) -> bytes:
        calls.append(model)
        return serialise(model)

    monkeypatch.setattr(Model, "to_bytes", count)
    for save_it in (component.to_bytes, partial(component.to_disk, tmp_path / "component")):
        calls.clear()
        save_it()
        assert calls == [component.model]
    for save_it in (nlp.to_bytes, partial(nlp.to_disk, tmp_path / "pipeline")):
        calls.clear()
        save_it()
        assert calls.count(component.model) == 1


def test_both_lists_of_checksums_are_of_one_kind(nlp: Language, saved: Path) -> None:
    """That of the recogniser, which is in its bytes too, and that of the pipeline."""
    own, whole = (folder / CHECKSUMS for folder in (saved / "seqrnn_ner", saved))
    parts = srsly.msgpack_loads(get_pipe(nlp, "seqrnn_ner").to_bytes(exclude=["vocab"]))
    assert parts.keys() == {"cfg", "model", CHECKSUMS}
    assert own.read_text().splitlines()[1] == parts[CHECKSUMS].splitlines()[1]
    for line in own.read_text().splitlines():
        checksum, name = line.split("  ")
        assert f"{checksum}  seqrnn_ner/{name}\n" in whole.read_text()


@pytest.mark.parametrize("part", ["cfg", "model"])
def test_a_part_that_is_saved_alone_has_its_checksum(
    nlp: Language, tmp_path: Path, part: str
) -> None:
    component: Any = nlp.get_pipe("seqrnn_ner")
    component.to_disk(tmp_path)
    before = files(tmp_path)
    component.to_disk(tmp_path, exclude=["vocab", part])
    assert files(tmp_path) == before
    (tmp_path / part).write_bytes(before[part] + b" ")
    with pytest.raises(ValueError, match="cannot be loaded"):
        component.from_disk(tmp_path)
    component.from_disk(tmp_path, exclude=[part])


def test_a_failure_leaves_what_was_there(
    nlp: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "pipeline"
    nlp.to_disk(target)
    before = files(target)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(nlp.get_pipe("seqrnn_textcat"), "to_disk", fail)
    for path in (target, tmp_path / "new"):
        with pytest.raises(OSError, match="No space left"):
            nlp.to_disk(path)
    assert files(target) == before
    assert not (tmp_path / "new").exists()
    assert hidden(target) == []


def test_other_files_in_the_folder_stay(nlp: Language, tmp_path: Path) -> None:
    target = tmp_path / "pipeline"
    nlp.to_disk(target)
    (target / "notes.txt").write_text("mine")
    (target / "more").mkdir()
    (target / "more" / "data").write_text("mine too")
    nlp.to_disk(target, exclude=["vocab"])
    assert (target / "notes.txt").read_text() == "mine"
    assert (target / "more" / "data").read_text() == "mine too"
    assert (target / "vocab" / "strings.json").exists()  # as spaCy leaves it there
    assert hidden(target) == []


def test_the_pipeline_that_a_callback_is_given_stays_as_it_is() -> None:
    """The callbacks return another pipeline, of a class that spaCy treats as the language's own."""
    plain = make_pipeline("tagger", shared=False, vectors=False)
    before = {**vars(plain)}
    for callback in (create_whole_files(), create_whole_checkpoints()):
        whole = callback(plain)
        assert vars(plain) == before
        assert type(plain).to_disk is Language.to_disk
        assert isinstance(whole, type(plain))
        assert vars(whole) == before
        assert callback(whole) is whole


def checkpoints(nlp: Language, output: Path) -> Checkpoints:
    return Checkpoints(nlp, output, {"optimizer": Adam(), "before_to_disk": None})


def save(nlp: Language, output: Path) -> None:
    checkpoints(nlp, output).save(is_best=True)


def remove(nlp: Language, output: Path) -> None:
    checkpoints(nlp, output).remove_earlier()


def test_checkpoints_replace_each_other(nlp: Language, tmp_path: Path) -> None:
    for _ in range(3):
        save(nlp, tmp_path)
        assert files(tmp_path / "model-best") == files(tmp_path / "model-last")
        assert hidden(tmp_path / "model-best") == []
        (tmp_path / "model-best" / "stale").write_text("of a component that is there no longer")


def test_a_training_removes_what_an_earlier_one_has_left(nlp: Language, tmp_path: Path) -> None:
    save(nlp, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    for name in ("model-best", "model-last"):
        shutil.copytree(tmp_path / name, tmp_path / name / STAGE / "new")
    remove(nlp, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    remove(nlp, tmp_path / "not there")


def whole_part(folder: Path) -> dict[str, bytes]:
    """The files of a pipeline without those that would be discarded."""
    return {name: data for name, data in files(folder).items() if not name.startswith(STAGE)}


@pytest.mark.parametrize("every", [11, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("earlier", "work"), [(0, save), (1, save), (1, remove)])
def test_killed_at_any_change_of_the_disk(
    nlp: Language, tmp_path: Path, earlier: int, work: Callable[..., Any], every: int
) -> None:
    """A folder has one checkpoint, or no pipeline, and the next training run works.

    earlier: how many checkpoints there were before.
    """
    output, before = tmp_path / "training", tmp_path / "before"
    whole = []
    for version in ("1.0", "2.0"):
        nlp.meta["version"] = version
        save(nlp, tmp_path / version)
        whole.append(files(tmp_path / version / "model-best"))
    shutil.copytree(tmp_path / "1.0", before) if earlier else before.mkdir()
    killed, n = True, 0
    while killed:
        shutil.rmtree(output, ignore_errors=True)
        shutil.copytree(before, output)
        n += every
        killed = kill_at_change(partial(work, nlp, output), n)
        for path in (output / "model-best", output / "model-last"):
            if (path / "config.cfg").exists():
                spacy.load(path)  # finishes the interrupted save
                assert whole_part(path) in whole
            else:  # so there is nothing to load
                assert not earlier or work is remove
        remove(nlp, output)
        save(nlp, output)
        assert {path.name for path in output.iterdir()} == {"model-best", "model-last"}
        assert files(output / "model-best") == files(output / "model-last") == whole[1]
    assert n > 2 * every  # it was killed more than once


@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_spacys_own_copy_is_rejected_where_it_is_cut_off(
    nlp: Language, tmp_path: Path, order: int, every: int
) -> None:
    """What `spacy train` does to `model-best`, in several orders of files, which the disk
    determines.

    No mixture is loaded: at most, lists of checksums are missing in what is loaded.
    """
    last, best, old = (tmp_path / name for name in ("model-last", "model-best", "old"))
    whole = []
    for version, folder in (("1.0", old), ("2.0", last)):
        nlp.meta["version"] = version
        nlp.to_disk(folder)
        whole.append(files(folder))
    loaded, n = 0, every
    shutil.copytree(old, best)
    while kill_at_change(partial(copy_as_spacy, last, best, order), n):
        there = files(best)
        if load_or_say(best)[0] is not None:
            loaded += 1
            assert any(without_lists(there) == without_lists(each) for each in whole)
        shutil.rmtree(best, ignore_errors=True)
        shutil.copytree(old, best)
        n += every
    assert files(best) == whole[1]
    assert loaded < 0.1 * n / every


def copy_as_spacy(last: Path, best: Path, order: int) -> None:
    """Those lines of `spacy.training.loop`, in a separate process."""
    scan, chance = os.scandir, random.Random(order)

    def in_order(path: Path | int) -> nullcontext[Any]:
        with scan(path) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        chance.shuffle(entries)
        return nullcontext(iter(entries))

    os.scandir = in_order  # type: ignore[assignment]  # all that these lines need of it
    if best.exists():
        shutil.rmtree(best)
    shutil.copytree(last, best)


def without_lists(saved: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in saved.items() if not name.endswith(CHECKSUMS)}


def damage(data: bytes, chance: random.Random) -> bytes:
    """Truncate it or change one byte."""
    if chance.random() < 0.3:
        return data[: chance.randrange(len(data))]
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


def load_or_say(path: Path) -> tuple[Language | None, str]:
    """A pipeline, or the error."""
    try:
        return spacy.load(path), ""
    except Exception as error:  # spaCy has read config.cfg and meta.json before we can check
        return None, str(error)


@pytest.mark.parametrize("n_cases", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_damage_is_noticed_or_changes_nothing(
    nlp: Language, saved: Path, tmp_path: Path, n_cases: int
) -> None:
    """One error for each, whatever file it is, or the same predictions."""
    expected = list(nlp.pipe(TEXTS))
    intact = {name: data for name, data in files(saved).items() if data}
    chance = random.Random(n_cases)
    copy = shutil.copytree(saved, tmp_path / "copy")
    unnoticed = []
    for _ in range(n_cases):
        name = chance.choice(sorted(intact))
        (copy / name).write_bytes(damage(intact[name], chance))
        loaded, sentence = load_or_say(copy)
        if loaded is None:
            assert sentence
        else:
            unnoticed.append(name)
            assert_same(loaded.pipe(TEXTS), expected)
        (copy / name).write_bytes(intact[name])
    assert set(unnoticed) <= {"meta.json", "config.cfg", CHECKSUMS}


@pytest.mark.parametrize("n_cases", [40, pytest.param(300, marks=pytest.mark.slow)])
def test_the_recogniser_notices_damage_by_itself(
    nlp: Language, tmp_path: Path, n_cases: int
) -> None:
    """Without checksums of the whole folder, as when spaCy alone saves it."""
    Language.to_disk(nlp, tmp_path / "pipeline")
    folder = tmp_path / "pipeline" / "seqrnn_ner"
    intact = files(folder)
    expected = list(nlp.pipe(TEXTS))
    chance = random.Random(n_cases)
    for _ in range(n_cases):
        name = chance.choice(sorted(intact))
        (folder / name).write_bytes(damage(intact[name], chance))
        loaded, sentence = load_or_say(tmp_path / "pipeline")
        if loaded is None:
            assert "The saved component 'seqrnn_ner' cannot be loaded" in sentence
        else:
            assert name == CHECKSUMS
            assert_same(loaded.pipe(TEXTS), expected)
        (folder / name).write_bytes(intact[name])
