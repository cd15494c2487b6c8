"""How long each engine takes: `python -m benchmarks.bulk.engines MODEL CORPUS`.

CORPUS is a `.spacy` file, whose texts are repeated. Each engine runs in its own process, with two
workers. `start` is the time from nothing until a few texts are annotated: workers have been started
and have loaded the pipeline. `annotate` is the time for all texts after that.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
from wasabi import msg

from spacy_seqrnn import annotator

from ..accuracy.results import environment_line, markdown_table, replace_section
from .jobs import ENGINES, OWN
from .results import PAGE, keep, read
from .texts import write_texts

FILES = 16
FEW = 32  # texts, two for each file


def main() -> None:
    """Measure the engines that the command line asks for, and save the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="folder or package of a pipeline")
    parser.add_argument("corpus", type=Path, help="a .spacy file with texts")
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES))
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        write_files(options.corpus, options.rows, Path(folder) / "texts")
        write_files(options.corpus, FEW, Path(folder) / "few")
        found = {name: _in_new_process(name, options.model, folder) for name in options.engines}
    packages = {package for engine in ENGINES.values() for package in engine.packages}
    versions = {package: version(package) for package in sorted(packages)}
    keep("engines", {"rows": options.rows, "versions": versions, "engines": found})
    write_page()


def write_files(corpus: Path, n_rows: int, folder: Path) -> None:
    """Write the texts in several files, as the engines divide them among workers by files."""
    folder.mkdir()
    rows = folder.with_suffix(".parquet")
    write_texts(corpus, n_rows, rows)
    table = pq.read_table(rows)
    size = -(-n_rows // FILES)
    for number, first in enumerate(range(0, n_rows, size)):
        pq.write_table(table.slice(first, size), folder / f"{number:02}.parquet")


def _in_new_process(name: str, model: str, folder: str) -> dict[str, float]:
    command = [sys.executable, "-m", __spec__.name, "--measure", name, model, folder]
    # Without OMP_NUM_THREADS: what an engine sets belongs to the comparison.
    env = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    if name in ("one process", OWN):
        env["OMP_NUM_THREADS"] = "1"
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    msg.text(f"{name}: {found}")
    return found


def measure(name: str, model: str, folder: Path) -> dict[str, float]:
    """The seconds that an engine takes to start, and then to annotate all texts."""
    engine = ENGINES[name]
    annotate = annotator(model, id_column="id")
    begin = time.perf_counter()
    with engine.start() as session:
        engine.run(session, annotate, folder / "few", folder / f"{name}-few")
        ready = time.perf_counter()
        engine.run(session, annotate, folder / "texts", folder / name)
        end = time.perf_counter()
    return {"start": round(ready - begin, 2), "annotate": round(end - ready, 2)}


def write_page() -> None:
    """Write the page's table from the result."""
    result = read("engines")
    own = result["engines"][OWN]["annotate"]
    rows = [
        [
            name,
            f"{found['annotate']:.0f}",
            f"{found['annotate'] / own:.2f}",
            f"{found['start']:.0f}",
        ]
        for name, found in result["engines"].items()
    ]
    table = markdown_table(["", "seconds", f"times {OWN}", "seconds to start"], rows)
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    line = f"Measured on: {environment_line([result])}, {versions}; {result['rows']:,} sentences."
    replace_section(PAGE, "engines", f"{table}\n\n{line}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(sys.argv[2], sys.argv[3], Path(sys.argv[4]))))
    else:
        main()
