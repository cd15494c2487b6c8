"""Reports on the texts that a pipeline writes, against the scorer and the component."""

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import DocBin
from thinc.api import Config

import spacy_seqrnn.cli  # noqa: F401  # adds the command, as the entry point does
from spacy_seqrnn.explain import explain_text2text
from spacy_seqrnn.report.analysis import Report, analyse
from spacy_seqrnn.report.errors import MOST_ALIGNMENTS, MOST_ERRORS
from spacy_seqrnn.report.page import report_page

from ..cli.conftest import fails, succeed
from ..seq2seq.models import examples, pair, random_words, small_seq2seq, trained_text2text

SOURCES = random_words(30)


@pytest.fixture(scope="module")
def writer() -> Language:
    scorer = {
        "@scorers": "spacy-seqrnn.text2text_scorer.v1",
        "metrics": ["exact", "bleu", "chrf"],
    }
    return trained_text2text(steps=25, scorer=scorer)


def report(nlp: Language, folder: Path, pairs: list[tuple[str, str | None]]) -> Report:
    """A report on sources with references."""
    docs = [pair(nlp.make_doc(source), text).reference for source, text in pairs]
    data = folder / "data.spacy"
    DocBin(docs=docs, store_user_data=True).to_disk(data)
    return analyse(folder, nlp, "model-best", data=data)


def test_scores_are_those_of_evaluate(writer: Language, tmp_path: Path) -> None:
    found = report(writer, tmp_path, [(source, source[::-1]) for source in SOURCES])
    scores = writer.evaluate(examples(writer, SOURCES))
    (texts,) = found.texts
    assert texts.scores == {
        name: pytest.approx(value) for name, value in scores.items() if name.startswith("output_")
    }
    assert set(texts.scores) == {"output_exact", "output_bleu", "output_chrf"}
    assert texts.exact.value == pytest.approx(scores["output_exact"])
    assert texts.n_docs == sum(group.n for group in texts.lengths) == len(SOURCES)
    assert len(found.notes) == 1  # that there is no log
    json.dumps(texts.scores)
    page = report_page(found)
    for name, value in texts.scores.items():
        assert f'<th scope="row">{name}</th><td>{value:.4f}</td>' in page


def test_the_worst_come_first_with_what_they_attend_to(writer: Language, tmp_path: Path) -> None:
    pairs: list[tuple[str, str | None]] = [(source, source[::-1]) for source in SOURCES]
    found = report(writer, tmp_path, [("abc", "<i>&"), *pairs])
    (texts,) = found.texts
    rates = [each.error_rate for each in texts.worst]
    assert rates == sorted(rates, reverse=True)
    assert len(texts.worst) == MOST_ERRORS
    for number, each in enumerate(texts.worst):
        assert each.written == writer(each.source)._.output
        assert (each.error_rate == 0) == (each.written == each.reference)
        assert (each.alignment is not None) == (number < MOST_ALIGNMENTS)
        if each.alignment:
            expected = explain_text2text(writer, each.source, k=1).alignment
            assert each.alignment.units == expected.units
            assert each.alignment.weights
            for row, other in zip(each.alignment.weights, expected.weights or (), strict=True):
                assert row == pytest.approx(other, abs=1e-5)
    page = report_page(found)
    assert page.count('<table class="heat">') == MOST_ALIGNMENTS
    assert page.count('<span class="kind">reference</span>') == MOST_ERRORS
    assert "&lt;i&gt;&amp;" in page
    assert "<i>" not in page


def test_error_rates(writer: Language, tmp_path: Path) -> None:
    """By hand: of an empty reference, of one letter that is missing, and of none."""
    written = writer("abc")._.output
    references = [written, f"{written}x", ""]
    found = report(writer, tmp_path, [("abc", text) for text in references])
    (texts,) = found.texts
    rates = {each.reference: each.error_rate for each in texts.worst}
    assert rates == {written: 0, f"{written}x": 1 / (len(written) + 1), "": len(written)}
    assert texts.exact.value == pytest.approx(1 / 3)


def test_documents_without_a_reference_are_omitted(writer: Language, tmp_path: Path) -> None:
    found = report(writer, tmp_path, [("abc", None), ("de", "ed")])
    assert found.n_docs == 2
    assert [each.n_docs for each in found.texts] == [1]
    with pytest.raises(ValueError, match="but no annotated text for 'seqrnn_text2text'"):
        report(writer, tmp_path, [("abc", None)])


def test_without_attention(tmp_path: Path) -> None:
    nlp = trained_text2text(small_seq2seq(attention="none"), steps=1)
    page = report_page(report(nlp, tmp_path, [("abc", "cba")]))
    assert "The decoder has no attention" in page
    assert '<table class="heat">' not in page


CONFIG: dict[str, Any] = {
    "paths": {"train": None, "dev": None},
    "nlp": {"lang": "en", "pipeline": ["seqrnn_text2text"]},
    "components": {"seqrnn_text2text": {"factory": "seqrnn_text2text", "model": small_seq2seq()}},
    "corpora": {
        name: {"@readers": "spacy-seqrnn.Pairs.v1", "path": f"${{paths.{name}}}"}
        for name in ("train", "dev")
    },
    "training": {
        "max_steps": 40,
        "eval_frequency": 20,
        "logger": {"@loggers": "spacy-seqrnn.TrainingLog.v1"},
    },
}


def test_after_training_on_pairs(tmp_path: Path) -> None:
    """With the commands, from a file of pairs to the page, and for another file of pairs."""
    pairs, config, output = (tmp_path / name for name in ("a.tsv", "a.cfg", "out"))
    pairs.write_text("".join(f"{source}\t{source[::-1]}\n" for source in SOURCES))
    partial = tmp_path / "partial.cfg"
    Config(CONFIG).to_disk(partial)
    succeed("init", "fill-config", partial, config)
    paths = ["--paths.train", pairs, "--paths.dev", pairs]
    succeed("seqrnn", "train", config, "--output", output, *paths)
    succeed("seqrnn", "report", output)
    found = json.loads((output / "report.json").read_text())
    (texts,) = found["texts"]
    assert texts["n_docs"] == found["n_docs"] == len(SOURCES)
    assert found["notes"] == []
    assert found["curves"]["step"] == [0, 20, 40]
    meta = json.loads((output / "model-best" / "meta.json").read_text())
    assert texts["scores"]["output_exact"] == meta["performance"]["output_exact"]
    assert "Worst texts" in (output / "report.html").read_text()
    other = tmp_path / "other.tsv"
    nlp = spacy.load(output / "model-best")
    other.write_text(f"abc\t{nlp('abc')._.output or 'a'}\n")
    succeed("seqrnn", "report", output, "--data", other, "--force")
    found = json.loads((output / "report.json").read_text())
    assert (found["n_docs"], found["is_dev"]) == (1, False)
    other.write_text("no pair\n")
    sentence = "expected two columns with a tab between them"
    assert sentence in fails("seqrnn", "report", output, "--data", other, "--force")
