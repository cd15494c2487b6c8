"""How the reference reads this project's docstrings."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

EXTENSION = Path(__file__).parents[2] / "docs" / "extensions" / "docstrings.py"
SPEC = importlib.util.spec_from_file_location("docstrings", EXTENSION)
assert SPEC
assert SPEC.loader
docstrings = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(docstrings)


def example(first: int, second: int = 1, third: int = 2) -> None:
    """Do something.

    first: what comes in,
        in two lines.
    second, third: numbers.

    other: this is no parameter.

    Returns a number. Raises ValueError if it cannot.

    More to say.
    """


def processed(obj: Callable[..., Any]) -> str:
    assert obj.__doc__
    lines = [line.strip() for line in obj.__doc__.splitlines()]
    docstrings.process(None, "function", "example", obj, None, lines)
    return "\n".join(lines)


def test_fields_of_a_function() -> None:
    assert processed(example).strip() == (
        "Do something.\n\nother: this is no parameter.\n\nMore to say.\n\n"
        ":param first: what comes in,\n    in two lines.\n"
        ":param second: numbers.\n:param third: numbers.\n"
        ":returns: a number.\n:raises ValueError: if it cannot."
    )


def test_what_has_no_entries_stays() -> None:
    assert docstrings.rewrite("One: two.\nThree.", {"first"}) == "One: two.\nThree."
    assert docstrings.names_of(3) == set()
