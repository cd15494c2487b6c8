"""A run, its account and its refusals, in this process alone."""

import os
import shutil
import sys
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_seqrnn.bulk import run as bulk_run
from spacy_seqrnn.bulk.manifest import FILE
from spacy_seqrnn.bulk.run import REJECTS, Request, Totals, annotate_files

from .conftest import BAD, ROWS
from .outputs import expected, files_of, rejects_of, rows_of

SMALL = 0.001  # megabytes of a part


@pytest.fixture
def request_(rules: str, texts: Path, tmp_path: Path) -> Request:
    output = tmp_path / "new" / "out"
    return Request(rules, (str(texts),), output, id_column="id", part_mb=SMALL)


def serially(work: Any, tasks: list[Any]) -> Generator[Any]:
    """An engine of this process alone."""
    yield from map(work, tasks)


def run(request: Request, *, resume: bool = False, max_errors: int | None = None) -> Totals:
    return annotate_files(request, serially, resume=resume, max_errors=max_errors)


def refused(request: Request, *, resume: bool = False) -> str:
    """The error of a request that is refused."""
    with pytest.raises(ValueError) as error:  # noqa: PT011  # the caller looks at the message
        run(request, resume=resume)
    return str(error.value)


def test_every_row_is_annotated_or_rejected(request_: Request) -> None:
    totals = run(request_)
    n_files = len(list(request_.output.glob("*.parquet")))
    assert totals == Totals(ROWS - len(BAD), len(BAD), n_files)
    assert n_files > 5
    assert rows_of(request_.output) == expected(request_.model)
    rejects = rejects_of(request_.output)
    assert [each["row"] for each in rejects] == list(BAD)
    assert {each["file"] for each in rejects} == set(request_.inputs)
    assert all(each["reason"] for each in rejects)


