"""The benchmarks of encoder-decoders: their PyTorch side, and scores. Nothing here is timed."""

from typing import Any

import pytest

from benchmarks.seq2seq.peer import BATCH, Peer
from benchmarks.seq2seq.translation import Pair, bleu, by_length, scores
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


def test_bleu_of_groups_by_the_length_of_the_source() -> None:
    right = Pair("two dogs play in the snow", "two dogs play in the snow", n_words=6)
    wrong = Pair("a man", "three children run over a meadow", n_words=9)
    groups = by_length([right, wrong, right._replace(n_words=40), right._replace(n_words=8)])
    assert {start: len(group) for start, group in groups.items()} == {1: 2, 9: 1, 20: 1}
    assert [round(bleu(groups[start])) for start in (1, 9, 20)] == [100, 0, 100]


def test_lower_case_counts_apart() -> None:
    found = scores([Pair("Zwei hunde spielen im Schnee", "Zwei Hunde spielen im Schnee", 6)])
    assert found["bleu"] < found["bleu_lower"] == pytest.approx(100)
