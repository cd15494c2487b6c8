"""Files made to cost time and memory are rejected before they do.

`python -m benchmarks.trust.hostile` shows the seconds that each takes.
"""

import os
import tracemalloc
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.trust import hostile
from spacy_seqrnn.saved.checkpoints import check_files
from spacy_seqrnn.saved.checksums import CHECKSUMS, LARGEST_LIST
from spacy_seqrnn.saved.foreign import (
    LARGEST_SETTINGS,
    MOST_OBJECTS,
    MOST_TEXT,
    Budget,
    read_saved,
)
from spacy_seqrnn.saved.shapes import check_saved

from ..small import small_ner

MOST_MEMORY = 100_000_000


@pytest.fixture(scope="module")
def component() -> Any:
    return spacy.blank("en").add_pipe("seqrnn_ner")


@pytest.mark.parametrize("name", hostile.FILES)
def test_rejected_without_much_memory(
    name: str, component: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hostile, "SIZE", 10_000_000)  # of what the benchmark makes in full
    data = hostile.FILES[name]()
    sentences = r"not readable as msgpack|saved model|attributes|no "
    with pytest.raises(ValueError, match=sentences):
        check_saved(component.model, data)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=sentences):
            check_saved(component.model, data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY


@pytest.mark.parametrize("element", [{}, [], None, {"a": 1}])
def test_objects_are_counted_wherever_they_are(element: Any) -> None:
    n_lists = MOST_OBJECTS // 5_000 + 1
    with pytest.raises(ValueError, match=f"more than {MOST_OBJECTS} objects"):
        read_saved(srsly.msgpack_dumps([[element] * 5_000] * n_lists))


def plain_data() -> st.SearchStrategy:
    """Everything that msgpack can write of what a saved model may contain."""
    numbers = st.integers(-(2**63), 2**64 - 1) | st.floats() | st.booleans() | st.none()
    leaves = numbers | st.text() | st.binary() | st.binary(min_size=300, max_size=70_000)
    return st.recursive(
        leaves, lambda each: st.lists(each, max_size=20) | st.dictionaries(st.text(), each)
    )


def count(value: Any) -> int:
    """Objects in plain data."""
    if isinstance(value, dict):
        return 1 + sum(1 + count(element) for element in value.values())
    return 1 + sum(map(count, value)) if isinstance(value, list) else 1


def count_text(value: Any) -> int:
    """Bytes of text in plain data."""
    if isinstance(value, dict):
        return sum(map(count_text, [*value.keys(), *value.values()]))
    if isinstance(value, str):
        return len(value.encode())
    return sum(map(count_text, value)) if isinstance(value, list) else 0


@given(plain_data())
def test_what_is_counted_is_what_is_made(value: Any) -> None:
    budget = Budget()
    assert repr(read_saved(srsly.msgpack_dumps(value), budget)) == repr(value)
    assert budget.objects == MOST_OBJECTS - count(value)
    assert budget.text == MOST_TEXT - count_text(value)


@given(st.binary())
def test_any_bytes_are_read_as_msgpack_does_or_rejected(data: bytes) -> None:
    """Only extensions and invalid arrays are rejected here and not there."""
    try:
        found = [read_saved(data)]
    except ValueError:
        found = []
    for value in found:
        assert repr(value) == repr(srsly.msgpack_loads(data))


@pytest.mark.parametrize("size", [15, 16, 31, 32, 255, 256, 65_535, 65_536])
@pytest.mark.parametrize("make", [lambda n: "x" * n, bytes, lambda n: [0] * n])
def test_sizes_where_msgpack_writes_another_head(make: Callable[[int], Any], size: int) -> None:
    value = [make(size), "last"]
    assert read_saved(srsly.msgpack_dumps(value)) == value


def test_real_models_are_far_from_the_limit(component: Any) -> None:
    """The default model has a hundred layers and more."""
    data = component.model.to_bytes()
    half = srsly.msgpack_dumps([srsly.msgpack_loads(data)] * 50)
    assert len(read_saved(half)) == 50


@pytest.mark.parametrize("whole", [True, False])
def test_settings_that_are_too_large(whole: bool, tmp_path: Path) -> None:
    """For a component alone, and for a pipeline."""
    nlp = spacy.blank("en")
    component: Any = nlp.add_pipe("seqrnn_ner", config={"model": small_ner()})
    nlp.initialize()
    target = nlp if whole else component
    target.to_disk(tmp_path)
    cfg = tmp_path / "seqrnn_ner" / "cfg" if whole else tmp_path / "cfg"
    cfg.write_text('{"labels": [' + "[]," * (LARGEST_SETTINGS // 3) + "[]]}")
    with pytest.raises(ValueError, match=f"more than the limit of {LARGEST_SETTINGS}"):
        target.from_disk(tmp_path)
    if not whole:
        saved = srsly.msgpack_loads(component.to_bytes())
        saved["cfg"] = cfg.read_text()
        with pytest.raises(ValueError, match=f"more than the limit of {LARGEST_SETTINGS}"):
            component.from_bytes(srsly.msgpack_dumps(saved))


@pytest.mark.parametrize("name", ["/dev/zero", "../outside", "waits"])
def test_checksums_of_what_is_no_file_of_the_pipeline(name: str, tmp_path: Path) -> None:
    """None is opened: reading a device never ends, and a pipe waits for ever."""
    folder = tmp_path / "pipeline"
    folder.mkdir()
    (tmp_path / "outside").write_bytes(b"")
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "waits")
    (folder / CHECKSUMS).write_text(f"{sha256().hexdigest()}  {name}\n")
    with pytest.raises(ValueError, match=f"'{name}' cannot be read"):
        check_files(folder)


def test_a_list_of_checksums_that_is_too_long(tmp_path: Path) -> None:
    (tmp_path / CHECKSUMS).write_bytes(b"\n" * (LARGEST_LIST + 1))
    with pytest.raises(ValueError, match=f"{CHECKSUMS}' has more than {LARGEST_LIST} bytes"):
        check_files(tmp_path)
