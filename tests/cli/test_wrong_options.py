"""What `spacy train` prints for options that cannot work: a few lines, and no traceback."""

import pickle
import re
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
import spacy
from confection import ConfigValidationError
from spacy.cli._util import app as spacy_app
from spacy.cli._util import show_validation_error
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from thinc.api import Config
from typer.testing import CliRunner

from spacy_seqrnn.config_errors import ConfigError

from ..conftest import gold_docs, tok2vec_config

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
    "classifier's listener": (
        TEXTCAT,
        {"listener": 6, "model.bidirectional": True},
        f"{TEXTCAT}.model.tok2vec -> width",
    ),
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
def test_the_place_of_a_wrong_option_is_shown(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
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


# What the line of a case is on each of spaCy's commands. Those that create or train a pipeline
# where such errors are not caught end in a traceback, and its last line says the same.
SHORT, LAST_LINE = "short", "last line"
COMMANDS = {
    "train {config}": SHORT,
    "debug config {config}": SHORT,
    "debug data {config}": SHORT,
    "debug model {config} {component}": SHORT,
    "init fill-config {config} {folder}/filled.cfg": SHORT,
    "init labels {config} {folder}": SHORT,
    "assemble {config} {folder}/out": LAST_LINE,
    "pretrain {config} {folder}/out": LAST_LINE,
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_names_the_place(command: str, tmp_path: Path) -> None:
    """For an option that is wrong as soon as the pipeline is created."""
    config = config_of("cell", tmp_path)
    config["pretraining"] = {"component": "seqrnn_ner", "layer": "tok2vec"}
    config.to_disk(tmp_path / "config.cfg")
    values = {"config": tmp_path / "config.cfg", "folder": tmp_path, "component": "seqrnn_ner"}
    result = CliRunner().invoke(spacy_app, command.format(**values).split())
    place = CASES["cell"][2]
    assert result.exit_code == 1
    if COMMANDS[command] == SHORT:
        assert isinstance(result.exception, SystemExit)
        assert f"{place}\tUnknown cell 'lstmm'" in result.output
    else:
        assert isinstance(result.exception, ConfigError)
        *_, line = traceback.format_exception(result.exception)
        assert line.startswith(f"spacy_seqrnn.config_errors.ConfigError: {place}: Unknown cell")


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_spacy_train_ends_in_a_few_lines(case: str, tmp_path: Path) -> None:
    config_of(case, tmp_path).to_disk(tmp_path / "config.cfg")
    command = [sys.executable, "-m", "spacy", "train", str(tmp_path / "config.cfg")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "Traceback" not in result.stdout + result.stderr
    assert re.search(re.escape(CASES[case][2]) + r"\t", result.stdout)


def test_python_gets_the_sentence_alone() -> None:
    with pytest.raises(ConfigValidationError) as caught:
        raise ConfigError("cell", "x", "Unknown cell.")
    assert str(caught.value) == "Unknown cell."
    assert isinstance(caught.value, ValueError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == "Unknown cell."  # from a worker
