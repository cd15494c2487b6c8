"""Write docs/mutation.md from the last run of mutmut and the reasons in survivors.toml.

`make mutation` runs both.
"""

import json
import tomllib
from pathlib import Path

from mutmut.configuration import config
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.utils.format_utils import orig_function_and_class_names_from_key

from .accuracy.results import markdown_table

PAGE = Path("docs/mutation.md")
REASONS = Path(__file__).parent / "survivors.toml"
# The ways in which a test run detects a mutant: by a failure, or by never ending
NOTICED = ("killed", "timeout", "segfault")
INTRODUCTION = """\
# Do the tests notice?

Each module of the table was changed in many small ways, one at a time: a sign turned, a number
raised, an argument left out. A test that fails kills such a mutant. One that survives is either not
tested or makes no difference, so every survivor stands below with the reason why it may live.

`make mutation` runs [mutmut](https://mutmut.readthedocs.io) and writes this page. Its settings
are in `pyproject.toml`, the reasons in `benchmarks/survivors.toml`. Decorated functions and what
stands outside of functions are not mutated, because mutmut cannot."""


def main() -> None:
    """Replace the page, and report reasons that no longer have a survivor."""
    reasons = tomllib.loads(REASONS.read_text(encoding="utf8"))
    paths = [path for path in walk_mutatable_files() if config().should_mutate(path)]
    statuses = {path: read_statuses(path) for path in sorted(paths)}
    survivors = [
        (function_of(path, name), change_of(get_diff_for_mutant(name, path=path)))
        for path, of_module in statuses.items()
        for name, status in of_module.items()
        if status not in NOTICED
    ]
    PAGE.write_text(page(statuses, survivors, reasons), encoding="utf8")
    for function, changes in reasons.items():
        for change in changes:
            if (function, change) not in survivors:
                print(f"No longer a survivor: {change} in {function}. Remove it from {REASONS}.")


def read_statuses(path: Path) -> dict[str, str]:
    """The outcome of the tests for each mutant of a module, by its name.

    Raises ValueError if a mutant was not run, so that the page never reports a partial run.
    """
    codes = json.loads(Path("mutants", f"{path}.meta").read_text())["exit_code_by_key"]
    if None in codes.values():
        raise ValueError(f"Not all mutants of {path} were run: let `mutmut run` finish.")
    return {name: status_by_exit_code[code] for name, code in codes.items()}


def function_of(path: Path, name: str) -> str:
    """A mutant's function as module.function or module.Class.method."""
    function, class_name = orig_function_and_class_names_from_key(name)
    return ".".join(part for part in (path.stem, class_name, function) if part)


def change_of(diff: str) -> str:
    """The changed code of a mutant, on one line; the removed code, if it only removes some."""
    lines = [line for line in diff.split("\n") if not line.startswith(("---", "+++"))]
    added = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
    removed = " ".join(line[1:].strip() for line in lines if line.startswith("-"))
    return added or f"without: {removed}"


def page(
    statuses: dict[Path, dict[str, str]],
    survivors: list[tuple[str, str]],
    reasons: dict[str, dict[str, str]],
) -> str:
    """The whole page."""
    rows = []
    for path, of_module in statuses.items():
        killed = sum(status in NOTICED for status in of_module.values())
        share = f"{100 * killed / len(of_module):.1f}"
        rows.append([f"`{path}`", str(len(of_module)), str(killed), share])
    counts = markdown_table(["module", "mutants", "killed", "%"], rows)
    lines = ["| function | what it reads instead | why it may live |", "| --- | --- | --- |"]
    for function, change in survivors:
        reason = reasons.get(function, {}).get(change, "**nobody has looked at it yet**")
        code = change.replace("|", "\\|")
        lines.append(f"| `{function}` | `{code}` | {reason} |")
    return "\n\n".join([INTRODUCTION, counts, "## Survivors", "\n".join(lines)]) + "\n"


if __name__ == "__main__":
    main()
