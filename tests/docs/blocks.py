"""How the code blocks of the documentation are run."""

import json
import os
import shlex
import subprocess
import sys
from configparser import RawConfigParser
from importlib import invalidate_caches
from pathlib import Path

from spacy.cli._util import app
from spacy.util import registry
from sybil import Example
from typer.testing import CliRunner

# Training ends after a few steps: tests do not repeat the scores of a page.
SHORTER = ["--training.max_steps", "40", "--training.eval_frequency", "20"]


def run_shell(example: Example) -> None:
    """Run a block of shell commands, one after the other, in the working folder."""
    for line in example.parsed.replace("\\\n", " ").splitlines():
        if line.strip():
            run_line(line)
    invalidate_caches()  # a block of Python may import what was installed


def run_line(line: str) -> None:
    """spaCy's commands run in this process, which saves starting a new one."""
    words = shlex.split(line)
    if words[:3] == ["python", "-m", "spacy"]:
        run_spacy(words[3:])
        return
    done = subprocess.run(
        ["bash", "-c", line],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


def run_spacy(words: list[str]) -> None:
    registry.cli.get_all()  # as `python -m spacy` does it
    result = CliRunner().invoke(app, [*words, *(SHORTER if words[0] == "train" else [])])
    assert result.exit_code == 0, (words, result.output, result.exception)


def look_up(example: Example) -> None:
    """Find every function that a block of a config names."""
    config = RawConfigParser()
    config.read_string(example.parsed)
    for section in config.sections():
        for kind, name in config.items(section):
            if kind.startswith("@"):
                getattr(registry, kind[1:]).get(json.loads(name))


def environment(site: Path) -> dict[str, str]:
    """Make `pip` install to a folder, without asking an index, from this environment."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {"PATH": path, "PIP_TARGET": str(site), "PIP_NO_INDEX": "1"}
