"""The benchmarks of encoder-decoders: their PyTorch side, and scores. Nothing here is timed."""

from pathlib import Path
from typing import Any

import pytest
from spacy.tokens import Doc, DocBin

from benchmarks.seq2seq import joeynmt
from benchmarks.seq2seq.__main__ import rows, table
from spacy_seqrnn.seq2seq import batches

from ..seq2seq.models import make_text2text, random_words, small_seq2seq, trained_text2text

# They need sentencepiece and sacrebleu.
peer = pytest.importorskip("benchmarks.seq2seq.peer")
translation = pytest.importorskip("benchmarks.seq2seq.translation")


@pytest.mark.parametrize("options", [{"tied": True}, {"tied": False}], ids=str)
@pytest.mark.parametrize("most", [300, 1])
def test_both_sides_write_the_same(
    options: dict[str, bool], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More texts than a batch of either, also where texts end at the bound."""
    monkeypatch.setattr(batches, "MOST_PLACES", 200)
    nlp = trained_text2text(small_seq2seq("subwords", **options), max_subwords=30, max_length=most)
    component: Any = nlp.get_pipe("seqrnn_text2text")
    texts = random_words(peer.BATCH + 7)
    ours = [doc._.output for doc in nlp.pipe(texts)]
    assert len(set(ours)) > 1
    assert peer.Peer(component).translate(texts) == ours


@pytest.mark.parametrize("options", [{"attention": "additive"}, {"depth": 2}, {"copy": True}])
def test_another_network_is_refused(options: dict[str, Any]) -> None:
    nlp = make_text2text(small_seq2seq("subwords", **options), max_subwords=30)
    component: Any = nlp.get_pipe("seqrnn_text2text")
    with pytest.raises(ValueError, match="The peer has dot products, no copying and one layer"):
        peer.Peer(component)


def test_bleu_of_groups_by_the_length_of_the_source() -> None:
    right = translation.Pair("two dogs play in the snow", "two dogs play in the snow", n_words=6)
    wrong = translation.Pair("a man", "three children run over a meadow", n_words=9)
    groups = translation.by_length(
        [right, wrong, right._replace(n_words=40), right._replace(n_words=8)]
    )
    assert {start: len(group) for start, group in groups.items()} == {1: 2, 9: 1, 20: 1}
    assert [round(translation.bleu(groups[start])) for start in (1, 9, 20)] == [100, 0, 100]


def test_lower_case_counts_apart() -> None:
    found = translation.scores(
        [translation.Pair("Zwei hunde spielen im Schnee", "Zwei Hunde spielen im Schnee", 6)]
    )
    assert found["bleu"] < found["bleu_lower"] == pytest.approx(100)


def test_joeynmt_gets_our_subwords_and_the_texts_of_our_corpora(tmp_path: Path) -> None:
    nlp = trained_text2text(small_seq2seq("subwords"), max_subwords=30)
    nlp.to_disk(tmp_path / "pipeline")
    doc = Doc(nlp.vocab, words=["two", "words"])
    doc._.output = "zwei\u2028Wörter"  # a line separator, for some functions
    DocBin(docs=[doc, doc], store_user_data=True).to_disk(tmp_path / "train.spacy")
    folder = tmp_path / "joeynmt"
    joeynmt.prepare(folder, tmp_path / "pipeline", {"train": tmp_path / "train.spacy"})
    assert (folder / "train.source").read_text() == "two words\n" * 2
    assert (folder / "train.target").read_text(encoding="utf8") == "zwei Wörter\n" * 2
    component: Any = nlp.get_pipe("seqrnn_text2text")
    assert (folder / "subwords.model").read_bytes() == component.vocabulary.kind.model
    assert (folder / joeynmt.CONFIG.name).exists()


def test_sides_of_each_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.seq2seq.__main__.peers_python", lambda: "their/python")
    (greedy,) = rows("model", Path("texts"), joeynmt=None)
    assert [*greedy.ours, *greedy.others] == ["ours", "peer"]
    greedy, beam = rows("model", Path("texts"), joeynmt="folder")
    assert [*greedy.others, *beam.others] == ["peer", "joeynmt", "joeynmt"]
    assert [row.ours["ours"]()[-1] for row in (greedy, beam)] == ["1", "5"]
    python, *_, folder, texts, width = beam.others["joeynmt"]()
    assert (python, folder, texts, width) == ("their/python", "folder", "texts", "5")


def test_the_table_compares_what_each_side_writes() -> None:
    sides = {
        "ours": {"words": 1000, "batch_size": 256, "seconds": [1.0, 2.0, 1.0]},
        "peer": {"words": 1000, "batch_size": 64, "seconds": [2.0, 2.0, 2.0]},
        "joeynmt": {"words": 900, "batch_size": 1000, "seconds": [3.0, 3.0, 3.0]},
    }
    result = {
        "search": "greedy",
        "sides": sides,
        "same": {"peer": 0.999, "joeynmt": 0.1},
        "corpus": "test.spacy",
        "environment": {"python": "3.11"},
    }
    _, _, peer, joey, *note = table([result]).splitlines()
    assert peer == "| greedy | PyTorch, batches of 64 | **2.00** | 1,000 | 500 | 100.0% |"
    assert joey == "| greedy | JoeyNMT, batches of 1000 | **3.33** | 1,000 | 300 | 90.0% |"
    assert "99.9%" in note[-1]
