"""Dropout masks, of features and of words."""

import numpy as np
import pytest
from thinc.api import NumpyOps, fix_random_seed

from spacy_seqrnn.batch.packed import Packed
from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.rnn.dropout import dropout_mask, locked_dropout, word_dropout

OPS = NumpyOps()


@pytest.mark.parametrize("rate", [0.01, 0.1, 1 / 3, 0.5, 0.99])
def test_a_mask_is_the_one_that_thinc_draws(rate: float) -> None:
    """To the last bit, so that the same seed trains the same model."""
    fix_random_seed(0)
    expected = OPS.get_dropout_mask((50, 20), rate)
    fix_random_seed(0)
    mask = dropout_mask(OPS, (50, 20), rate)
    assert mask.dtype == expected.dtype == np.float32
    np.testing.assert_array_equal(mask, expected)


def _batch() -> Packed:
    packing = make_packing([3, 0, 5, 2])
    return Packed(np.ones((10, 40), dtype="f"), packing)


def test_locked_dropout_is_the_same_at_all_tokens_of_a_document() -> None:
    fix_random_seed(0)
    X = _batch()
    Y, backprop = locked_dropout(OPS, X, 0.5)
    docs = X.packing.rank_of_row
    for doc in range(X.packing.n_sequences):
        rows = Y.data[docs == doc]
        np.testing.assert_array_equal(rows, np.broadcast_to(rows[0], rows.shape))
    assert set(np.unique(Y.data)) == {0.0, 2.0}
    assert len({Y.data[docs == doc][0].tobytes() for doc in range(3)}) == 3
    np.testing.assert_array_equal(backprop(X).data, Y.data)


def test_word_dropout_drops_whole_tokens_and_keeps_the_rest_as_it_is() -> None:
    fix_random_seed(0)
    Y, backprop = word_dropout(OPS, _batch(), 0.5)
    kept = Y.data.any(axis=1)
    assert 0 < kept.sum() < 10
    np.testing.assert_allclose(Y.data[kept], 1.0)
    np.testing.assert_array_equal(backprop(_batch()).data, Y.data)
