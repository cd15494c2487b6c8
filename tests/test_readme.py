"""The code in the README and on the page on configuration works as shown."""

import re
from importlib.metadata import distribution
from inspect import signature
from pathlib import Path

import pytest
import spacy
from spacy.training import Example
from spacy.util import load_config_from_str, load_model_from_config, registry

from benchmarks.readme import tables
from spacy_seqrnn.cli import seqrnn_cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf8")
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text(encoding="utf8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)


def option_rows() -> list[tuple[str, str]]:
    """Name and cell of each row of the table of options."""
    rows = re.findall(r"^\| (?:factory )?`([^`]+)` \| (.*) \|$", CONFIGURATION, flags=re.MULTILINE)
    return [row for row in rows if "seqrnn" in row[0]]


def test_it_is_short() -> None:
    lines = README.splitlines()
    assert len(lines) <= 150
    assert max(len(line) for line in lines if not line.startswith("|")) <= 115


def test_every_file_that_it_links_to_is_there() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize(("name", "table"), tables().items())
def test_its_tables_are_those_of_the_results(name: str, table: str) -> None:
    assert README.split(f"<!-- {name} -->\n")[1].split(f"\n<!-- /{name} -->")[0] == table


def test_its_python_finds_what_it_was_taught(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks(README, "python")
    exec(code, {})
    found = capsys.readouterr().out
    assert found.startswith("(Otto, Oslo) ")


@pytest.mark.parametrize("page", [README, CONFIGURATION], ids=["readme", "configuration"])
def test_config_trains(page: str) -> None:
    (text,) = blocks(page, "ini")
    nlp = load_model_from_config(load_config_from_str(text), auto_fill=True)
    example = Example.from_dict(nlp.make_doc("Oslo sleeps"), {"entities": [(0, 4, "LOC")]})
    optimizer = nlp.initialize(lambda: [example])
    for _ in range(20):
        nlp.update([example], sgd=optimizer)
    doc = nlp("Oslo sleeps")
    assert [entity.text for entity in doc.ents] == ["Oslo"]
    assert len(doc.spans["seqrnn_ner"].attrs["scores"]) == 1


def test_table_names_every_part() -> None:
    named = {name for name, _ in option_rows()}
    points = distribution("spacy-seqrnn").entry_points
    assert named == {point.name for point in points if point.group != "spacy_cli"}


def test_every_command_is_shown() -> None:
    names = {command.name for command in seqrnn_cli.registered_commands}
    code = "\n".join(blocks(README, "bash"))
    assert set(re.findall(r"^spacy seqrnn ([\w-]+)", code, re.MULTILINE)) == names


def test_every_recipe_is_named() -> None:
    recipes = {path.name for path in (ROOT / "configs").glob("*.cfg")}
    assert set(re.findall(r"\(\.\./configs/([\w.]+)\)", CONFIGURATION)) == recipes


@pytest.mark.parametrize(("name", "cell"), option_rows())
def test_table_names_every_option(name: str, cell: str) -> None:
    if name.startswith("seqrnn_"):
        spacy.blank("en")  # which is what registers factories
        options = set(signature(registry.factories.get(name)).parameters) - {"nlp", "name"}
    else:
        kinds = (
            *(registry.callbacks, registry.loggers, registry.architectures),
            *(registry.readers, registry.scorers, registry.augmenters),
        )
        kind = next(kind for kind in kinds if name in kind)
        options = set(signature(kind.get(name)).parameters) - {"nO"}
    outside_brackets = re.sub(r"\([^)]*\)", "", cell)
    assert {option for option in options if f"`{option}`" not in outside_brackets} == set()
