"""Which state predicts which unit, against reading each document by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_seqrnn.batch import windows
from spacy_seqrnn.batch.windows import Limits
from spacy_seqrnn.lm.positions import END_OF_TEXT, START, find_positions


def by_hand(lengths: list[int], ahead: bool) -> list[tuple[int, int]]:
    """State and target of each prediction, as tokens of the batch, document by document."""
    found, first = [], 0
    for n in lengths:
        tokens = list(range(first, first + n))
        first += n
        if not tokens:
            continue
        if ahead:
            found += list(zip([START, *tokens], [*tokens, END_OF_TEXT], strict=True))
        else:
            found += list(zip([*tokens, START], [END_OF_TEXT, *tokens], strict=True))
    return found


@pytest.mark.parametrize("ahead", [True, False])
@given(lengths=st.lists(st.integers(0, 40), max_size=6))
def test_every_unit_and_every_end_is_predicted_once(ahead: bool, lengths: list[int]) -> None:
    sizes = np.asarray(lengths, dtype="int64")
    found = []
    for chunk in windows._chunks(sizes, Limits(chunk=25, window=7, context=2), True):
        positions = find_positions(chunk, sizes, ahead=ahead)
        rows = np.append(chunk.rows, -1)  # START and END_OF_TEXT are -1
        found += list(zip(rows[positions.states], rows[positions.targets], strict=True))
    assert found == by_hand(lengths, ahead)
