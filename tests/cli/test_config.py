"""Commands that inspect a config."""

from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from thinc.api import Config

from ..conftest import gold_docs
from .conftest import invoke, succeed

CONFIGS = Path(__file__).parents[2] / "configs"

ONLY_THE_FACTORY = """
[nlp]
lang = "en"
pipeline = ["seqrnn_ner"]

[components]

[components.seqrnn_ner]
factory = "seqrnn_ner"
"""
ONLY_THE_ARCHITECTURES = """
[nlp]
lang = "en"
pipeline = ["textcat_multilabel"]

[components]

[components.textcat_multilabel]
factory = "textcat_multilabel"

[components.textcat_multilabel.model]
@architectures = "spacy-seqrnn.TextCat.v1"
exclusive_classes = false
pooling = ["attention","max"]

[components.textcat_multilabel.model.tok2vec]
@architectures = "spacy.Tok2Vec.v2"

[components.textcat_multilabel.model.tok2vec.embed]
@architectures = "spacy-seqrnn.CharRNNEmbed.v1"

[components.textcat_multilabel.model.tok2vec.encode]
@architectures = "spacy-seqrnn.RNNEncoder.v1"
width = 32
"""


def _assert_filling_ends(partial: Path, folder: Path) -> Config:
    """Fill a config twice. Returns the result."""
    once, twice = folder / "once.cfg", folder / "twice.cfg"
    succeed("init", "fill-config", partial, once)
    succeed("init", "fill-config", once, twice)
    assert twice.read_text() == once.read_text()
    return Config().from_disk(once, interpolate=False)


def test_filling_in_a_factory_writes_out_its_default_model(tmp_path: Path) -> None:
    partial = tmp_path / "partial.cfg"
    partial.write_text(ONLY_THE_FACTORY)
    filled = _assert_filling_ends(partial, tmp_path)
    component = filled["components"]["seqrnn_ner"]
    assert component["model"]["decoder"] == "crf"
    assert component["model"]["tok2vec"]["cell"] == "lstm"
    assert component["spans_key"] is None
    assert filled["training"]["score_weights"]["ents_f"] == 1.0


def test_filling_in_architectures_writes_out_their_options(tmp_path: Path) -> None:
    partial = tmp_path / "partial.cfg"
    partial.write_text(ONLY_THE_ARCHITECTURES)
    filled = _assert_filling_ends(partial, tmp_path)
    model = filled["components"]["textcat_multilabel"]["model"]
    assert model["pooling"] == ["attention", "max"]
    assert model["max_grad_norm"] == 0.0
    assert model["tok2vec"]["embed"]["max_chars"] == 64
    assert model["tok2vec"]["encode"]["depth"] == 1


def test_filling_keeps_the_width_of_a_listener(partial_config: Path, tmp_path: Path) -> None:
    filled = _assert_filling_ends(partial_config, tmp_path)
    listener = filled["components"]["seqrnn_ner"]["model"]["tok2vec"]
    assert listener["width"] == "${components.tok2vec.model.encode.width}"


@pytest.mark.parametrize("name", sorted(path.name for path in CONFIGS.glob("*.cfg")))
def test_filling_in_the_configs_of_the_project_ends(name: str, tmp_path: Path) -> None:
    _assert_filling_ends(CONFIGS / name, tmp_path)


def test_debug_config_accepts_our_parts(config: Path) -> None:
    assert "Config is valid" in succeed("debug", "config", config)


ENCODE = "--components.tok2vec.model.encode"


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ([f"{ENCODE}.widht", "3"], "tok2vec.model.encode -> widht"),
        ([f"{ENCODE}.depth", "deep"], "tok2vec.model.encode -> depth"),
        (["--components.seqrnn_ner.spans_kye", "found"], "seqrnn_ner -> spans_kye"),
        (
            ["--components.textcat.model.exclusive_classes", "often"],
            "textcat.model -> exclusive_classes",
        ),
    ],
)
def test_debug_config_names_what_it_cannot_take(
    config: Path, override: list[str], named: str
) -> None:
    result = invoke("debug", "config", config, *override)
    assert result.exit_code == 1
    assert "Config error for" in result.output
    assert named in result.output


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ([f"{ENCODE}.cell", "lsmt"], "set `cell` to one of rnn, lstm, gru"),
        ([f"{ENCODE}.width", "23"], "set `width` to an even number"),
        (["--components.seqrnn_ner.model.decoder", "crv"], "set it to one of crf, softmax"),
        (["--components.textcat.model.pooling", "last"], "set `bidirectional` to true or false"),
    ],
)
def test_debug_config_says_how_to_mend_a_value(
    config: Path, override: list[str], message: str
) -> None:
    result = invoke("debug", "config", config, *override)
    assert result.exit_code == 1
    assert message in result.output


def test_debug_data_takes_our_components(config: Path, tmp_path: Path) -> None:
    many = tmp_path / "many.spacy"  # spaCy warns about fewer than a hundred
    DocBin(docs=gold_docs(Vocab()) * 20).to_disk(many)
    printed = succeed("debug", "data", config, "--paths.train", many, "--paths.dev", many)
    assert "Pipeline can be initialized with data" in printed
    assert "Training pipeline: tok2vec, seqrnn_ner, textcat" in printed
    assert "Text Classification: 2 label(s)" in printed


@pytest.mark.parametrize("component", ["seqrnn_ner", "textcat", "tok2vec"])
def test_debug_model_looks_inside(config: Path, component: str) -> None:
    options = ["-P0", "-P1", "-P2", "-P3", "-DIM", "-PAR", "-GRAD", "-ATTR", "-l", "0,1"]
    printed = succeed("debug", "model", config, component, *options)
    for step in ("before training", "after initialization", "after training", "prediction"):
        assert step in printed
    assert "model looks good" in printed


def test_debug_model_with_encoders_of_their_own(tmp_path: Path, corpus: Path) -> None:
    partial, filled = tmp_path / "partial.cfg", tmp_path / "filled.cfg"
    partial.write_text(ONLY_THE_FACTORY)
    succeed("init", "fill-config", partial, filled)
    paths = ["--paths.train", corpus, "--paths.dev", corpus]
    printed = succeed("debug", "model", filled, "seqrnn_ner", *paths, "-P2", "-GRAD", "-l", "0")
    assert "model looks good" in printed


def test_a_filled_config_makes_a_pipeline(config: Path) -> None:
    nlp = spacy.util.load_model_from_config(Config().from_disk(config), auto_fill=False)
    assert nlp.pipe_names == ["tok2vec", "seqrnn_ner", "textcat"]
