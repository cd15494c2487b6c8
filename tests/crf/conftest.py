from collections.abc import Iterator

import numpy as np
import pytest

from spacy_seqrnn.crf import decoding, transitions


@pytest.fixture(scope="module", params=["whole", "in parts"])
def _both_ways(request: pytest.FixtureRequest) -> Iterator[None]:
    """With the matrix of transitions as a whole, and in parts as with hundreds of tags."""
    smallest = np.inf if request.param == "whole" else 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transitions, "SPLIT_TAGS", smallest)
        patch.setattr(transitions, "PRUNED_PAIRS", smallest)
        patch.setattr(transitions, "DENSE_SHARE", 0.7)
        patch.setattr(decoding, "HELD_PAIRS", transitions.HELD_PAIRS if smallest else 10)
        yield
