"""The PyTorch side of the benchmark of encoder-decoders. Nothing here is timed."""

from typing import Any

import pytest

from benchmarks.seq2seq.peer import BATCH, Peer
from spacy_seqrnn.seq2seq import batches

from ..seq2seq.models import make_text2text, random_words, small_seq2seq, trained_text2text

pytest.importorskip("sentencepiece")


@pytest.mark.parametrize("options", [{"tied": True}, {"tied": False}], ids=str)
@pytest.mark.parametrize("most", [300, 1])
def test_both_sides_write_the_same(
    options: dict[str, bool], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More texts than a batch of either, also where texts end at the bound."""
    monkeypatch.setattr(batches, "MOST_PLACES", 200)
    nlp = trained_text2text(small_seq2seq("subwords", **options), max_subwords=30, max_length=most)
    component: Any = nlp.get_pipe("seqrnn_text2text")
    texts = random_words(BATCH + 7)
    ours = [doc._.output for doc in nlp.pipe(texts)]
    assert len(set(ours)) > 1
    assert Peer(component).translate(texts) == ours


@pytest.mark.parametrize("options", [{"attention": "additive"}, {"depth": 2}, {"copy": True}])
def test_another_network_is_refused(options: dict[str, Any]) -> None:
    nlp = make_text2text(small_seq2seq("subwords", **options), max_subwords=30)
    component: Any = nlp.get_pipe("seqrnn_text2text")
    with pytest.raises(ValueError, match="The peer has dot products, no copying and one layer"):
        Peer(component)
