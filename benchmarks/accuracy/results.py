"""The files of results, and the places in the documentation that are written from them."""

from pathlib import Path
from statistics import mean, stdev
from typing import Any

import srsly

RESULTS = Path(__file__).parent / "results"


def write_result(result: dict[str, Any], *parts: str | int, folder: Path = RESULTS) -> None:
    """Save one result in a file that is named after its parts."""
    folder.mkdir(exist_ok=True)
    srsly.write_json(folder / f"{'-'.join(map(str, parts))}.json", result)


def read_results(**wanted: Any) -> list[dict[str, Any]]:
    """All results that have these values, by file name."""
    results = [srsly.read_json(path) for path in sorted(RESULTS.glob("*.json"))]
    return [r for r in results if all(r.get(name) == value for name, value in wanted.items())]


def spread(values: list[float]) -> str:
    """Mean and standard deviation, e.g. "90.9 ± 0.2"."""
    return f"{mean(values):.1f} ± {stdev(values):.1f}" if len(values) > 1 else f"{values[0]:.1f}"


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """A table; every column but the first is right-aligned."""
    lines = [header, ["---", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def replace_section(path: Path, name: str, text: str) -> None:
    """Put text between the comments `<!-- name -->` and `<!-- /name -->` of a page.

    Raises ValueError if the page has no such comments.
    """
    page = path.read_text(encoding="utf8")
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if start not in page or end not in page:
        raise ValueError(f"{path} has no place for the table: add the lines {start} and {end}.")
    before, after = page.split(start)[0], page.split(end)[1]
    path.write_text(f"{before}{start}\n{text}\n{end}{after}", encoding="utf8")


def environment_line(results: list[dict[str, Any]]) -> str:
    """Machine and versions of the results, each version once."""
    environments = [result["environment"] for result in results]
    names = [name for name in environments[0] if name not in ("machine", "spacy-seqrnn")]
    values = {name: sorted({str(e[name]) for e in environments}) for name in names}
    return ", ".join(f"{name.replace('_', ' ')} {'/'.join(v)}" for name, v in values.items())
