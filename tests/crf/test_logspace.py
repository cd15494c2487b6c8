import numpy as np

from spacy_seqrnn.crf.logspace import finite_max, log_sum_exp


def test_the_maximum_of_nothing_is_0() -> None:
    assert finite_max(np.zeros((0, 3))) == 0.0
    assert finite_max(np.zeros((2, 0)), axis=1).tolist() == [[0.0], [0.0]]
    assert finite_max(np.zeros((0, 3, 2)), axis=1).shape == (0, 1, 2)
    assert finite_max(np.full((2, 2), -np.inf), axis=1).tolist() == [[0.0], [0.0]]


def test_log_sum_exp_leaves_out_its_axis_only() -> None:
    np.testing.assert_allclose(log_sum_exp(np.zeros((2, 3, 1)), axis=1), np.log([[3.0], [3.0]]))
    assert log_sum_exp(np.zeros((0, 3, 2)), axis=1).shape == (0, 2)
