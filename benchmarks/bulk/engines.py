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
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import spacy
from spacy.tokens import DocBin
from wasabi import msg

from spacy_seqrnn import annotator

from ..accuracy.results import write_result
from ..environment import describe_environment
from .jobs import ENGINES, WORKERS

RESULTS = Path(__file__).parent / "results"
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
    texts = read_texts(options.corpus)
    with TemporaryDirectory() as folder:
        write_texts(texts, options.rows, Path(folder) / "texts")
        write_texts(texts, FEW, Path(folder) / "few")
        found = {name: _in_new_process(name, options.model, folder) for name in options.engines}
    result = {"rows": options.rows, "workers": WORKERS, "engines": found}
    write_result({**result, "environment": environment()}, "engines", folder=RESULTS)


def read_texts(corpus: Path) -> list[str]:
    """The texts of a corpus."""
    return [doc.text for doc in DocBin().from_disk(corpus).get_docs(spacy.blank("xx").vocab)]


def write_texts(texts: list[str], n_rows: int, folder: Path) -> None:
    """Write Parquet files of texts, which are repeated until there are enough."""
    rows = pa.table({"id": range(n_rows), "text": list(islice(cycle(texts), n_rows))})
    folder.mkdir()
    size = -(-n_rows // FILES)
    for number, first in enumerate(range(0, n_rows, size)):
        pq.write_table(rows.slice(first, size), folder / f"{number:02}.parquet")


def _in_new_process(name: str, model: str, folder: str) -> dict[str, float]:
    command = [sys.executable, "-m", __spec__.name, "--measure", name, model, folder]
    # Without OMP_NUM_THREADS: what an engine sets belongs to the comparison.
    env = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    if name == "one process":
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


def environment() -> dict[str, Any]:
    """The machine, and the versions of the engines too."""
    packages = {package for engine in ENGINES.values() for package in engine.packages}
    engines = {package: version(package) for package in sorted({*packages, "pyarrow"})}
    return {**describe_environment(), **engines}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(sys.argv[2], sys.argv[3], Path(sys.argv[4]))))
    else:
        main()
