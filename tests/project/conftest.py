"""A project in a temporary folder, whose scripts run there."""

import hashlib
import io
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from unittest import mock

import pytest
import srsly

ROOT = Path(__file__).parents[2]
# Public corpora, if they are beside the checkout.
DATA = ROOT.parent / "shared" / "data"
# Nothing listens there: the same as having no network, but faster.
NOWHERE = "http://127.0.0.1:9"

needs_data = pytest.mark.skipif(not DATA.exists(), reason="no public corpora beside the checkout")


@dataclass
class Project:
    """A folder with this project's scripts and with the test's own assets."""

    folder: Path

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run Python in the project's folder: a script in this process, anything else in a new one.

        A process that imports spaCy takes seconds to start.
        """
        script, *options = map(str, arguments)
        if script.endswith(".py"):
            return self._run_here(script, options)
        return self.run_apart(script, *options)

    def run_apart(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run Python in the project's folder as a user does."""
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, "NO_PROXY": "*"},
            capture_output=True,
            text=True,
            check=False,
        )

    def _run_here(self, script: str, options: list[str]) -> subprocess.CompletedProcess[str]:
        """What `run_apart` does, in this process."""
        path = (self.folder / script).resolve()
        out, err, code = io.StringIO(), io.StringIO(), None
        # Modules beside the script must be those of this folder, not of the previous project.
        for module in path.parent.glob("*.py"):
            sys.modules.pop(module.stem, None)
        with (
            chdir(self.folder),
            mock.patch.dict(os.environ, {"NO_PROXY": "*"}),
            mock.patch.object(sys, "path", [str(path.parent), *sys.path]),
            mock.patch.object(sys, "argv", [script, *options]),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                runpy.run_path(str(path), run_name="__main__")
            except SystemExit as ending:
                code = ending.code
        if isinstance(code, str):  # Python prints it and exits with 1.
            err.write(f"{code}\n")
            code = 1
        return subprocess.CompletedProcess(
            [script, *options], code or 0, out.getvalue(), err.getvalue()
        )

    def fails(self, *arguments: str | Path) -> str:
        """Run Python, expecting it to fail with one line on stderr, and return this line."""
        result = self.run(*arguments)
        assert result.returncode == 1, result.stdout + result.stderr
        assert "Traceback" not in result.stderr
        (line,) = result.stderr.splitlines()
        return line

    def succeeds(self, *arguments: str | Path) -> str:
        """Run Python, expecting it to succeed, and return what it printed."""
        result = self.run(*arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def write(self, path: str, content: bytes) -> Path:
        """Write a file."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return target

    def define(self, *assets: dict[str, Any]) -> None:
        """Write a project.yml and checksums; an asset's `content` is what its file should hold.

        That of a commit has none.
        """
        contents = {asset["dest"]: asset.pop("content") for asset in assets if "content" in asset}
        sums = {dest: hashlib.sha256(content) for dest, content in contents.items()}
        lines = [f"{s.hexdigest()}  {dest.removeprefix('assets/')}\n" for dest, s in sums.items()]
        self.write("assets/checksums.sha256", "".join(lines).encode())
        for asset in assets:
            if "commit" in asset:
                continue
            asset["checksum"] = hashlib.md5(contents[asset["dest"]]).hexdigest()
        srsly.write_yaml(self.folder / "project.yml", {"assets": list(assets)})

    def assets(self) -> set[str]:
        """All files below assets/ except the checksums, also hidden and temporary ones."""
        folder = self.folder / "assets"
        files = {
            path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
        }
        return files - {"checksums.sha256"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with this project's scripts and nothing else."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__*"))
    return Project(tmp_path)


@pytest.fixture
def whole_project(project: Project) -> Project:
    """A project with everything that this project commits, except its sample corpora."""
    for name in ("configs", "project.yml", "assets/checksums.sha256"):
        source, target = ROOT / name, project.folder / name
        target.parent.mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    return project


class Handler(SimpleHTTPRequestHandler):
    """Serves files, breaks off within any named `broken`, never ends one `endless`."""

    def do_GET(self) -> None:
        if self.path.endswith("broken"):
            self._start(length=1000)
            self.wfile.write(b"half")
        elif self.path.endswith("endless"):
            self._start(length=1 << 40)
            with suppress(ConnectionError):  # as soon as the other side has had enough
                while True:
                    self.wfile.write(bytes(1 << 20))
        else:
            super().do_GET()

    def _start(self, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        """Print nothing."""


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A web server on this machine: its address and the folder whose files it serves."""
    folder = tmp_path_factory.mktemp("served")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as httpd:
        Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}", folder
        httpd.shutdown()
