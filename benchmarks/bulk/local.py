"""`spacy seqrnn annotate` against `nlp.pipe`: `python -m benchmarks.bulk.local MODEL CORPUS`.

All sides read the sentences of a corpus, many times over, from one Parquet file, one after the
other. `nlp.pipe` has them in memory already, and drops its documents; its two processes, which are
much slower, read fewer. The start of a command is timed apart, as the same command over two texts.
Run nothing else at the same time.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import spacy
import torch
from tqdm import tqdm

from ..accuracy.results import environment_line, markdown_table, replace_section
from .results import PAGE, keep, read
from .texts import ID, TEXT, read_texts, write_texts

ROWS = 700_000  # 50 times the sentences of CoNLL-2003's training data
FEWER = 14  # the share of the rows that the two processes of `nlp.pipe` read
BYTES_READ = "bytes_read"  # of all texts
BATCH = 512  # documents at a time, on all sides
PIPE, ONE, TWO, PIPE_TWO = "`nlp.pipe`", "1 worker", "2 workers", "`nlp.pipe(n_process=2)`"


def main() -> None:
    """Measure all sides, save the result and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        sizes = {"all": options.rows, "few": options.rows // FEWER, "two": 2}
        for size, rows in sizes.items():
            write_texts(options.corpus, rows, folder / f"{size}.parquet")
        sides: dict[str, list[dict[str, float]]] = {}
        for _ in tqdm(range(options.rounds)):
            for side, found in measure(options.model, folder).items():
                sides.setdefault(side, []).append(found)
        total = sum(len(text.encode()) for text in read_texts(folder / "all.parquet"))
    about = {"rows": options.rows, "corpus": str(options.corpus), BYTES_READ: total}
    keep("local", {**about, "sides": sides})
    write_page()


def measure(model: str, folder: Path) -> dict[str, dict[str, float]]:
    """Seconds of each side, and documents per second once it has started."""
    return {
        PIPE: pipe(model, folder / "all.parquet", 1),
        ONE: annotate(model, folder, 1),
        TWO: annotate(model, folder, 2),
        PIPE_TWO: pipe(model, folder / "few.parquet", 2),
    }


def annotate(model: str, folder: Path, workers: int) -> dict[str, float]:
    """The command, from its start to its end."""
    with TemporaryDirectory() as output:
        start = _command(model, folder / "two.parquet", output, workers)
    with TemporaryDirectory() as output:
        seconds = _command(model, folder / "all.parquet", output, workers)
        size = sum(path.stat().st_size for path in Path(output).glob("*.parquet"))
    rows = len(read_texts(folder / "all.parquet"))
    return {"start": start, "seconds": seconds, "rate": rows / (seconds - start), "bytes": size}


def _command(model: str, texts: Path, output: str, workers: int) -> float:
    """Seconds of the command."""
    command = [sys.executable, "-m", "spacy", "seqrnn", "annotate", model, str(texts)]
    options = {"--text-column": TEXT, "--id-column": ID, "--workers": workers}
    options["--batch-size"] = BATCH
    command += [output, *(str(part) for option in options.items() for part in option)]
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def pipe(model: str, texts: Path, processes: int) -> dict[str, float]:
    """`nlp.pipe` over texts in memory, in a new process. Loading them is no part of it."""
    arguments = [model, str(texts), str(processes)]
    command = [sys.executable, "-c", "from benchmarks.bulk.local import run_pipe; run_pipe()"]
    found = subprocess.run([*command, *arguments], check=True, capture_output=True, text=True)
    seconds, rows = map(float, found.stdout.split()[-2:])
    return {"start": 0.0, "seconds": seconds, "rate": rows / seconds}


def run_pipe() -> None:
    """Print the seconds and the number of the documents that `nlp.pipe` has annotated."""
    model, path, processes = sys.argv[1:]
    torch.set_num_threads(1)
    nlp, texts = spacy.load(model), read_texts(Path(path))
    start = time.perf_counter()
    rows = sum(1 for _ in nlp.pipe(texts, batch_size=BATCH, n_process=int(processes)))
    print(time.perf_counter() - start, rows)


def best(found: list[dict[str, float]]) -> dict[str, Any]:
    """The fastest of some runs, as anything else on the machine only makes a run slower."""
    return max(found, key=lambda run: run["rate"])


def write_page() -> None:
    """Write the page's table from the result."""
    result = read("local")
    sides = {name: best(found) for name, found in result["sides"].items()}
    others = (PIPE, ONE, PIPE_TWO)
    header = ["", "documents/s", *(f"times {name}" for name in others), "seconds to start"]
    rows = [
        [
            name,
            f"{side['rate']:,.0f}",
            *(f"{side['rate'] / sides[other]['rate']:.2f}" for other in others),
            f"{side['start']:.1f}" if side["start"] else "",
        ]
        for name, side in sides.items()
    ]
    measured = f"{result['rows']:,} sentences of `{result['corpus']}`"
    line = f"Measured on: {environment_line([result])}; {measured}, best of several runs."
    replace_section(PAGE, "local", f"{markdown_table(header, rows)}\n\n{line}")


if __name__ == "__main__":
    main()
