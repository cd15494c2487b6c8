"""The table and the picture of docs/language-models.md, from the saved results."""

from pathlib import Path
from statistics import mean
from typing import Any

import srsly

from spacy_seqrnn.draw.svg import as_svg, new_figure, style

from ..accuracy.results import environment_line, markdown_table, replace_section, spread

RESULTS = Path(__file__).parent / "results" / "agreement.json"
PAGE = Path("docs/language-models.md")
PICTURE = Path("docs/pictures/agreement.svg")
# On which sentences a model was trained
ONE, ALL = "this distance only", "all distances"
TITLES = {"rnn": "plain RNN", "gru": "GRU", "lstm": "LSTM"}
LINES = {ONE: "o-", ALL: "s:"}
MARKERS = [10, 7, 4]  # sizes: lines that coincide can be told apart


def keep(found: dict[str, Any]) -> None:
    """Save the results."""
    RESULTS.parent.mkdir(exist_ok=True)
    srsly.write_json(RESULTS, found)


def kept() -> dict[str, Any]:
    """The saved results."""
    found: dict[str, Any] = srsly.read_json(RESULTS)
    return found


def write_page() -> None:
    """Write the page's table, and the picture."""
    replace_section(PAGE, "agreement", table())
    PICTURE.write_text(draw() + "\n", encoding="utf8")


def table() -> str:
    """Mean and deviation over seeds of the share of right verbs, with the machine below."""
    found = kept()
    results = found["results"]
    steps = distances(results)
    rows = []
    for kind in (ONE, ALL):
        for cell, title in TITLES.items():
            cells = [spread(shares(results, kind, cell, distance)) for distance in steps]
            rows.append([f"{title}, {kind}", *cells, f"{weights(results, cell):,}"])
    header = ["right verbs in %, trained on", *(f"{n} words" for n in steps), "weights"]
    note = f"Measured on: {environment_line([found])}."
    return f"{markdown_table(header, rows)}\n\n{note}"


def distances(results: list[dict[str, Any]]) -> list[int]:
    """How many words are between subject and verb, ascending."""
    return sorted({int(distance) for result in results for distance in result["right"]})


def shares(results: list[dict[str, Any]], kind: str, cell: str, distance: int) -> list[float]:
    """The share of right verbs of each seed, in percent."""
    own = [r for r in results if (r["trained on"], r["cell"]) == (kind, cell)]
    return [r["right"][str(distance)] for r in own if str(distance) in r["right"]]


def weights(results: list[dict[str, Any]], cell: str) -> int:
    """The weights of a cell's layer."""
    (found,) = {r["weights"] for r in results if r["cell"] == cell}
    return int(found)


def draw() -> str:
    """The mean share of right verbs by distance, two lines for each cell."""
    results = kept()["results"]
    steps = distances(results)
    with style():
        figure = new_figure(7.0, 4.0)
        panel = figure.subplots()
        for kind, line in LINES.items():
            for number, (cell, title) in enumerate(TITLES.items()):
                means = [mean(shares(results, kind, cell, distance)) for distance in steps]
                options = {"color": f"C{number}", "label": f"{title}, {kind}"}
                panel.plot(steps, means, line, markersize=MARKERS[number], **options)
        panel.set(xlabel="words between subject and verb", ylabel="right verbs in %")
        panel.set(xticks=steps, ylim=(0, 105))
        panel.grid(True)
        figure.legend(loc="outside lower center", ncols=2)
        return as_svg(figure)
