"""Run every block of Python, shell commands and config in these pages, in the order of its page.

Each page has its own folder beside a link to this repository, as at the start of the tutorial.
"""

import os

# As in tests/conftest.py, before torch is imported
os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

from tests.docs.blocks import environment, look_up, run_shell
from tests.docs.pipelines import pipelines  # noqa: F401  # a fixture

ROOT = Path(__file__).parents[1]
# Pages with slow commands
SLOW = ("tutorial.md", "reading.md", "language-models.md")


@pytest.fixture(scope="module")
def workplace(
    tmp_path_factory: pytest.TempPathFactory,
    pipelines: Path,  # noqa: F811
) -> Iterator[Path]:
    """The folder in which the blocks of a page are run."""
    folder = tmp_path_factory.mktemp("workplace")
    (folder / "spacy-seqrnn").symlink_to(ROOT)
    (folder / "page" / "training").mkdir(parents=True)
    for name in ("ner", "sentiment"):
        (folder / "page" / "training" / name).symlink_to(pipelines / name)
    site = folder / "site"
    site.mkdir()  # before it is on the path, which caches that it is missing
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "page")
        patch.syspath_prepend(site)
        for name, value in environment(site).items():
            patch.setenv(name, value)
        yield folder / "page"
    sys.modules.pop("en_tutorial", None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark slow pages, as a block cannot have a mark."""
    for item in items:
        if item.path.parent == Path(__file__).parent and item.path.name in SLOW:
            item.add_marker(pytest.mark.slow)


pytest_collect_file = Sybil(
    parsers=[
        PythonCodeBlockParser(),
        CodeBlockParser("bash", run_shell),
        CodeBlockParser("ini", look_up),
    ],
    pattern="*.md",
    fixtures=["workplace"],
).pytest()
