"""The commands of project.yml."""

import subprocess
import sys


def run_project(command: str, *options: str) -> None:
    """Run one of them. Raises CalledProcessError if it fails."""
    line = [sys.executable, "-m", "spacy", "project", "run", command, ".", *options]
    subprocess.run(line, check=True)
