"""The names that `from spacy_seqrnn import ...` offers, and the cost of importing the package."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

PACKAGES = ["spacy_seqrnn", "spacy_seqrnn.explain"]
# Imports a package alone, and prints which modules that takes beside those of Python itself
PROGRAM = """
import sys

before = set(sys.modules)
import {package}
print(*sorted(set(sys.modules) - before))
"""
HEAVY = {"numpy", "spacy", "thinc", "torch", "typing"}


def for_type_checkers(package: str) -> dict[str, list[str]]:
    """The names that each module has, by the imports under `if TYPE_CHECKING`."""
    file = import_module(package).__file__
    assert file
    tree = ast.parse(Path(file).read_text(encoding="utf8"))
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {str(node.module): [alias.name for alias in node.names] for node in imports}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_is_what_its_module_defines(package: str) -> None:
    for module, names in import_module(package)._MODULES.items():
        for name in names:
            found = getattr(import_module(package), name)
            assert found is getattr(import_module(f"{package}.{module}"), name)
            assert found.__name__ == name


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_see_the_same_names(package: str) -> None:
    found = import_module(package)
    shown = {module: sorted(names) for module, names in for_type_checkers(package).items()}
    assert shown == {module: sorted(names) for module, names in found._MODULES.items()}
    named = {name for names in shown.values() for name in names}
    assert set(found.__all__) - {"__version__"} == named
    assert set(found.__all__) <= set(dir(found))


@pytest.mark.parametrize("package", PACKAGES)
def test_the_package_alone_imports_nothing_heavy(package: str) -> None:
    command = [sys.executable, "-S", "-c", PROGRAM.format(package=package)]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    imported = done.stdout.split()
    assert package in imported
    assert not {name.split(".")[0] for name in imported} & HEAVY


def test_names_that_there_are_not() -> None:
    with pytest.raises(ImportError, match="Nonsense"):
        exec("from spacy_seqrnn import Nonsense")
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        import_module("spacy_seqrnn").Nonsense  # noqa: B018
