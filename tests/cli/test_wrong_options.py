"""What `spacy train` says of options that cannot work: a few lines, and no traceback."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import spacy
from confection import ConfigValidationError
from spacy.cli._util import show_validation_error
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from thinc.api import Config

from spacy_seqrnn.config_errors import ConfigError, find_block

from ..conftest import EMBED, gold_docs, gold_examples, tok2vec_config

NER = "components.seqrnn_ner"
TEXTCAT, MULTILABEL = "components.textcat", "components.textcat_multilabel"
ENCODE = "model.tok2vec.encode"
# The component, the options that are set, and the line that names them
CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    "cell": (NER, {f"{ENCODE}.cell": "lstmm"}, f"{NER}.{ENCODE} -> cell"),
    "width": (TEXTCAT, {f"{ENCODE}.width": 7}, f"{TEXTCAT}.{ENCODE} -> width"),
    "depth": (TEXTCAT, {f"{ENCODE}.depth": 0}, f"{TEXTCAT}.{ENCODE} -> depth"),
    "dropout": (NER, {f"{ENCODE}.dropout": 1.5}, f"{NER}.{ENCODE} -> dropout"),
    "word dropout": (NER, {f"{ENCODE}.word_dropout": -1.0}, f"{NER}.{ENCODE} -> word_dropout"),
    "residual": (
        NER,
        {f"{ENCODE}.residual": True, f"{ENCODE}.width": 50},
        f"{NER}.{ENCODE} -> residual",
    ),
    "decoder": (NER, {"model.decoder": "beam"}, f"{NER}.model -> decoder"),
    "clipping": (NER, {"model.max_grad_norm": -1.0}, f"{NER}.model -> max_grad_norm"),
    "tags": (NER, {"model.nO": 4}, f"{NER}.model -> nO"),
    "spans key": (NER, {"spans_key": " "}, f"{NER} -> spans_key"),
    "weights": (NER, {"label_weights": {"PERSN": 2.0}}, f"{NER} -> label_weights"),
    "weight": (NER, {"label_weights": {"PERSON": -2.0}}, f"{NER} -> label_weights"),
    "pooling": (TEXTCAT, {"model.pooling": "median"}, f"{TEXTCAT}.model -> pooling"),
    "directions": (TEXTCAT, {"model.bidirectional": False}, f"{TEXTCAT}.model -> bidirectional"),
    "classes": (MULTILABEL, {}, f"{MULTILABEL}.model -> exclusive_classes"),
    "table": (
        NER,
        {"model.tok2vec.embed.table_size": -1},
        f"{NER}.model.tok2vec.embed -> table_size",
    ),
    "corrections": (
        NER,
        {"model.tok2vec.embed.correction_rows": 9},
        f"{NER}.model.tok2vec.embed -> correction_rows",
    ),
    "vectors": (
        NER,
        {"model.tok2vec.embed.include_static_vectors": True},
        f"{NER}.model.tok2vec.embed -> include_static_vectors",
    ),
    "characters": (
        NER,
        {"model.tok2vec.embed.layers.chars.width": 0},
        f"{NER}.model.tok2vec.embed.layers.chars -> width",
    ),
    "listener": (NER, {"listener": 6}, f"{NER}.model.tok2vec -> width"),
}


def config_of(case: str, folder: Path) -> Config:
    """A training config with the wrong option, and its data in the folder."""
    component, options, _ = CASES[case]
    docs = gold_docs(spacy.blank("en").vocab)
    if case == "classes":
        docs[0].cats = {"GOOD": 1.0, "BAD": 1.0}
    DocBin(docs=docs, store_user_data=True).to_disk(folder / "data.spacy")
    nlp = spacy.blank("en")
    model: dict[str, Any] = {"tok2vec": tok2vec_config(), "@architectures": "spacy-seqrnn.NER.v1"}
    if component != NER:
        name = "spacy-seqrnn.TextCat.v1"
        model.update({"@architectures": name, "exclusive_classes": True, "pooling": "last"})
    nlp.add_pipe(component.split(".")[1], config={"model": model})
    config = nlp.config.copy()
    config["paths"].update(train=str(folder / "data.spacy"), dev=str(folder / "data.spacy"))
    config["training"]["max_steps"] = 1
    options = dict(options)
    if "listener" in options:
        shared = {"factory": "tok2vec", "model": tok2vec_config()}
        config["components"] = {"tok2vec": shared, **config["components"]}
        config["nlp"]["pipeline"].insert(0, "tok2vec")
        listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": options.pop("listener")}
        options["model.tok2vec"] = listener
    for option, value in options.items():
        *blocks, last = f"{component}.{option}".split(".")
        block = config
        for name in blocks:
            block = block[name]
        block[last] = value
    return config


@pytest.mark.parametrize("case", CASES)
def test_the_place_of_a_wrong_option_is_shown(case, tmp_path, capsys):
    config = config_of(case, tmp_path)
    capsys.readouterr()
    with pytest.raises(SystemExit), show_validation_error(hint_fill=False):
        init_nlp(config)
    shown = capsys.readouterr().out
    *_, line = shown.strip().splitlines()
    place, _, sentence = line.partition("\t")
    assert place == CASES[case][2]
    assert len(sentence) > 20
    assert shown.count("\n") <= 4


@pytest.mark.slow
@pytest.mark.parametrize("case", ["cell", "classes"])
def test_spacy_train_ends_in_a_few_lines(case, tmp_path):
    config_of(case, tmp_path).to_disk(tmp_path / "config.cfg")
    command = [sys.executable, "-m", "spacy", "train", str(tmp_path / "config.cfg")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "Traceback" not in result.stdout + result.stderr
    assert re.search(re.escape(CASES[case][2]) + r"\t", result.stdout)


def test_the_place_is_in_the_last_line_of_a_traceback():
    """What only training finds out, spaCy's command line does not catch."""
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": tok2vec_config()})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 6}
    name = "spacy-seqrnn.TextCat.v1"
    model = {"@architectures": name, "tok2vec": listener, "exclusive_classes": True}
    nlp.add_pipe("textcat", config={"model": model})
    examples = gold_examples(nlp)
    nlp.initialize(lambda: examples)
    with pytest.raises(ConfigError) as caught:
        nlp.update(examples)
    assert str(caught.value).startswith(
        "components.textcat.model.tok2vec -> width: The token vectors are 24 wide, but `width = 6`"
    )


def test_python_gets_the_sentence_alone():
    with pytest.raises(ConfigValidationError) as caught:
        raise ConfigError("cell", "x", "Unknown cell.")
    assert str(caught.value) == "Unknown cell."
    assert isinstance(caught.value, ValueError)
    assert find_block("cell", "x", caught.value.__traceback__) == []  # outside of any pipeline


def test_the_block_with_the_wrong_value_is_the_one_that_is_named():
    """Of two blocks with the same option, at any depth."""
    nlp = spacy.blank("en")
    layers = {
        "a": {"@architectures": "spacy-seqrnn.CharCNNEmbed.v1", "width": 5},
        "b": {"@architectures": "spacy-seqrnn.CharCNNEmbed.v1", "width": 0},
    }
    model = {
        "@architectures": "spacy-seqrnn.NER.v1",
        "tok2vec": {**tok2vec_config(), "embed": {**EMBED, "layers": layers}},
    }
    with pytest.raises(ConfigError) as caught:
        nlp.add_pipe("seqrnn_ner", name="mine", config={"model": model})
    shown = ConfigError.from_error(caught.value)
    assert "components.mine.model.tok2vec.embed.layers.b -> width\t" in shown.text
