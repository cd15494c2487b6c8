"""A plan for a thousand million documents, from the measured rates: `python -m
benchmarks.bulk.capacity`.

It reads the results of `benchmarks.bulk.local` and `benchmarks.bulk.memory`. What machines fail at
is an assumption, which the table says.
"""

from dataclasses import dataclass

from ..accuracy.results import markdown_table, replace_section
from .local import BYTES_READ, ONE, best
from .memory import NEW_WORDS
from .results import PAGE, read

DOCUMENTS = 1_000_000_000
CORES = [2, 16, 64, 256]  # workers
PART_MB = 64.0
# One failure in so many hours of a machine with so many cores: about one in six weeks
HOURS_BETWEEN_FAILURES, CORES_OF_A_MACHINE = 1000.0, 16
GIGABYTE, MEGABYTE, HOUR = 1e9, 1e6, 3600.0


@dataclass(frozen=True)
class Measured:
    """What a worker does: documents per second, bytes per document, and its megabytes."""

    rate: float
    bytes_read: float
    bytes_written: float
    megabytes: float


@dataclass(frozen=True)
class Plan:
    """What a number of workers needs for all documents.

    hours: of the whole run, with what failures repeat.
    core_hours: of all workers together.
    failures: of machines, as expected.
    repeated: minutes of one worker that they lose.
    """

    workers: int
    hours: float
    core_hours: float
    failures: float
    repeated: float


def measured() -> Measured:
    """Raises FileNotFoundError if a benchmark has not been run."""
    local, memory = read("local"), read(NEW_WORDS)
    one = best(local["sides"][ONE])
    size = max(megabytes for _, megabytes in memory["looks"]) / memory["workers"]
    rows = local["rows"]
    return Measured(one["rate"], local[BYTES_READ] / rows, one["bytes"] / rows, size)


def plan(of: Measured, workers: int, *, part_mb: float = PART_MB) -> Plan:
    """Every worker of a machine that fails does its part again, half of which was done."""
    seconds = DOCUMENTS / of.rate
    part_seconds = part_mb * MEGABYTE / of.bytes_read / of.rate
    core_hours = seconds / HOUR
    failures = core_hours / CORES_OF_A_MACHINE / HOURS_BETWEEN_FAILURES
    lost = failures * min(workers, CORES_OF_A_MACHINE) * part_seconds / 2
    return Plan(workers, (seconds + lost) / workers / HOUR, core_hours, failures, lost / 60)


def write_page() -> None:
    """Write the page's table."""
    of = measured()
    rows = [
        [
            f"{each.workers}",
            f"{each.hours:,.1f}",
            f"{each.core_hours:,.0f}",
            f"{each.failures:.2f}",
            f"{each.repeated:.1f}",
        ]
        for each in (plan(of, workers) for workers in CORES)
    ]
    header = ["workers", "hours", "core hours", "failures", "core minutes done twice"]
    size = of.bytes_read * DOCUMENTS
    text = (
        f"For {DOCUMENTS:,} documents of {of.bytes_read:.0f} bytes, at the {of.rate:,.0f} "
        f"documents/s of one worker: {size / GIGABYTE:,.0f} GB of text to read, "
        f"{of.bytes_written * DOCUMENTS / GIGABYTE:,.0f} GB to write, "
        f"{size / MEGABYTE / PART_MB:,.0f} parts with `--part-mb {PART_MB:.0f}`, and "
        f"{of.megabytes:,.0f} MB of memory for each worker. Assumed: a machine of "
        f"{CORES_OF_A_MACHINE} cores fails once in {HOURS_BETWEEN_FAILURES:,.0f} hours, and the "
        "parts of its workers are done again."
    )
    replace_section(PAGE, "capacity", f"{text}\n\n{markdown_table(header, rows)}")


if __name__ == "__main__":
    write_page()
