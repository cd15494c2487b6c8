"""The examples of a language model under another component, with spaCy's commands."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.training import Example
from thinc.api import Model

from spacy_seqrnn.cli.init_config import init_config

from ..conftest import CLAUSES
from ..pipes import get_pipe
from .conftest import succeed

EXAMPLES = Path(__file__).parents[2] / "examples" / "lm"
TEXT = "Mira Holt visited Oslo gladly."
STEPS = ["--training.max_steps", 40, "--training.eval_frequency", 20]

FINE_TUNED = ["--training.frozen_components", "[]", "--training.annotating_components", "[]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Path:
    """A working folder with raw text, with entities, and with a language model of either kind."""
    folder = tmp_path_factory.mktemp("below")
    texts = [" ".join(words) + "." for words in CLAUSES]
    srsly.write_jsonl(folder / "raw.jsonl", [{"text": text} for text in texts * 3])
    shutil.copy(corpus, folder / "corpus.spacy")
    init_config(task="lm").to_disk(folder / "lm.cfg")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        raw = ["--paths.train", "raw.jsonl", "--paths.dev", "raw.jsonl", *STEPS]
        succeed("train", EXAMPLES / "shared.cfg", "--output", "training/shared", *raw)
        succeed("train", "lm.cfg", "--output", "training/lm", *raw)
    return folder


@pytest.fixture
def workplace(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


def train(config: Path | str, output: Path, *options: object) -> Language:
    corpus = ["--paths.train", "corpus.spacy", "--paths.dev", "corpus.spacy"]
    succeed("train", config, "--output", output, *corpus, *STEPS, *options)
    nlp = spacy.load(output / "model-last")
    assert nlp.meta["performance"]["ents_f"] > 0.9
    return nlp


def weights(model: Model[Any, Any]) -> list[Any]:
    return [
        node.get_param(name)
        for node in model.walk()
        for name in sorted(node.param_names)
        if node.has_param(name)
    ]


def same_weights(nlp: Language, other: Language) -> bool:
    pairs = zip(*(weights(get_pipe(each, "tok2vec").model) for each in (nlp, other)), strict=True)
    return all(np.array_equal(*pair) for pair in pairs)


@pytest.mark.parametrize("frozen", [True, False])
def test_a_sourced_tok2vec(workplace: Path, tmp_path: Path, frozen: bool) -> None:
    options = [] if frozen else FINE_TUNED
    nlp = train(EXAMPLES / "sourced.cfg", tmp_path, *options)
    lm = spacy.load(workplace / "training/shared/model-last")
    assert same_weights(nlp, lm) == frozen
    shared = nlp(TEXT)
    assert [ent.text for ent in shared.ents] == ["Mira Holt", "Oslo"]
    nlp.replace_listeners("tok2vec", "seqrnn_ner", ["model.tok2vec.embed"])
    nlp.remove_pipe("tok2vec")
    nlp.to_disk(tmp_path / "alone")
    for alone in (nlp, spacy.load(tmp_path / "alone")):
        assert alone(TEXT).to_json()["ents"] == shared.to_json()["ents"]


def test_the_shared_language_model_predicts_as_before(workplace: Path, tmp_path: Path) -> None:
    """Beside a recogniser that leaves its `tok2vec` as it is."""
    nlp = spacy.load(workplace / "training/shared/model-last")
    expected = nlp(TEXT)._.perplexity
    ner = train(EXAMPLES / "sourced.cfg", tmp_path)
    ner.add_pipe("seqrnn_lm", source=nlp)
    assert ner(TEXT)._.perplexity == pytest.approx(expected, rel=1e-4)
    assert ner(TEXT).ents


def test_features(workplace: Path, tmp_path: Path) -> None:
    nlp = train(EXAMPLES / "features.cfg", tmp_path)
    lm = spacy.load(workplace / "training/lm/model-last")
    expected = weights(get_pipe(lm, "seqrnn_lm").model.get_ref("tok2vec"))
    nodes = get_pipe(nlp, "seqrnn_ner").model.walk()
    (features,) = [node for node in nodes if node.name == "lm_features"]
    for one, other in zip(weights(features.layers[0]), expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("options", [[], ["--optimize", "accuracy"]], ids=["one", "two"])
def test_a_recipe_with_features(workplace: Path, tmp_path: Path, options: list[str]) -> None:
    lm = "training/lm/model-last"
    succeed("seqrnn", "init-config", tmp_path / "ner.cfg", *options, "--lm", lm)
    model = get_pipe(train(tmp_path / "ner.cfg", tmp_path), "seqrnn_ner").model
    expected = weights(get_pipe(spacy.load(lm), "seqrnn_lm").model.get_ref("tok2vec"))
    assert len([node for node in model.walk() if node.name == "seqrnn_ner"]) == 1 + bool(options)
    # The members of an ensemble share it.
    (features,) = [node for node in model.walk() if node.name == "lm_features"]
    for one, other in zip(weights(features.layers[0]), expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", ["lm", "shared"])
@pytest.mark.parametrize("task", ["textcat", "tagger"])
def test_recipes_of_other_tasks_with_features(workplace: Path, task: str, kind: str) -> None:
    config = init_config(task=task, lm=f"training/{kind}/model-last")
    tok2vec = config["components"][task]["model"]["tok2vec"]
    assert tok2vec["@architectures"] == "spacy-seqrnn.FeatureTok2Vec.v1"
    assert tok2vec["features"]["source"] == f"training/{kind}/model-last"
    assert (
        tok2vec["features"]["tok2vec"]["encode"]["@architectures"] == "spacy-seqrnn.RNNEncoder.v1"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "lm", "lm": "training/lm/model-last"}, "under another component"),
        ({"lm": "training/none"}, "`--lm training/none` is not a pipeline"),
        ({"lm": ""}, "is not a pipeline"),
    ],
)
def test_what_is_no_language_model(workplace: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        init_config(**options)


def test_a_language_model_with_word_vectors_needs_them(workplace: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    row: Any = np.ones(4, dtype="float32")
    nlp.vocab.set_vector("Mira", row)
    vectors, lm = str(tmp_path / "vectors"), str(tmp_path / "lm")
    nlp.to_disk(vectors)
    config = init_config(task="lm", vectors=vectors)
    model = config["components"]["seqrnn_lm"]["model"]
    nlp.add_pipe("seqrnn_lm", config={"model": model, "min_count": 1})
    nlp.initialize(lambda: [Example(nlp.make_doc(TEXT), nlp.make_doc(TEXT))])
    nlp.to_disk(lm)
    with pytest.raises(ValueError, match="add `--vectors`"):
        init_config(lm=lm)
    assert init_config(lm=lm, vectors=vectors)["paths"]["vectors"] == vectors


def test_pretraining(workplace: Path, tmp_path: Path) -> None:
    filled = tmp_path / "filled.cfg"
    succeed("init", "fill-config", EXAMPLES / "pretrained.cfg", filled, "--pretraining")
    options = ["--paths.raw_text", "raw.jsonl", "--corpora.pretrain.min_length", 0]
    succeed("pretrain", filled, tmp_path / "pretrained", *options)
    losses = [line["epoch_loss"] for line in srsly.read_jsonl(tmp_path / "pretrained/log.jsonl")]
    assert losses[9] < losses[0]
    start = ["--paths.init_tok2vec", tmp_path / "pretrained/model-last.bin"]
    train(filled, tmp_path, *start)
