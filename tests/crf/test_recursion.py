"""Sums over all tag sequences against enumeration, a closed form and pytorch-crf."""

import numpy as np
import pytest
import torch
from hypothesis import given
from torchcrf import CRF
from torchcrf import CRF as TorchCRF

from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.crf import recursion
from spacy_seqrnn.crf.chain import LinearChain
from spacy_seqrnn.crf.decoding import viterbi
from spacy_seqrnn.crf.expectations import marginals
from spacy_seqrnn.crf.recursion import log_partition
from spacy_seqrnn.ner.biluo import biluo_constraints

from .paths import LENGTHS, brute_log_partition, chains, doc_major, make_chain

pytestmark = pytest.mark.usefixtures("_both_ways")


@given(chains)
def test_partition(chain: LinearChain) -> None:
    expected = [brute_log_partition(chain, i) for i in range(len(chain.packing.lengths))]
    np.testing.assert_allclose(log_partition(chain), expected, rtol=1e-9, atol=1e-9)


def test_scores_of_an_impossible_document() -> None:
    chain = make_chain([2, 3], forbidden=0.0)
    allowed = np.ones(chain.emissions.shape, dtype=bool)
    allowed[chain.packing.from_packed[0]] = False
    log_z = log_partition(chain.restrict(allowed))
    assert log_z[0] == -np.inf
    assert np.isfinite(log_z[1])


def test_ordinary_scores_do_without_logarithms(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow recursion runs only if a path could be lost."""
    chain = make_chain(LENGTHS)
    expected = log_partition(chain)
    monkeypatch.setattr(recursion, "LogSumProduct", None)
    np.testing.assert_array_equal(log_partition(chain), expected)
    with pytest.raises(TypeError):
        log_partition(make_chain(LENGTHS, scale=1e3))


@pytest.mark.parametrize("place", [0, 4, 8])
def test_a_state_that_is_too_small_is_found_anywhere(
    monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    monkeypatch.setattr(recursion, "CHECKED_STATES", 6)  # two rows at a time
    states = np.full((9, 3), 0.3)
    states[:, 1] = 0.0  # impossible
    assert recursion._smallest(states) == 0.3
    states[place, 2] = 1e-250
    assert recursion._smallest(states) == 1e-250


def test_what_a_scheme_forbids_does_without_logarithms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tags do not count as lost if nothing leads to them, or if single tokens forbid them."""
    rules = biluo_constraints(9)
    chain = make_chain(LENGTHS, n_tags=9, forbidden=0.0)
    chain.transitions[~rules.transitions] = -np.inf
    chain.start[~rules.start] = chain.end[~rules.end] = -np.inf
    allowed = np.random.default_rng(0).random(chain.emissions.shape) < 0.7
    allowed[:, 0] = True
    expected = [brute_log_partition(chain.restrict(allowed), i) for i in range(len(LENGTHS))]
    monkeypatch.setattr(recursion, "LogSumProduct", None)
    np.testing.assert_allclose(log_partition(chain.restrict(allowed)), expected, atol=1e-9)


@pytest.mark.parametrize("turned", [False, True])
def test_the_only_path_may_vanish_little_by_little(turned: bool) -> None:
    """Two tags that never mix, the one with the score of 0 forbidden at one end of the document."""
    emissions = np.zeros((30, 2))
    emissions[:, 1] = -50.0
    transitions = np.asarray([[0.0, -np.inf], [-np.inf, 0.0]])
    ends = [np.zeros(2), np.asarray([-np.inf, 0.0])]
    start, end = reversed(ends) if turned else ends
    chain = LinearChain(emissions, transitions, start, end, make_packing([30]))
    assert log_partition(chain) == pytest.approx(-30 * 50.0)
    np.testing.assert_array_equal(marginals(chain), [[0.0, 1.0]] * 30)


def test_spread_is_of_what_is_allowed() -> None:
    assert recursion._spread(np.asarray([-3.0, 0.0])) == 3.0
    assert recursion._spread(np.asarray([-np.inf, -2.0, 0.0])) == 2.0
    assert recursion._spread(np.asarray([-np.inf, -np.inf])) == 0.0


def test_the_only_path_may_begin_with_what_is_very_improbable() -> None:
    """Its first tag vanishes beside the other one, from which no path leads to the end."""
    forbidden = -np.inf
    chain = LinearChain(
        np.asarray([[-800.0, 0.0], [0.0, 0.0]]),
        np.asarray([[0.0, 0.0], [forbidden, 0.0]]),
        np.zeros(2),
        np.asarray([0.0, forbidden]),
        make_packing([2]),
    )
    assert log_partition(chain) == pytest.approx(-800.0)
    assert marginals(chain).tolist() == [[1.0, 0.0], [1.0, 0.0]]


@pytest.mark.parametrize("n_tokens", [2000])
def test_long_documents_do_not_drift(n_tokens: int) -> None:
    """Two tags that never mix: a closed form for Z, far beyond the range of exp()."""
    packing = make_packing([n_tokens])
    emissions = np.zeros((n_tokens, 2))
    emissions[: n_tokens // 2, 0] = 1.0
    emissions[n_tokens // 2 :, 1] = 1.5
    transitions = np.asarray([[0.0, -np.inf], [-np.inf, 0.0]])
    chain = LinearChain(emissions, transitions, np.zeros(2), np.zeros(2), packing)
    expected = np.logaddexp(*emissions.sum(axis=0))
    np.testing.assert_allclose(log_partition(chain), [expected], rtol=1e-12)
    assert viterbi(chain).tolist() == [1] * n_tokens


def _torch_crf(
    chain: LinearChain, batch_first_lengths: list[int]
) -> tuple[CRF, torch.Tensor, torch.Tensor]:
    crf = TorchCRF(chain.emissions.shape[1], batch_first=True).double()
    with torch.no_grad():
        crf.transitions.copy_(torch.from_numpy(chain.transitions))
        crf.start_transitions.copy_(torch.from_numpy(chain.start))
        crf.end_transitions.copy_(torch.from_numpy(chain.end))
    longest = max(batch_first_lengths)
    padded = torch.zeros((len(batch_first_lengths), longest, chain.emissions.shape[1])).double()
    mask = torch.zeros(padded.shape[:2], dtype=torch.bool)
    row = 0
    for i, n in enumerate(batch_first_lengths):
        own = doc_major(chain, chain.emissions)[row : row + n]
        padded[i, :n], mask[i, :n] = torch.from_numpy(own), True
        row += n
    return crf, padded, mask


def test_agrees_with_pytorch_crf() -> None:
    """Where pytorch-crf has the same quantity: documents with tokens, nothing forbidden."""
    lengths = [4, 1, 7, 2, 30]
    chain = make_chain(lengths, n_tags=9, forbidden=0.0)
    crf, padded, mask = _torch_crf(chain, lengths)
    tags = torch.randint(0, 9, mask.shape)
    log_likelihood = crf(padded, tags, mask=mask, reduction="none")
    score = crf._compute_score(padded.transpose(0, 1), tags.transpose(0, 1), mask.transpose(0, 1))
    expected = (score - log_likelihood).detach().numpy()
    np.testing.assert_allclose(log_partition(chain), expected, rtol=1e-9)
    own = doc_major(chain, viterbi(chain)).tolist()
    assert own == [tag for path in crf.decode(padded, mask=mask) for tag in path]
