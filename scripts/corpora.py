"""The files a corpus consists of, as `project.yml` and `assets/checksums.sha256` list them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from zipfile import is_zipfile

from weasel.util import load_project_config

from command import UserError

CHECKSUMS = Path("assets/checksums.sha256")
WEB_PAGE = (b"<!doctype html", b"<html")


@dataclass(frozen=True)
class Asset:
    """One file below `assets/` and where it comes from."""

    path: Path
    sha256: str
    # Where to download it, or None for a file that users bring themselves.
    url: str | None
    # If the URL is that of a zip archive which holds the file: its name there.
    member: str | None


def read_corpus(name: str) -> list[Asset]:
    """List the files of a corpus: the assets in the folder `assets/<name>`."""
    listed = load_project_config(Path.cwd())["assets"]
    corpora = {Path(asset["dest"]).parent.name for asset in listed if "checksum" in asset}
    if name not in corpora:
        raise UserError(f"project.yml has no corpus {name!r}, only {', '.join(sorted(corpora))}.")
    checksums = read_checksums()
    return [
        Asset(
            path=Path(asset["dest"]),
            sha256=checksums[asset["dest"]],
            url=asset.get("url", asset.get("archive")),
            member=asset.get("member"),
        )
        for asset in listed
        if Path(asset["dest"]).parent.name == name
    ]


def read_checksums() -> dict[str, str]:
    """Read the SHA-256 of every file, in the format of `sha256sum`, relative to `assets/`."""
    lines = CHECKSUMS.read_text(encoding="utf8").splitlines()
    pairs = (line.split(maxsplit=1) for line in lines)
    return {(CHECKSUMS.parent / name).as_posix(): sha256 for sha256, name in pairs}


def find_fault(path: Path, sha256: str) -> str | None:
    """Say what is wrong with a file, to follow its name in a sentence; None if nothing is."""
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found == sha256:
        return None
    if content.lstrip()[:20].lower().startswith(WEB_PAGE):
        return "is a web page, not the data"
    if path.suffix == ".zip" and not is_zipfile(path):
        return "is cut short or is no zip archive"
    return f"is another file than expected (SHA-256 {found[:8]}…, not {sha256[:8]}…)"
