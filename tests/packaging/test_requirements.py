"""Everything imported is declared in setup.cfg, even if another package needs it too."""

import ast
import configparser
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
CONFIG = configparser.ConfigParser()
CONFIG.read(ROOT / "setup.cfg")
EXTRAS = CONFIG["options.extras_require"]
# What runs this repository and is not part of the package
FOLDERS = ("benchmarks", "docs", "examples", "scripts", "tests")
# In separate environments: the other libraries of `make peers`, the fuzzer of CONTRIBUTING.md, and
# the library that has a stand-in in tests/gpu
ELSEWHERE = {"atheris", "cupy", "cupyx", "flair", "joeynmt", "stanza"}
# What the package imports where a user wants it
OPTIONAL = ("inside", "bulk", "dask", "ray", "translation")
UNUSED = {"dask", "distributed"}  # users import it
# Distributions that may not be installed, such as those of an extra
DISTRIBUTIONS = {"mutmut": "mutmut", "playwright": "playwright"}


def imported(paths: list[Path]) -> dict[str, str]:
    """The top-level modules that files import from other packages, each with one such file."""
    found = {name: str(path.relative_to(ROOT)) for path in paths for name in imports_of(path)}
    own = {"spacy_seqrnn", *FOLDERS, *(path.stem for path in (ROOT / "scripts").glob("*.py"))}
    return {name: found[name] for name in found.keys() - sys.stdlib_module_names - own}


def imports_of(path: Path) -> Iterator[str]:
    """The first part of what a file imports by its full name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            assert node.module
            yield node.module.split(".")[0]


@cache
def distributions() -> dict[str, str]:
    """The distribution that has each module."""
    return {module: names[0] for module, names in packages_distributions().items()}


def distribution(module: str) -> str:
    """The distribution that a module comes from, as requirements name it."""
    return canonicalize_name(distributions().get(module) or DISTRIBUTIONS.get(module, module))


def declared(text: str) -> dict[str, Requirement]:
    """The requirements of an option of setup.cfg."""
    found = [Requirement(line) for line in text.splitlines() if line and line[0] not in "#"]
    return {canonicalize_name(each.name): each for each in found}


def test_every_import_of_the_package_is_declared() -> None:
    modules = imported(list((ROOT / "spacy_seqrnn").rglob("*.py")))
    names = {distribution(module) for module in modules}
    required = set(declared(CONFIG["options"]["install_requires"]))
    optional = {name for extra in OPTIONAL for name in declared(EXTRAS[extra])}
    assert {"spacy", "torch", "matplotlib", "pyarrow"} <= names
    assert names == required | (optional - UNUSED)
    assert not required & optional


def test_every_other_import_is_declared() -> None:
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    modules = imported([ROOT / "noxfile.py", *paths])
    extras = [EXTRAS[name] for name in ("dev", "mutation", "ray", "spark", "dask")]
    texts = [CONFIG["options"]["install_requires"], *extras]
    known = {name for text in texts for name in declared(text)}
    missing = {name: path for name, path in modules.items() if distribution(name) not in known}
    assert missing.keys() == ELSEWHERE, missing


@pytest.mark.parametrize("name", ["spacy", "thinc", "numpy", "srsly", "typer"])
def test_ranges_have_both_ends(name: str) -> None:
    specifiers = declared(CONFIG["options"]["install_requires"])[name].specifier
    assert {each.operator for each in specifiers} == {">=", "<"}


def test_the_pythons_that_are_tested_are_those_that_are_declared() -> None:
    tested = re.search(r"PYTHONS = (\[.*\])", (ROOT / "noxfile.py").read_text(encoding="utf8"))
    assert tested
    pythons = ast.literal_eval(tested[1])
    classifiers = CONFIG["metadata"]["classifiers"].splitlines()
    prefix = "Programming Language :: Python :: "
    assert [f"{prefix}{version}" for version in pythons] == [
        line for line in classifiers if line.startswith(f"{prefix}3.")
    ]
    assert CONFIG["options"]["python_requires"] == f">={pythons[0]}"
