"""The tests on every supported Python and with the lowest supported versions: `nox`.

`nox -s lowest` runs one session, `nox -- -m ""` the slow tests too. Pythons that are not installed
are skipped.
"""

import configparser
import re
from pathlib import Path

import nox

nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True
PYTHONS = ["3.11", "3.12", "3.13"]
ENVIRONMENT = {"OMP_NUM_THREADS": "1"}  # as in the Makefile


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The pinned environment."""
    # Torch first and separately, as in the Makefile.
    session.install("--constraint", "constraints.txt", "torch")
    session.install("--constraint", "constraints.txt", "--editable", ".[dev]")
    session.run("python", "-m", "pytest", *session.posargs, env=ENVIRONMENT)


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """The lowest versions that setup.cfg declares; torch as pinned, for its size."""
    session.install("--constraint", "constraints.txt", "torch")
    constraints = Path(session.create_tmp()) / "constraints.txt"
    constraints.write_text(lowest_constraints(), encoding="utf8")
    session.install("--constraint", str(constraints), "--editable", ".[dev]")
    session.run("python", "-m", "pytest", *session.posargs, env=ENVIRONMENT)


def lowest_constraints() -> str:
    """What the package imports, at the lower ends of its ranges. The rest follows from these."""
    config = configparser.ConfigParser()
    config.read("setup.cfg")
    required = config["options"]["install_requires"] + config["options.extras_require"]["inside"]
    floors = dict(re.findall(r"(\w+)>=([\d.]+)", required))
    return "\n".join(f"{name}=={floors[name]}" for name in floors if name != "torch")
