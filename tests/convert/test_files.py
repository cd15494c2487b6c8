"""Inputs and outputs: no output is written twice, incompletely, or over another."""

from pathlib import Path

import pytest

from ..cli.conftest import invoke, run, succeed
from .conftest import entities, read, write

ROW = "Ann B-PER\n"


def outputs(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def fails(*arguments: str | Path) -> str:
    result = invoke("seqrnn", "convert", *arguments)
    assert result.exit_code == 1, result.output
    return " ".join(result.output.split())


def test_each_input_has_its_output(tmp_path: Path) -> None:
    names = ["ned.train", "ned.testa", "ned.testb", "dev.conll", "test.txt.gz", "x.IOB2"]
    paths = [write(tmp_path, name, f"{name} B-PER\n") for name in names]
    succeed("seqrnn", "convert", *paths, tmp_path / "out")
    assert outputs(tmp_path / "out") == {
        *("ned.train.spacy", "ned.testa.spacy", "ned.testb.spacy"),
        *("dev.spacy", "test.spacy", "x.spacy"),
    }
    assert entities(read(tmp_path / "out/ned.testa.spacy")) == [[("ned.testa", "PER")]]


def test_names_of_outputs(tmp_path: Path) -> None:
    paths = [write(tmp_path, f"ned.{part}", ROW) for part in ("train", "testa", "testb")]
    succeed("seqrnn", "convert", *paths, tmp_path / "out", "--names", "train,dev,test")
    assert outputs(tmp_path / "out") == {"train.spacy", "dev.spacy", "test.spacy"}
    sentence = fails(*paths, tmp_path / "other", "--names", "train,dev")
    assert "`--names` has 2 names for 3 inputs" in sentence


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a/train.txt", "b/train.txt"),
        ("train.txt", "train.conll"),
        ("a/train.txt", "b/Train.txt"),
    ],
)
def test_two_inputs_never_have_one_output(tmp_path: Path, first: str, second: str) -> None:
    paths = [write(tmp_path, name, ROW) for name in (first, second)]
    assert "would both become" in fails(*paths, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    succeed("seqrnn", "convert", *paths, tmp_path / "out", "--names", "a,b")


def test_no_input_is_given_twice(tmp_path: Path) -> None:
    path = write(tmp_path, "in/train.conll", ROW)
    for paths in ([path, path], [path.parent, path], [path, path.parent / "../in"]):
        assert "is given twice: give it once" in fails(*paths, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_names_may_have_their_end(tmp_path: Path) -> None:
    path = write(tmp_path, "in.conll", ROW)
    succeed("seqrnn", "convert", path, tmp_path / "out", "--names", "train.spacy")
    assert outputs(tmp_path / "out") == {"train.spacy"}


def test_an_input_is_never_an_output(tmp_path: Path) -> None:
    path = write(tmp_path, "toy.spacy", ROW)
    succeed("seqrnn", "convert", path, tmp_path)
    assert outputs(tmp_path) == {"toy.spacy", "toy.spacy.spacy"}
    assert path.read_text() == ROW


def test_folders_keep_their_form(tmp_path: Path) -> None:
    for name in ("en/train.conll", "en/dev.conll", "de/train.conll", ".git/x.conll", "README.md"):
        write(tmp_path, f"in/{name}", ROW)
    printed = succeed("seqrnn", "convert", tmp_path / "in", tmp_path / "out")
    assert outputs(tmp_path / "out") == {"en/train.spacy", "en/dev.spacy", "de/train.spacy"}
    assert "README.md" in printed.replace("\n", "")


def test_what_is_not_there(tmp_path: Path) -> None:
    assert "does not exist" in fails(tmp_path / "nothing.conll", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    assert "contains no files" in fails(tmp_path / "empty", tmp_path / "out")


def test_the_last_argument_is_the_folder(tmp_path: Path) -> None:
    paths = [write(tmp_path, name, ROW) for name in ("train.conll", "dev.conll")]
    assert "is a file, but the last argument has to be a folder" in fails(*paths)
    assert paths[1].read_text() == ROW


def test_existing_files_stay_unless_forced(tmp_path: Path) -> None:
    path, old = write(tmp_path, "toy.conll", ROW), write(tmp_path, "out/toy.spacy", "old")
    assert "add --force to overwrite it" in fails(path, tmp_path / "out")
    assert old.read_text() == "old"
    succeed("seqrnn", "convert", path, tmp_path / "out", "--force")
    assert entities(read(old)) == [[("Ann", "PER")]]


def test_a_bad_input_leaves_all_outputs_as_they_were(tmp_path: Path) -> None:
    paths = [write(tmp_path, "train.conll", ROW), write(tmp_path, "dev.conll", "Ann\n")]
    old = write(tmp_path, "out/train.spacy", "old")
    assert "dev.conll', line 1" in fails(*paths, tmp_path / "out", "--force")
    assert old.read_text() == "old"
    assert outputs(tmp_path / "out") == {"train.spacy"}


@pytest.mark.slow
def test_as_users_run_it(tmp_path: Path) -> None:
    path = write(tmp_path, "toy.conll", ROW)
    printed = run("seqrnn", "convert", path, tmp_path / "out")
    assert "1 documents, 1 sentences (columns: tokens in 1, tags in 2; scheme iob2)" in printed
