"""Files made to cost time and memory are refused before they do.

`python -m benchmarks.trust.hostile` shows the seconds that each takes.
"""

import tracemalloc

import pytest
import spacy
import srsly

from benchmarks.trust import hostile
from spacy_seqrnn.loading import LARGEST_SETTINGS, MOST_OBJECTS, check_saved, read_saved

from ..small import small_ner

MOST_MEMORY = 100_000_000


@pytest.fixture(scope="module")
def component():
    return spacy.blank("en").add_pipe("seqrnn_ner")


@pytest.mark.parametrize("name", hostile.FILES)
def test_refused_without_much_memory(name, component, monkeypatch):
    monkeypatch.setattr(hostile, "SIZE", 10_000_000)
    data = hostile.FILES[name]()
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"not readable as msgpack|saved model|attributes|no "):
            check_saved(component.model, data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY


@pytest.mark.parametrize("element", [{}, [], None, {"a": 1}])
def test_objects_are_counted_wherever_they_are(element):
    n_lists = MOST_OBJECTS // 5_000 + 1
    with pytest.raises(ValueError, match=f"more than {MOST_OBJECTS} objects"):
        read_saved(srsly.msgpack_dumps([[element] * 5_000] * n_lists))


def test_real_models_are_far_from_the_limit(component):
    """That of the default has a hundred layers and more."""
    data = component.model.to_bytes()
    half = srsly.msgpack_dumps([srsly.msgpack_loads(data)] * 50)
    assert len(read_saved(half)) == 50


@pytest.mark.parametrize("whole", [True, False])
def test_settings_that_are_too_large(whole, tmp_path):
    """Of a component alone, and of a pipeline."""
    nlp = spacy.blank("en")
    component = nlp.add_pipe("seqrnn_ner", config={"model": small_ner()})
    nlp.initialize()
    target = nlp if whole else component
    target.to_disk(tmp_path)
    cfg = tmp_path / "seqrnn_ner" / "cfg" if whole else tmp_path / "cfg"
    cfg.write_text('{"labels": [' + "[]," * (LARGEST_SETTINGS // 3) + "[]]}")
    with pytest.raises(ValueError, match=f"where {LARGEST_SETTINGS} are the most"):
        target.from_disk(tmp_path)
    if not whole:
        saved = srsly.msgpack_loads(component.to_bytes())
        saved["cfg"] = cfg.read_text()
        with pytest.raises(ValueError, match=f"where {LARGEST_SETTINGS} are the most"):
            component.from_bytes(srsly.msgpack_dumps(saved))
