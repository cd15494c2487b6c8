"""Memory zones, threads and processes."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest

from ..pipes import get_pipe
from .components import TEXTS, assert_same, initialize, make_pipeline, train

OURS = ["seqrnn_ner", "seqrnn_textcat", "tagger"]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("vectors", [False, True])
def test_memory_zones_leave_nothing_behind(shared: bool, vectors: bool) -> None:
    nlp = make_pipeline(*OURS, shared=shared, vectors=vectors)
    train(nlp, initialize(nlp), steps=20)
    fresh = make_pipeline(*OURS, shared=shared, vectors=vectors).from_bytes(nlp.to_bytes())
    zones = [[f"{text} Zone{i} novel{i}" for text in TEXTS] for i in range(3)]
    expected = [list(fresh.pipe(texts)) for texts in zones]
    for i, texts in enumerate(zones):
        with nlp.memory_zone():
            assert_same(nlp.pipe(texts), expected[i])
        assert f"novel{i}" not in nlp.vocab.strings
    assert_same(nlp.pipe(zones[0]), expected[0])


def test_labels_outlast_the_memory_zone_of_their_first_use() -> None:
    nlp = make_pipeline("seqrnn_ner", shared=False)
    train(nlp, initialize(nlp))
    # Without the strings of the vocabulary that the labels were learned in
    data = get_pipe(nlp, "seqrnn_ner").to_bytes(exclude=["vocab"])
    loaded = make_pipeline("seqrnn_ner", shared=False)
    get_pipe(loaded, "seqrnn_ner").from_bytes(data)
    with loaded.memory_zone():
        assert any(doc.ents for doc in loaded.pipe(TEXTS))
    assert_same(loaded.pipe(TEXTS), nlp.pipe(TEXTS))


@pytest.mark.parametrize("shared", [False, True])
def test_word_vectors_reach_other_processes(shared: bool) -> None:
    nlp = make_pipeline(*OURS, shared=shared, vectors=True)
    train(nlp, initialize(nlp), steps=20)
    expected = list(nlp.pipe(TEXTS))
    assert_same(nlp.pipe(TEXTS, batch_size=3, n_process=2), expected)
    loaded = make_pipeline(*OURS, shared=shared, vectors=True).from_bytes(nlp.to_bytes())
    assert_same(pickle.loads(pickle.dumps(loaded)).pipe(TEXTS), expected)


def test_threads_can_share_a_pipeline() -> None:
    nlp = make_pipeline(*OURS, shared=False)
    train(nlp, initialize(nlp), steps=20)
    texts = [f"{text} and word{i}" for i in range(5) for text in TEXTS]
    expected = list(make_pipeline(*OURS, shared=False).from_bytes(nlp.to_bytes()).pipe(texts))
    with ThreadPoolExecutor(4) as pool:
        assert_same(pool.map(nlp, texts), expected)
