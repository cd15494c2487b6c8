"""The recomputed states are those of the layers, so the gates are theirs too."""

from typing import Any

import numpy as np
import pytest

from spacy_seqrnn.explain.gates import gates_of_text
from spacy_seqrnn.rnn.cells import CELLS

from ..small import small_ner, small_tok2vec
from .conftest import TEXT, pipeline


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("text", ["Oslo", "Mira Oslo", TEXT])
def test_hidden_states_are_those_of_the_encoder(
    cell: str, bidirectional: bool, residual: bool, text: str
) -> None:
    options: dict[str, Any] = {
        "cell": cell,
        "depth": 2,
        "bidirectional": bidirectional,
        "residual": residual,
    }
    nlp = pipeline("seqrnn_ner", small_ner(tok2vec=small_tok2vec(**options)))
    found = gates_of_text(nlp, text)
    assert len(found.views) == (4 if bidirectional else 2)
    for view in found.views:
        assert view.difference < 1e-5
        assert list(view.gates) == list(CELLS[cell].gates)
        assert all(0 <= value <= 1 for of in view.gates.values() for row in of for value in row)
        assert (view.cell_norms is not None) == ("cell" in CELLS[cell].states)
    # From the first layer to the last: together they are what the pipeline's encoder gives.
    ner: Any = nlp.get_pipe("seqrnn_ner")
    tok2vec = ner.model.get_ref("tok2vec")
    (output,) = tok2vec.predict([nlp.make_doc(text)])
    directions = len(found.views) // 2
    last = np.hstack([view.hidden for view in found.views[-directions:]])
    if residual:
        last += np.hstack([view.hidden for view in found.views[:directions]])
        if tok2vec.get_ref("embed").get_dim("nO") == output.shape[1]:
            last += tok2vec.get_ref("embed").predict([nlp.make_doc(text)])[0]
    np.testing.assert_allclose(last, output, atol=1e-5)
