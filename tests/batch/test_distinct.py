import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spacy_seqrnn.batch import distinct
from spacy_seqrnn.batch.distinct import find_distinct

SHAPES = st.tuples(st.integers(1, 9), st.sampled_from([2, 4, 128]))
VALUES = st.floats(width=32, allow_nan=True)


def bits(X: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(X).view("uint32")


@given(
    arrays("float32", st.tuples(st.integers(1, 9), st.sampled_from([2, 4, 128])), elements=VALUES)
)
def test_rows_are_the_same_to_the_last_bit(table: np.ndarray) -> None:
    """-0 is not 0, and a row equals its copy even if it contains NaN."""
    X = np.concatenate([table] * 40)
    found = find_distinct(X)
    assert found
    np.testing.assert_array_equal(bits(found.rows[found.index]), bits(X))
    assert len(found.rows) == len({row.tobytes() for row in table})


def test_rows_that_differ_in_signs_alone_are_found() -> None:
    signs = np.asarray([[1, 1], [1, -1], [-1, 1], [-1, -1]], dtype="float32")
    X = np.tile(np.repeat(signs, 2, axis=1), (10, 1))
    found = find_distinct(X)
    assert found
    assert len(found.rows) == 4


def test_rows_that_look_the_same_to_the_hash_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    X = np.repeat(np.random.default_rng(0).normal(size=(4, 6)).astype("float32"), 20, axis=0)
    found = find_distinct(X)
    assert found
    assert len(found.rows) == 4
    monkeypatch.setattr(distinct, "MULTIPLIERS", np.zeros_like(distinct.MULTIPLIERS))
    assert find_distinct(X) is None


def test_a_difference_in_any_column_counts() -> None:
    base = np.ones((1, 400), dtype="float32")
    for column in range(400):
        other = base.copy()
        other[0, column] = 2.0
        X = np.concatenate([base, other] * 8)
        found = find_distinct(X)
        assert found is None or (bits(found.rows[found.index]) == bits(X)).all()


@pytest.mark.parametrize(
    "X",
    [
        np.zeros((0, 4), dtype="float32"),
        np.zeros((9, 0), dtype="float32"),
        np.zeros((9, 3), dtype="float32"),
        np.zeros((9, 4)),
        np.arange(40, dtype="float32").reshape(10, 4),
        [[0.0, 0.0]] * 9,
    ],
)
def test_nothing_is_found_where_nothing_is_gained(X: np.ndarray | list[list[float]]) -> None:
    assert find_distinct(X) is None


def test_arrays_with_gaps_are_read_as_they_are() -> None:
    X = np.repeat(np.arange(16, dtype="float32").reshape(2, 8), 10, axis=0)[:, 2:6]
    found = find_distinct(X)
    assert found
    np.testing.assert_array_equal(found.rows[found.index], X)
