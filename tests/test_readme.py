"""What the README shows works as it stands there."""

import re
from importlib.metadata import distribution
from inspect import signature
from pathlib import Path

import pytest
import spacy
from spacy import registry
from spacy.training import Example
from spacy.util import load_config_from_str, load_model_from_config

from spacy_seqrnn.cli import seqrnn_cli

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def option_rows():
    """Name and cell of each row of the table of options."""
    rows = re.findall(r"^\| (?:factory )?`([^`]+)` \| (.*) \|$", README, flags=re.MULTILINE)
    return [row for row in rows if "seqrnn" in row[0]]


def test_config_trains():
    (text,) = blocks("ini")
    config = load_config_from_str(text, overrides={"paths.train": None, "paths.dev": None})
    nlp = load_model_from_config(config, auto_fill=True)
    example = Example.from_dict(nlp.make_doc("Oslo sleeps"), {"entities": [(0, 4, "LOC")]})
    optimizer = nlp.initialize(lambda: [example])
    for _ in range(20):
        nlp.update([example], sgd=optimizer)
    doc = nlp("Oslo sleeps")
    assert [entity.text for entity in doc.ents] == ["Oslo"]
    assert len(doc.spans["seqrnn_ner"].attrs["scores"]) == 1


def test_table_names_every_part():
    named = {name for name, _ in option_rows()}
    points = distribution("spacy-seqrnn").entry_points
    assert named == {point.name for point in points if point.group != "spacy_cli"}


def test_every_command_is_shown():
    names = {command.name for command in seqrnn_cli.registered_commands}
    shown = set(re.findall(r"^spacy seqrnn ([\w-]+)", "\n".join(blocks("bash")), re.MULTILINE))
    assert shown == names


@pytest.mark.parametrize(("name", "cell"), option_rows())
def test_table_names_every_option(name, cell):
    if name == "seqrnn_ner":
        spacy.blank("en")  # which is what registers factories
        options = set(signature(registry.factories.get(name)).parameters) - {"nlp", "name"}
    else:
        kinds = (registry.callbacks, registry.loggers, registry.architectures)
        kind = next(kind for kind in kinds if name in kind)
        options = set(signature(kind.get(name)).parameters) - {"nO"}
    outside_brackets = re.sub(r"\([^)]*\)", "", cell)
    assert {option for option in options if f"`{option}`" not in outside_brackets} == set()