def test_without_rejects_there_is_no_list(request_: Request, tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_text("number,body,day\n1,Siemens,Monday\n2,Munich,Friday\n")
    request = Request(
        *(request_.model, (str(path),), request_.output),
        text_column="body",
        keep=("day", "number"),
        columns=("entities", "tokens"),
    )
    assert run(request) == Totals(2, 0, 1)
    first, second = rows_of(request.output)
    assert list(first) == ["day", "number", "entities", "tokens"]
    assert (second["number"], second["tokens"]) == ("2", [{"start": 0, "end": 6}])
    assert not (request.output / REJECTS).exists()


def test_parts_have_the_size_that_is_asked_for(request_: Request, tmp_path: Path) -> None:
    files = [
        run(replace(request_, output=tmp_path / str(size), part_mb=size)).files
        for size in (SMALL, 2 * SMALL, 1)
    ]
    assert files[0] > files[1] > files[2] == 1


def test_too_many_errors(request_: Request) -> None:
    with pytest.raises(ValueError, match="3 rows were rejected, more than --max-errors 2"):
        run(request_, max_errors=2)
    assert [each["row"] for each in rejects_of(request_.output)] == list(BAD)[:3]
    assert 0 < len(rows_of(request_.output)) < ROWS - len(BAD)
    run(request_, resume=True, max_errors=len(BAD))
    assert rows_of(request_.output) == expected(request_.model)
    assert [each["row"] for each in rejects_of(request_.output)] == list(BAD)


def test_an_error_ends_the_engine(request_: Request) -> None:
    ended = []

    def engine(work: Any, tasks: list[Any]) -> Generator[Any]:
        try:
            yield from map(work, tasks)
        finally:
            ended.append(True)

    with pytest.raises(ValueError, match="more than --max-errors 0") as error:
        annotate_files(request_, engine, resume=False, max_errors=0)
    assert ended, error.value  # although the error still holds all that it went through


def test_only_what_is_missing_is_done_again(request_: Request) -> None:
    totals = run(request_)
    whole = files_of(request_.output)
    lost, cut, *kept = sorted(request_.output.glob("*.parquet"))
    lost.unlink()
    cut.write_bytes(b"")
    (request_.output / f".{cut.name}.part").touch()  # of a killed worker
    times = {path: path.stat().st_mtime_ns for path in kept}
    assert run(request_, resume=True) == totals
    assert files_of(request_.output) == whole
    assert {path: path.stat().st_mtime_ns for path in kept} == times


def test_an_engine_that_fails_loses_nothing(request_: Request) -> None:
    done = []

    def two(work: Any, tasks: list[Any]) -> Generator[Any]:
        for task in tasks[:2]:
            done.append(task[1])
            yield work(task)
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        annotate_files(request_, two, resume=False, max_errors=None)
    assert sorted(path.name for path in request_.output.glob("*.parquet")) == done
    assert run(request_, resume=True).rows == ROWS - len(BAD)
    assert rows_of(request_.output) == expected(request_.model)


def test_inputs_that_change_meanwhile(request_: Request) -> None:
    """Into as many bytes of fewer lines, so that each part can be read."""
    path = Path(request_.inputs[0])

    def late(work: Any, tasks: list[Any]) -> Generator[Any]:
        path.write_text(path.read_text().replace("}\n{", "} {"))
        yield from map(work, tasks)

    with pytest.raises(ValueError, match=f"they had {ROWS} rows, of which"):
        annotate_files(request_, late, resume=False, max_errors=None)


def test_nothing_is_mixed(request_: Request) -> None:
    assert "There is no run to resume" in refused(request_, resume=True)
    assert not request_.output.parent.exists()
    run(request_)
    before = files_of(request_.output)
    assert "has the output of another run: add --resume" in refused(request_)
    changes: list[tuple[dict[str, Any], str]] = [
        ({"columns": ("tokens",)}, "`columns` was ['entities'] and is ['tokens'] now"),
        ({"part_mb": 2 * SMALL}, f"`part_mb` was {SMALL} and is {2 * SMALL} now"),
        ({"id_column": None}, "`kept` was ['id: int64'] and is [] now"),
        ({"format": "jsonl"}, "`format` was 'parquet' and is 'jsonl' now"),
    ]
    for change, said in changes:
        assert said in refused(replace(request_, **change), resume=True)
    with Path(request_.inputs[0]).open("a") as file:
        file.write('\n{"text": "more"}')
    assert f"the input '{request_.inputs[0]}' has changed" in refused(request_, resume=True)
    assert files_of(request_.output) == before


def test_the_folder_is_not_free(request_: Request, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "notes").touch()
    assert "is not empty" in refused(replace(request_, output=full))
    assert [path.name for path in full.iterdir()] == ["notes"]
    file = Path(request_.inputs[0])
    assert f"'{file}' is a file" in refused(replace(request_, output=file))


def test_another_pipeline(request_: Request, tmp_path: Path) -> None:
    own, moved = tmp_path / "model", tmp_path / "moved"
    shutil.copytree(request_.model, own)
    run(replace(request_, model=str(own)))
    shutil.copytree(own, moved)
    assert run(replace(request_, model=str(moved)), resume=True).rows == ROWS - len(BAD)
    spacy.blank("en").to_disk(own)
    request = replace(request_, model=str(own), columns=("entities",))
    said = f"the pipeline '{own}' is not the one that it began with"
    assert said in refused(request, resume=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"columns": ("ents",)}, "'ents' is not a column: name one of entities, cats"),
        ({"columns": ("entities", "entities")}, "is named twice"),
        ({"columns": ("doc._.mood:double",)}, "sets `doc._.mood`"),
        ({"columns": ("doc._.mood:real",)}, "'real' in 'doc._.mood:real' is not a type of Arrow"),
        ({"id_column": "key"}, "key"),
        ({"text_column": "body"}, "has the field 'body' for the text: name one of id, text"),
        ({"keep": ("id",)}, "kept twice"),
        ({"format": "xml"}, "'xml' is not a format of outputs"),
        ({"model": "nobody"}, "'nobody' is not a pipeline"),
        ({"inputs": ("nothing.csv",)}, "'nothing.csv' does not exist"),
    ],
)
def test_wrong_requests(request_: Request, change: dict[str, Any], said: str) -> None:
    assert said in refused(replace(request_, **change))
    assert not request_.output.exists() or not files_of(request_.output)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot lock folders")
def test_two_runs_at_a_time(request_: Request) -> None:
    import fcntl  # noqa: PLC0415  # there is none on Windows

    totals = run(request_)
    handle = os.open(request_.output, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert f"Another run is writing to '{request_.output}'" in refused(request_, resume=True)
    finally:
        os.close(handle)
    assert run(request_, resume=True) == totals


def test_a_run_that_ends_while_another_plans(
    request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe = bulk_run._describe

    def after_another(*arguments: Any) -> Any:
        monkeypatch.setattr(bulk_run, "_describe", describe)
        run(request_)
        return describe(*arguments)

    monkeypatch.setattr(bulk_run, "_describe", after_another)
    assert "has the output of another run" in refused(replace(request_, part_mb=2 * SMALL))
    assert run(request_, resume=True).rows == ROWS - len(BAD)


def test_a_manifest_that_was_cut_off(request_: Request) -> None:
    """Its last part is done again, whatever is left of its line."""
    totals = run(request_)
    path, whole = request_.output / FILE, files_of(request_.output)
    last = path.read_bytes().splitlines(keepends=True)[-1]
    path.write_bytes(path.read_bytes()[: -len(last) // 2])
    assert run(request_, resume=True) == totals
    assert files_of(request_.output) == whole
