"""`spacy seqrnn report`: the content of the page and its data, and errors."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus
from thinc.compat import has_gpu

from spacy_seqrnn.report.log import FILE

from .test_inside import call, reject

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training run with its report, in which other tests may write."""
    path = tmp_path_factory.mktemp("report") / "training"
    shutil.copytree(trained.parent, path)
    result = call("report", path)
    assert result.exit_code == 0, result.output
    return path


def numbers(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf8"))
    return found


def write_docs(path: Path, *docs: Doc) -> Path:
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return path


def test_scores_are_those_of_evaluate(folder: Path, corpus: Path) -> None:
    found = numbers(folder / "report.json")
    nlp = spacy.load(folder / "model-best")
    scores = nlp.evaluate(list(Corpus(corpus)(nlp)))
    assert found["n_docs"] == 6
    assert found["entities"]["total"]["f1"]["value"] == pytest.approx(scores["ents_f"])
    (categories,) = found["categories"]
    assert categories["macro_f1"]["value"] == pytest.approx(scores["cats_macro_f"])
    # The development data are the training data here.
    groups = {group["name"]: group["n"] for group in found["entities"]["seen"]}
    assert groups == {"seen as an entity": 12}
    assert found["entities"]["reliability"]["n"] == found["entities"]["total"]["found"]
    assert found["notes"] == []


def test_curves_are_those_of_the_training(folder: Path) -> None:
    found = numbers(folder / "report.json")["curves"]
    assert found["step"] == [0, 30, 60]
    assert set(found["losses"]) == {"tok2vec", "seqrnn_ner", "textcat"}
    assert found["learn_rate"] == [0.02] * 3
    meta = numbers(folder / "model-best" / "meta.json")
    best = found["score"].index(max(found["score"]))
    assert found["scores"]["ents_f"][best] == pytest.approx(meta["performance"]["ents_f"])


def test_the_page_is_whole_and_needs_nothing(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf8")
    assert page.count("<h1") == 1
    assert "seqrnn_ner: Transitions of the CRF" in page
    assert "textcat: Confusion" in page
    outside = page.replace("http://www.w3.org/", "")
    assert "src=" not in outside
    assert "@import" not in outside
    names = [part.split('"')[0] for part in page.split(' id="')[1:]]
    assert len(names) == len(set(names))


def test_it_is_the_same_again_and_replaces_nothing_by_itself(folder: Path, tmp_path: Path) -> None:
    reject("add --force to overwrite it", "report", folder)
    again = tmp_path / "again.html"
    assert call("report", folder, "--output", again).exit_code == 0
    assert again.read_bytes() == (folder / "report.html").read_bytes()
    assert numbers(tmp_path / "again.json") == numbers(folder / "report.json")
    assert call("report", folder, "--force").exit_code == 0


def test_other_data(folder: Path, tmp_path: Path) -> None:
    """Data whose words look like markup, and a label too."""
    nlp = spacy.blank("en")
    doc = Doc(nlp.vocab, words=["<b>Mira</b>", "likes", "<i>"], ents=["B-<u>", "O", "O"])
    doc.cats = {"GOOD": 0.0, "BAD": 1.0}
    data = write_docs(tmp_path / "other.spacy", *[doc] * 3)
    html, code = tmp_path / "report.html", tmp_path / "code.py"
    code.write_text(f"open({str(tmp_path / 'imported')!r}, 'w').close()")
    result = call("report", folder, "--data", data, "--output", html, "--code", code)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "imported").exists()
    found = numbers(tmp_path / "report.json")
    assert found["data"] == str(data)
    assert not found["is_dev"]
    assert found["entities"]["total"]["annotated"] == 3
    assert {group["name"] for group in found["entities"]["seen"]} == {"a word unseen"}
    page = html.read_text(encoding="utf8")
    assert "&lt;u&gt;" in page
    assert not [tag for tag in ("<b>", "<i>", "<u>") if tag in page]


def test_data_with_one_kind_of_annotation(folder: Path, tmp_path: Path) -> None:
    doc = Doc(spacy.blank("en").vocab, words=["Mira", "likes", "Oslo"])
    doc.cats = {"GOOD": 1.0, "BAD": 0.0}
    data = write_docs(tmp_path / "cats.spacy", doc)
    result = call("report", folder, "--data", data, "--output", tmp_path / "a.html")
    assert "but no annotated entity" in " ".join(result.output.split())
    assert result.exit_code == 0
    assert numbers(tmp_path / "a.json")["entities"] is None


@pytest.fixture
def without_log(folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "unlogged"
    shutil.copytree(folder / "model-best", path / "model-best")
    return path


def test_without_a_log(without_log: Path) -> None:
    result = call("report", without_log)
    assert result.exit_code == 0, result.output
    assert 'set `@loggers = "spacy-seqrnn.TrainingLog.v1"`' in " ".join(result.output.split())
    assert numbers(without_log / "report.json")["curves"] is None
    assert "There are no learning curves" in (without_log / "report.html").read_text()


def test_nothing_to_evaluate_on(without_log: Path, tmp_path: Path) -> None:
    words = Doc(spacy.blank("en").vocab, words=["Mira"])
    bare = write_docs(tmp_path / "bare.spacy", words)
    reject("contains 1 documents, but no annotated entity", "report", without_log, "--data", bare)
    empty = write_docs(tmp_path / "empty.spacy")
    reject("contains no document with a token", "report", without_log, "--data", empty)
    reject("does not exist", "report", without_log, "--data", tmp_path / "none.spacy")
    (tmp_path / "a.txt").touch()
    (tmp_path / "damaged.spacy").write_bytes(b"no data")
    sentence = "doesn't look like the data is in DocBin"
    reject(sentence, "report", without_log, "--data", tmp_path / "damaged.spacy")
    reject("is not a `.spacy` file", "report", without_log, "--data", tmp_path / "a.txt")


def test_wrong_folders(folder: Path, tmp_path: Path) -> None:
    reject("does not exist: name the --output", "report", tmp_path / "none")
    reject("has neither 'model-best' nor 'model-last'", "report", tmp_path)
    reject("is a pipeline: name the folder", "report", folder / "model-best")
    reject("cannot be page and data at once", "report", folder, "--output", tmp_path / "a.json")


@pytest.mark.skipif(has_gpu, reason="there is a GPU")
def test_no_gpu(folder: Path) -> None:
    reject("GPU", "report", folder, "--force", "--gpu-id", 0)


def test_missing_training_data(folder: Path, tmp_path: Path) -> None:
    reject("does not exist", "report", folder, "--force", "--train", tmp_path / "none.spacy")


def test_dev_data_that_are_gone(without_log: Path) -> None:
    config = without_log / "model-best" / "config.cfg"
    lines = config.read_text().splitlines(keepends=True)
    paths = {"dev": 'dev = "gone.spacy"\n', "train": 'train = "gone.spacy"\n'}
    changed = [paths.get(line.split(" = ")[0], line) for line in lines]
    config.write_text("".join(changed))
    reject("'gone.spacy' does not exist; it was named in [corpora.dev]", "report", without_log)


def test_a_pipeline_of_other_components(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "model-last")
    reject("The pipeline has sentencizer: a report only has scores of", "report", tmp_path)


def test_the_log_is_beside_the_pipelines(trained: Path) -> None:
    names = {path.name for path in trained.parent.iterdir()}
    assert names == {"model-best", "model-last", FILE}
