"""The documentation builds without a warning, and its pages load nothing from elsewhere."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from spacy_seqrnn.cli import seqrnn_cli

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[2] / "docs"
# What a browser loads on its own when it displays a page
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data"}
LINKS = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "manifest"}


class Page(HTMLParser):
    """Addresses that a page loads, its pictures without a description, its formulas."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.undescribed: list[str] = []
        self.formulas = 0
        self.language: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if LOADED.get(tag) in values:
            self.addresses.append(values[LOADED[tag]])
        if tag == "link" and LINKS & set(values.get("rel", "").split()):
            self.addresses.append(values["href"])
        if tag == "img" and not values.get("alt", "").strip():
            self.undescribed.append(values["src"])
        if tag == "html":
            self.language = values.get("lang")
        self.formulas += tag == "math"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("html")
    options = ["--fail-on-warning", "--keep-going", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, DOCS, target],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return target


@pytest.fixture(scope="module")
def pages(built: Path) -> dict[str, Page]:
    """All pages except those of the source code."""
    found = [path.relative_to(built).as_posix() for path in built.rglob("*.html")]
    return {
        name: Page((built / name).read_text(encoding="utf8"))
        for name in found
        if not name.startswith("_modules/")
    }


def test_every_source_is_a_page(pages: dict[str, Page]) -> None:
    sources = [path.relative_to(DOCS) for path in DOCS.rglob("*.md") if "build" not in path.parts]
    assert {source.with_suffix(".html").as_posix() for source in sources} <= set(pages)


def test_nothing_is_loaded_from_elsewhere(built: Path, pages: dict[str, Page]) -> None:
    assert any(page.addresses for page in pages.values())
    for name, page in pages.items():
        assert [a for a in page.addresses if re.match(r"(\w+:)?//", a)] == [], name
    for sheet in built.rglob("*.css"):
        elsewhere = re.findall(r"(?:url\(|@import )[\"']?(?:\w+:)?//\S+", sheet.read_text("utf8"))
        assert elsewhere == [], sheet


def test_formulas_are_mathml(pages: dict[str, Page]) -> None:
    formulas = {name: page.formulas for name, page in pages.items() if page.formulas}
    assert {"equations.html", "crf.html", "poolings.html"} <= set(formulas)
    assert formulas["equations.html"] > 10


def test_pages_can_be_read_aloud(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        assert page.undescribed == [], name
        assert page.language == "en", name


def test_the_reference_has_parameters_results_and_errors(built: Path) -> None:
    text = re.sub(r"<[^>]+>", "", (built / "reference/architectures.html").read_text("utf8"))
    text = " ".join(text.split()).replace("\N{EN DASH}", "-")
    assert "word_dropout (float) - rate at which whole words are zeroed" in text
    assert "Raises: ValueError - for an option out of its range." in text
    assert "Model[list[Doc], list[Floats2d]]" in text


def test_every_command_is_in_the_reference(built: Path) -> None:
    page = (built / "reference/commands.html").read_text("utf8")
    for command in seqrnn_cli.registered_commands:
        assert f'id="spacy-seqrnn-{command.name}"' in page
