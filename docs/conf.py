"""How Sphinx builds the documentation: `make docs`.

The pages need no network: formulas are MathML, and nothing is loaded from elsewhere.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, TypeVar

import spacy_seqrnn.types
from spacy_seqrnn.about import __title__, __version__

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extensions"))

# For a type checker, arrays have any type; readers want to see which. This has to happen before
# the modules that use the names are imported.
for alias in ("Floats1d", "Floats2d", "FloatsXd", "Ints1d", "Bools2d"):
    setattr(spacy_seqrnn.types, alias, TypeVar(alias))

project = __title__
version = release = __version__
author = "spacy-seqrnn contributors"
html_title = f"{project} {version}"
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["pages.css"]
html_copy_source = False
html_show_copyright = False
html_show_search_summary = False  # else a search without a server would fail to read the pages
exclude_patterns = ["build"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "docstrings",
    "mathml",
]
html_math_renderer = "mathml"
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_fence_as_directive = ["math"]  # as GitHub displays them
myst_heading_anchors = 3
autodoc_typehints = "description"
autodoc_typehints_format = "short"
autodoc_typehints_description_target = "all"
autodoc_member_order = "bysource"
autoclass_content = "both"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
default_role = "literal"  # docstrings have code in single backquotes

# GitHub links to files outside of this folder, and where the pages find them
MOVED = {"](../SECURITY.md)": "](security.md)"}
# The same for the page that `spacy project document` writes for the top of the repository
MOVED_FROM_TOP = {"](project.yml)": "](../project.yml)", "](assets/": "](../assets/"}


def link_within(app: Any, name: str, source: list[str]) -> None:
    """Point links to the pages that include files from outside of this folder."""
    source[0] = replaced(source[0], MOVED)


def link_from_top(app: Any, path: Path, page: str, source: list[str]) -> None:
    """Point the links of an included file to where they lead from the top of the repository."""
    if path.name == "PROJECT.md":
        source[0] = replaced(source[0], MOVED_FROM_TOP)


def replaced(text: str, changes: dict[str, str]) -> str:
    """The text with each key replaced by its value."""
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def write_commands(app: Any) -> None:
    """Let Typer describe the commands."""
    command = [sys.executable, "-m", "typer", "--app", "seqrnn_cli", "spacy_seqrnn.cli"]
    command += ["utils", "docs", "--name", "spacy seqrnn"]
    text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    # Remove the list of options and commands: Typer's own options, and truncated sentences.
    text = text[: text.index("**Usage**")] + text[text.index("## `") :]
    # An option named in another option's help is code too, or its dashes would become a long one.
    text = re.sub(r"(?<=[ (])--[\w-]+", r"`\g<0>`", text)
    (HERE / "reference" / "commands.md").write_text(text, encoding="utf8")


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("builder-inited", write_commands)
    app.connect("source-read", link_within)
    app.connect("include-read", link_from_top)
