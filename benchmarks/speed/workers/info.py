"""A bare command of spaCy: `python -m benchmarks.speed.workers.info with|without`.

How long `python -m spacy info` takes in a new process, with this package's entry points or with
them hidden, as if the package were not installed.
"""

import subprocess
import sys

from .serve import serve, timed

HIDDEN = """
import importlib.metadata as metadata
import sys
found = metadata.distributions
metadata.distributions = lambda **kwargs: (
    d for d in found(**kwargs) if d.metadata["Name"] != "spacy-seqrnn"
)
"""
RUN = "sys.argv = ['spacy', 'info']; from spacy.cli import setup_cli; setup_cli()"


def main(installed: str) -> None:
    """Serve new processes."""
    code = {"with": "import sys\n", "without": HIDDEN}[installed] + RUN
    command = [sys.executable, "-c", code]
    run = lambda: subprocess.run(command, capture_output=True, check=True)  # noqa: E731
    serve(lambda: timed(run), 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
