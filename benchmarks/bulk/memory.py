"""Memory of the workers over a long run: `python -m benchmarks.bulk.memory MODEL CORPUS`.

With `--new-words`, every text has a word that no other text has, so that anything that keeps words
grows: far more of them than natural text has.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from spacy_seqrnn.bulk.manifest import FILE

from ..accuracy.results import environment_line, markdown_table, replace_section
from .results import PAGE, keep, read
from .texts import ID, TEXT, write_texts

ROWS = 5_000_000
WORKERS = 2
KNOWN_WORDS, NEW_WORDS = "memory", "memory-new-words"  # the results
SECONDS = 2.0  # between two looks
MEGABYTE = 1e6
Look = tuple[float, float]  # the share of the parts that are done, and megabytes of all workers


def main() -> None:
    """Run the command, look at its workers from time to time, and save the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--new-words", action="store_true")
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        texts, output = Path(name, "texts.parquet"), Path(name, "out")
        write_texts(options.corpus, options.rows, texts, new_words=options.new_words)
        command = [sys.executable, "-m", "spacy", "seqrnn", "annotate", options.model, str(texts)]
        command += [str(output), "--text-column", TEXT, "--id-column", ID, "-w", str(WORKERS)]
        with subprocess.Popen(command) as process:
            looks: list[Look] = []
            while process.poll() is None:
                time.sleep(SECONDS)
                looks.append((float(parts_done(output)), megabytes_of_workers(process.pid)))
        parts = parts_done(output)
    shares = [(round(done / parts, 4), round(size)) for done, size in looks]
    name = NEW_WORDS if options.new_words else KNOWN_WORDS
    keep(name, {"rows": options.rows, "workers": WORKERS, "looks": shares})
    write_page()


def parts_done(output: Path) -> int:
    """The lines of the manifest but its first."""
    path = output / FILE
    return max(0, path.read_bytes().count(b"\n") - 1) if path.exists() else 0


def megabytes_of_workers(parent: int) -> float:
    """Resident memory of all processes that a process has started. Linux only."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return sum(map(_megabytes, children))


def _megabytes(process: str) -> float:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        return sum(int(line.split()[1]) * 1024 / MEGABYTE for line in lines if "VmRSS" in line)
    except FileNotFoundError:  # it has just ended
        return 0.0


def write_page() -> None:
    """Write the page's table from the results."""
    results = {"in the texts of a corpus": read(KNOWN_WORDS), "one in each text": read(NEW_WORDS)}
    header = ["new words", "MB, first tenth", "MB, rest", "growth"]
    rows = [[name, *row(result["looks"])] for name, result in results.items()]
    workers, n_rows = (results["one in each text"][name] for name in ("workers", "rows"))
    note = (
        f"The most that {workers} workers use together while they annotate {n_rows:,} texts. "
        f"Measured on: {environment_line(list(results.values()))}."
    )
    replace_section(PAGE, "memory", f"{markdown_table(header, rows)}\n\n{note}")


def row(looks: list[Look]) -> list[str]:
    """The most megabytes of the first tenth and of the rest, and the growth."""
    early = max(size for share, size in looks if share <= 0.1)
    late = max(size for share, size in looks if share > 0.1)
    return [f"{early:,.0f}", f"{late:,.0f}", f"{(late / early - 1) * 100:+.1f} %"]


if __name__ == "__main__":
    main()
