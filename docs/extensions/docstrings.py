"""This project's docstrings as Sphinx fields.

    name: what it is.
    Returns what comes back. Raises ValueError if something cannot work.

Such lines form paragraphs after the description. A name counts as a parameter only if the object
has a parameter or field of that name.
"""

import re
from collections.abc import Iterator
from inspect import Parameter, signature
from typing import Any

ENTRY = re.compile(r"(\w+(?:, \w+)*): +(?=\S)")
RESULT = re.compile(r"(?:Returns|Raises (\w+)) ")


def process(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Rewrite a docstring in place. Connected to `autodoc-process-docstring`."""
    names = names_of(obj)
    paragraphs = "\n".join(lines).strip().split("\n\n")
    rewritten = [rewrite(paragraph, names) for paragraph in paragraphs]
    # Fields have to come last, or the text after them would belong to the last one.
    texts = [text for text in rewritten if not text.startswith(":")]
    fields = [text for text in rewritten if text.startswith(":")]
    lines[:] = "\n\n".join([*texts, "\n".join(fields), ""]).split("\n")


def names_of(obj: Any) -> set[str]:
    """Parameters of a function, fields of a dataclass, annotated attributes of a class."""
    try:
        parameters = signature(obj).parameters.values()
    except (TypeError, ValueError):
        return set()
    attributes = set(getattr(obj, "__annotations__", {})) if isinstance(obj, type) else set()
    return attributes | {p.name for p in parameters if p.kind is not Parameter.VAR_KEYWORD}


def rewrite(paragraph: str, names: set[str]) -> str:
    """A paragraph of entries as fields; any other unchanged."""
    # A sentence on errors may follow in the middle of a line.
    lines = paragraph.replace(". Raises ", ".\nRaises ").splitlines()
    if not RESULT.match(lines[0]) and not described(lines[0], names):
        return paragraph
    return "\n".join(field for line in lines for field in as_fields(line, names))


def as_fields(line: str, names: set[str]) -> Iterator[str]:
    """The line with its field mark; a continuation of the previous entry is indented."""
    found = described(line, names)
    result = RESULT.match(line)
    for name in found:
        yield f":param {name}: {ENTRY.sub('', line, count=1)}"
    if result:
        text = line[result.end() :]
        yield f":raises {result[1]}: {text}" if result[1] else f":returns: {text}"
    elif not found:
        yield f"    {line.strip()}"


def described(line: str, names: set[str]) -> list[str]:
    """The parameters that a line describes."""
    entry = ENTRY.match(line)
    found = entry[1].split(", ") if entry else []
    return found if names.issuperset(found) else []


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
