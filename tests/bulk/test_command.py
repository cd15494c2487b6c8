"""`spacy seqrnn annotate`, as users run it, and killed at random moments."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from spacy.tokens import DocBin

from spacy_seqrnn.bulk.manifest import FILE

from ..cli.conftest import fails, invoke
from .conftest import BAD, ROWS
from .outputs import expected, files_of, rejects_of, rows_of

REJECTED = 3


def annotate(*arguments: Any, code: int = REJECTED) -> str:
    """Run the command in this process, but for its workers. Returns what it prints as one line."""
    result = invoke("seqrnn", "annotate", *arguments)
    assert result.exit_code == code, (result.output, result.exception)
    return " ".join(result.output.split())


def test_two_workers(rules: str, texts: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    options = ("--id-column", "id", "--workers", 2, "--part-mb", 0.001, "--batch-size", 7)
    printed = annotate(rules, texts, output, *options)
    assert rows_of(output) == expected(rules)
    assert [each["row"] for each in rejects_of(output)] == list(BAD)
    assert f"Annotated {ROWS - len(BAD)} documents" in printed
    assert f"Rejected {len(BAD)} rows, listed in" in printed
    printed = annotate(rules, texts, output, *options, "--resume", "--max-errors", 4)
    assert f"Annotated {ROWS - len(BAD)} documents" in printed


def test_every_option(rules: str, tmp_path: Path) -> None:
    path, output = tmp_path / "texts.csv", tmp_path / "out"
    path.write_text("number,body,day\n1,Siemens,Monday\n2,Munich,Friday\n")
    options = ("--text-column", "body", "--keep", " day , number ", "-w", 1)
    annotate(rules, path, output, *options, "--columns", "entities, tokens", code=0)
    assert [list(row) for row in rows_of(output)] == [["day", "number", "entities", "tokens"]] * 2
    own = tmp_path / "docs"
    annotate(rules, path, own, "--text-column", "body", "--format", "spacy", "-w", 1, code=0)
    assert len(DocBin().from_disk(next(own.glob("*.spacy")))) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--address", "auto"], "is for `--engine ray`"),
        (["--gpu-id", "0", "--workers", "2"], "2 workers cannot share GPU 0"),
        (["--resume"], "There is no run to resume"),
        (["--columns", ""], "name the columns"),
    ],
)
def test_wrong_options(
    rules: str, texts: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    assert said in fails("seqrnn", "annotate", rules, texts, tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("kills", [12])
def test_killed_again_and_again(rules: str, texts: Path, tmp_path: Path, kills: int) -> None:
    """The whole run or one of its workers, each time at another moment."""
    whole, output = tmp_path / "whole", tmp_path / "out"
    options = ["--id-column", "id", "--workers", "2", "--part-mb", "0.001"]
    annotate(rules, texts, whole, *options)
    chance = random.Random(kills)
    for number in range(kills):
        if (output / FILE).exists() and not number % 4:
            shutil.rmtree(output)  # another run from its beginning
        kill_once(rules, texts, output, options, chance)
    annotate(rules, texts, output, *options, *resume(output))
    assert files_of(output) == files_of(whole)
    assert rows_of(output) == expected(rules)


def kill_once(
    rules: str, texts: Path, output: Path, options: list[str], chance: random.Random
) -> None:
    """Go on with a run, and kill it or one of its workers once some more parts are done."""
    command = [sys.executable, "-m", "spacy", "seqrnn", "annotate", rules, str(texts), str(output)]
    command += [*options, *resume(output)]
    account = output / FILE
    before, parts = lines_of(account), chance.randint(0, 6)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and lines_of(account) - before < parts:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.02))
        if process.poll() is None:
            os.kill(chance.choice([process.pid, *children_of(process.pid)]), signal.SIGKILL)
        _, errors = process.communicate(timeout=120)
    assert process.returncode in (0, 1, REJECTED, -signal.SIGKILL), errors


def resume(output: Path) -> list[str]:
    return ["--resume"] if (output / FILE).exists() else []


def lines_of(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def children_of(process: int) -> list[int]:
    """The processes that a process has started. Linux only."""
    files = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for file in files for child in file.read_text().split()]
