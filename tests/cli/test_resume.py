"""`spacy seqrnn train --resume`, as users run it."""

import random
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest

from spacy_seqrnn.cli.train import train
from spacy_seqrnn.saved.unfinished import FILE

from ..saved.runs import contents, make_config, train_and_die
from .conftest import fails, succeed


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_config("lm", tmp_path_factory.mktemp("config"))


def test_goes_on_and_says_where(config: Path, tmp_path: Path) -> None:
    whole, output = tmp_path / "whole", tmp_path / "training"
    train(config, whole)
    train_and_die(config, output, 8)
    printed = succeed("seqrnn", "train", config, "--output", output, "--resume")
    assert "Resuming at step 6: reading the training data up to there" in printed
    rows = [line.split() for line in printed.splitlines()]
    assert [row[1] for row in rows if row and row[0].isdigit()] == ["6", "9", "12"]
    assert contents(output) == contents(whole)


def test_there_is_no_run(config: Path, tmp_path: Path) -> None:
    output = tmp_path / "training"
    printed = fails("seqrnn", "train", config, "--output", output, "--resume")
    assert f"There is no training run to resume in '{output}': it has no '{FILE}'" in printed
    assert not output.exists()


def test_the_run_is_complete(config: Path, tmp_path: Path) -> None:
    train(config, tmp_path, overrides={"training.max_steps": 1})
    before = contents(tmp_path)
    printed = fails("seqrnn", "train", config, "--output", tmp_path, "--resume")
    assert f"There is nothing to resume in '{tmp_path}': the training run" in printed
    assert "is complete" in printed
    assert contents(tmp_path) == before


def test_another_setting(config: Path, tmp_path: Path) -> None:
    train_and_die(config, tmp_path, 4)
    arguments = ("seqrnn", "train", config, "--output", tmp_path, "--resume")
    printed = fails(*arguments, "--components.seqrnn_lm.min_count", "2")
    assert (
        f"The training run in '{tmp_path}' cannot go on with another config: "
        "`components.seqrnn_lm.min_count` was 1 and is 2 now."
    ) in printed


def test_a_new_run_says_what_it_replaces(config: Path, tmp_path: Path) -> None:
    train_and_die(config, tmp_path, 4)
    arguments = ("seqrnn", "train", config, "--output", tmp_path, "--training.max_steps", "1")
    printed = " ".join(succeed(*arguments).split())
    assert f"replace the unfinished one in {tmp_path}" in printed
    assert "add --resume" in printed
    assert not (tmp_path / FILE).exists()
    assert "unfinished" not in succeed(*arguments)


@pytest.mark.slow
def test_killed_again_and_again(tmp_path: Path) -> None:
    """Each time at another moment, which may be while it saves."""
    changes = {"training.eval_frequency": 1, "training.max_steps": 40}
    config = make_config("lm", tmp_path, **changes)
    whole, output = tmp_path / "whole", tmp_path / "training"
    train(config, whole)
    chance = random.Random(0)
    kills = 0
    while not kills or (output / FILE).exists():
        rows, seconds = chance.randint(1, 12), chance.uniform(0, 0.1)
        run_and_kill(config, output, rows, seconds, resume=kills > 0)
        kills += 1
    assert kills > 2
    assert contents(output) == contents(whole)


def run_and_kill(config: Path, output: Path, rows: int, seconds: float, *, resume: bool) -> None:
    """Run the command, and kill it some time after it has printed a number of rows.

    Rows, not seconds alone, since a fast machine completes the run within any fixed time.
    """
    command = [sys.executable, "-m", "spacy", "seqrnn", "train", str(config), "-o", str(output)]
    options = ["--resume"] if resume else []
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            printed = (line for line in process.stdout if "".join(line.split()[:1]).isdigit())
            assert list(islice(printed, rows))
            time.sleep(seconds)
        finally:
            process.kill()
    assert process.returncode in (0, -signal.SIGKILL)
