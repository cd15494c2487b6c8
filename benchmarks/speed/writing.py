"""How long it takes to write predictions to a file: `python -m benchmarks.speed.writing`.

Each way runs in its own process that loads the pipeline and reads and writes 10,000 short texts:
`spacy apply`, and `nlp.pipe` in a program. Also measures a single call of the function that
serialises every part of a document, counts the entry points that it searches, and writes the table
of a page.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import distributions
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import spacy
import srsly
from srsly.msgpack import Packer

from ..accuracy.results import environment_line, markdown_table, replace_section
from .pipelines import NER, documents, pipeline
from .results import RESULTS, keep

PAGE = Path("docs/serving.md")

TEXTS = 10_000
ROUNDS = 2
CALLS = 1000
Command = list[str]


def main() -> None:
    """Measure all ways, save the seconds and write the table."""
    os.environ["OMP_NUM_THREADS"] = "1"
    with TemporaryDirectory() as folder:
        commands = ways(pipeline("ner-efficiency"), Path(folder))
        runs = [{name: seconds(line) for name, line in commands.items()} for _ in range(ROUNDS)]
    best = {name: round(min(run[name] for run in runs), 1) for name in commands}
    result = {
        "texts": TEXTS,
        "seconds": best,
        "entry_points": sum(len(each.entry_points) for each in distributions()),
        "milliseconds_of_a_call": milliseconds(partial(srsly.msgpack_dumps, {})),
        "milliseconds_with_a_packer_kept": milliseconds(partial(Packer().pack, {})),
    }
    keep("writing", result)
    write_page()


def write_page() -> None:
    """Write the page's table from the result."""
    result = srsly.read_json(RESULTS / "writing.json")
    rows = [[name, f"{seconds:.1f}"] for name, seconds in result["seconds"].items()]
    table = markdown_table([f"{result['texts']:,} short texts", "seconds of the processor"], rows)
    call, kept = result["milliseconds_of_a_call"], result["milliseconds_with_a_packer_kept"]
    packing = (
        f"To pack nothing takes {call:.2f} ms with {result['entry_points']} entry points, and "
        f"{kept} ms with a packer that is kept."
    )
    note = f"Measured on: {environment_line([result])}."
    replace_section(PAGE, "writing", f"{table}\n\n{packing} {note}")


def ways(model: Path, folder: Path) -> dict[str, Command]:
    """The command lines that are compared."""
    texts = (row["text"] for row in cycle(srsly.read_json(documents(NER))))
    srsly.write_jsonl(folder / "in.jsonl", ({"text": text} for text in islice(texts, TEXTS)))
    config = {"components": {"seqrnn_ner": {"spans_key": None}}}
    spacy.load(model, config=config).to_disk(folder / "no_group")

    def apply(path: Path, *options: str) -> Command:
        files = [str(folder / "in.jsonl"), str(folder / "out.spacy"), "--force"]
        return [sys.executable, "-m", "spacy", "apply", str(path), *files, *options]

    def program(form: str) -> Command:
        files = [str(model), str(folder / "in.jsonl"), str(folder / f"out.{form}")]
        return [sys.executable, "-m", "benchmarks.speed.workers.write", *files]

    return {
        "spacy apply": apply(model),
        "spacy apply --batch-size 256": apply(model, "--batch-size", "256"),
        "the same with --n-process 2": apply(model, "--batch-size", "256", "--n-process", "2"),
        "the same, spans_key = null": apply(folder / "no_group", "--batch-size", "256"),
        "nlp.pipe and DocBin": program("spacy"),
        "nlp.pipe and JSON lines": program("jsonl"),
    }


def seconds(command: Command) -> float:
    """Processor seconds of a command and the processes that it starts."""
    start = os.times()
    subprocess.run(command, check=True, capture_output=True)
    end = os.times()
    return end.children_user + end.children_system - start.children_user - start.children_system


def milliseconds(call: Callable[[], Any]) -> float:
    """Processor time of one call."""
    start = time.process_time()
    for _ in range(CALLS):
        call()
    return round((time.process_time() - start) * 1000 / CALLS, 4)


if __name__ == "__main__":
    main()
