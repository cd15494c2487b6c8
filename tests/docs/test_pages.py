"""The pages' statements about this repository are true."""

import ast
import re
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest

from benchmarks.accuracy.ablation_page import all_results, chance_table, encoder_table
from benchmarks.accuracy.table import own_table
from benchmarks.accuracy.table import table as accuracy_table
from benchmarks.agreement.table import ALL, ONE, TITLES, distances, kept, shares, weights
from benchmarks.agreement.table import table as agreement_table
from benchmarks.lm.table import table as lm_table
from benchmarks.speed.table import table as speed_table
from spacy_seqrnn import __all__ as public_names

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for path in (ROOT / "docs").rglob("*.md") if "build" not in path.parts)
TEST = re.compile(r"(tests/[\w/]+\.py)(?:::(\w+))?")
NAMED = [(page.name, *found) for page in PAGES for found in TEST.findall(page.read_text("utf8"))]


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("page", "file", "test"), sorted(set(NAMED)))
def test_named_tests_exist(page: str, file: str, test: str) -> None:
    assert (ROOT / file).is_file(), page
    assert not test or test in functions(ROOT / file), page


@pytest.mark.parametrize("page", ["equations.md", "crf.md", "poolings.md"])
def test_each_part_has_formula_code_and_paper(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf8")
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        if "What each takes" not in section:
            assert "```math" in section, section
            assert "{literalinclude} ../spacy_seqrnn/" in section, section


def test_shown_tests_are_those_that_are_named() -> None:
    shown = re.compile(r"Test: `(tests/\S+\.py)::(\w+)`.*?^:::$", flags=re.DOTALL | re.MULTILINE)
    for page in PAGES:
        for found in shown.finditer(page.read_text(encoding="utf8")):
            block = f"```{{literalinclude}} ../{found[1]}\n:pyobject: {found[2]}\n```"
            assert block in found[0]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_rows_of_tables_have_as_many_cells_as_their_head(page: Path) -> None:
    """A row with more, or with an empty cell before its first, would lose a cell on the page."""
    tables = re.findall(r"(?:^\|.*\n)+", page.read_text(encoding="utf8"), flags=re.MULTILINE)
    for head, *rows in map(str.splitlines, tables):
        n_cells = {len(re.findall(r"(?<!\\)\|", re.sub("`[^`]*`", "", row))) for row in rows}
        assert n_cells == {head.count("|")}, head
        assert not any(row.startswith("||") for row in rows), head


def shown_table(page: str, name: str) -> str:
    text = (ROOT / "docs" / page).read_text(encoding="utf8")
    return text.split(f"<!-- {name} -->\n")[1].split(f"\n<!-- /{name} -->")[0]


@pytest.mark.parametrize(("name", "table"), [("chance", chance_table), ("encoders", encoder_table)])
def test_measured_tables_are_those_of_the_results(name: str, table: Callable[..., Any]) -> None:
    assert shown_table("encoders.md", name) == table(all_results())


@pytest.mark.parametrize(("name", "table"), [("accuracy", accuracy_table), ("speed", speed_table)])
def test_long_tables_are_those_of_the_results(name: str, table: Callable[..., Any]) -> None:
    assert shown_table(f"{name}.md", name) == table()


def test_the_table_of_own_vectors_is_that_of_the_results() -> None:
    assert shown_table("accuracy.md", "own") == own_table()


def test_the_table_of_agreement_is_that_of_the_results() -> None:
    assert shown_table("language-models.md", "agreement") == agreement_table()


def test_what_is_said_of_agreement_is_what_the_results_say() -> None:
    """The sentences of docs/language-models.md on gates and on the GRU."""
    results = kept()["results"]
    steps = distances(results)
    learned = {
        cell: [mean(shares(results, ONE, cell, distance)) for distance in steps] for cell in TITLES
    }
    longest = {cell: steps[sum(share > 90 for share in learned[cell]) - 1] for cell in TITLES}
    assert longest == {"rnn": 4, "gru": 16, "lstm": 16}
    assert all(shares_of[-1] < 60 for shares_of in learned.values())
    for cell in TITLES:
        assert all(min(shares(results, ALL, cell, distance)) > 99 for distance in steps)
    assert 4 * weights(results, "gru") == 3 * weights(results, "lstm")
    seconds = {cell: sum(r["seconds"] for r in results if r["cell"] == cell) for cell in TITLES}
    assert seconds["gru"] / seconds["lstm"] == pytest.approx(1.0, abs=0.05)
    for distance in steps:
        gru, lstm = (shares(results, ONE, cell, distance) for cell in ("gru", "lstm"))
        assert abs(mean(gru) - mean(lstm)) <= max(stdev(gru), stdev(lstm))


def test_the_table_of_language_models_is_that_of_the_results() -> None:
    assert shown_table("language-models.md", "lm") == lm_table()


def test_every_public_name_is_listed() -> None:
    text = (ROOT / "docs" / "reference" / "names.md").read_text(encoding="utf8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert set(re.findall(r"`(\w+)`", "\n".join(rows))) == set(public_names)


def verdicts(group: str) -> list[str]:
    """The verdicts on a group of variants in the table of the advice on encoders."""
    rows = [
        row for row in encoder_table(all_results()).splitlines() if row.startswith(f"| {group}")
    ]
    assert rows
    return [cell.strip() for row in rows for cell in row.split("|")[2:-1] if cell.strip()]


def test_advice_on_encoders_is_what_the_results_say() -> None:
    """The sentences of docs/encoders.md that depend on a number in the table."""
    better = [cell for cell in verdicts("") if re.match(r"\+.*, a difference$", cell)]
    assert better == verdicts("Depth: depth 3, residual")[:1]  # on entities
    entities, sentiment = verdicts("Cell: GRU")
    assert re.match(r"\+.*, (a hint|nothing)$", entities)
    assert re.match(r"-.*, (a hint|nothing)$", sentiment)
    assert all(re.match(r"-.*, a difference$", cell) for cell in verdicts("Cell: plain RNN"))
    entities, sentiment = verdicts("Direction: left to right only |")
    assert re.match(r"-.*, a difference$", entities)
    assert sentiment.endswith("nothing")
    assert not [cell for cell in verdicts("Pooling") if cell.endswith("a difference")]
    assert all(cell.endswith("nothing") for cell in verdicts("Decoder"))
