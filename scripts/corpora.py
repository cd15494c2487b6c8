"""The files of a corpus, as listed in `project.yml` and `assets/checksums.sha256`."""

import hashlib
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path
from zipfile import is_zipfile

from weasel.util import load_project_config

from command import UserError

CHECKSUMS = Path("assets/checksums.sha256")
CHECKSUM_LINE = re.compile(r"(?P<sha256>[0-9a-f]{64})\s+(?P<name>\S.*)")
WEB_PAGE = (b"<!doctype html", b"<html")


@dataclass(frozen=True)
class Asset:
    """One file in `assets/`, and where it comes from."""

    path: Path
    # None for an archive of a commit, which git verifies.
    sha256: str | None
    # Where to download it, the npm package that it is, or the commit that it is a part of; None for
    # a file that users provide.
    url: str | None
    npm: str | None
    commit: "Commit | None"
    # Its name within a zip archive, if the URL is that of an archive.
    member: str | None

    @property
    def is_public(self) -> bool:
        """Whether it can be fetched."""
        return bool(self.url or self.npm or self.commit)

    def find_fault(self) -> str | None:
        """A phrase for what is wrong with the file, to follow its name; None if nothing is."""
        return find_fault(self.path, self.sha256) if self.sha256 else find_tar_fault(self.path)


@dataclass(frozen=True)
class Commit:
    """A folder of a git repository as it was at a commit."""

    repository: str
    commit: str
    folder: str


def read_corpus(name: str) -> list[Asset]:
    """List the files of a corpus: the assets in the folder `assets/<name>`."""
    listed = load_project_config(Path.cwd())["assets"]
    corpora = {
        Path(asset["dest"]).parent.name
        for asset in listed
        if "checksum" in asset or "commit" in asset
    }
    if name not in corpora:
        raise UserError(f"project.yml has no corpus {name!r}, only {', '.join(sorted(corpora))}.")
    checksums = read_checksums()
    return [
        Asset(
            path=Path(asset["dest"]),
            sha256=None if "commit" in asset else find_checksum(asset["dest"], checksums),
            url=asset.get("url", asset.get("archive")),
            npm=asset.get("npm"),
            commit=read_commit(asset),
            member=asset.get("member"),
        )
        for asset in listed
        if Path(asset["dest"]).parent.name == name
    ]


def read_commit(asset: dict[str, str]) -> Commit | None:
    """The commit that an asset of project.yml is a part of, if any."""
    if "commit" not in asset:
        return None
    return Commit(asset["repository"], asset["commit"], asset["folder"])


def read_checksums() -> dict[str, str]:
    """Read the SHA-256 of every file, in the format of `sha256sum`, relative to `assets/`."""
    checksums = {}
    for number, line in enumerate(CHECKSUMS.read_text(encoding="utf8").splitlines(), start=1):
        match = CHECKSUM_LINE.fullmatch(line)
        if match is None:
            raise UserError(
                f"{CHECKSUMS}, line {number}: expected a SHA-256 and a file name, not {line!r}."
            )
        checksums[(CHECKSUMS.parent / match["name"]).as_posix()] = match["sha256"]
    return checksums


def find_checksum(dest: str, checksums: dict[str, str]) -> str:
    """The checksum that a file of project.yml should have."""
    if dest not in checksums:
        raise UserError(f"{CHECKSUMS} has no line for {dest}: restore it from the repository.")
    return checksums[dest]


def find_fault(path: Path, sha256: str) -> str | None:
    """A phrase for what is wrong with a file, to follow its name; None if nothing is."""
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found == sha256:
        return None
    if content.lstrip()[:20].lower().startswith(WEB_PAGE):
        return "is a web page, not the data"
    if path.suffix == ".zip" and not is_zipfile(path):
        return "is truncated or not a zip archive"
    return f"is not the expected file (SHA-256 {found[:8]}…, not {sha256[:8]}…)"


def find_tar_fault(path: Path) -> str | None:
    """A phrase for what is wrong with an archive, to follow its name; None if nothing is."""
    try:
        with tarfile.open(path) as archive:
            return None if archive.getmembers() else "is empty"
    except (tarfile.TarError, EOFError):
        return "is truncated or not a tar archive"
