"""Compressed files and URLs have the rows of plain files."""

import bz2
import gzip
import hashlib
import http.server
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spacy_seqrnn.bulk.parts import Reading, find_inputs, plan

from .reading import Row, read_all

CONTENT = "".join(f'{{"text": "text {i} é", "id": {i}}}\n' for i in range(2000)).encode()
READING = Reading(id_column="id", part_bytes=1000)


def find_zstd() -> Any:
    """The library of Zstandard that smart_open uses; None if it is not there."""
    try:
        return import_module(
            "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
        )
    except ImportError:
        return None


ZSTD = find_zstd()
needs_zstd = pytest.mark.skipif(not ZSTD, reason="backports.zstd is not installed")
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": ZSTD and ZSTD.compress,
}
SUFFIXES = [".gz", ".bz2", pytest.param(".zst", marks=needs_zstd)]


@pytest.fixture
def expected(tmp_path: Path) -> list[Row]:
    """The rows of the plain file."""
    path = tmp_path / "plain.jsonl"
    path.write_bytes(CONTENT)
    rows, _, planned = read_all(path, READING)
    assert len(rows) == 2000
    assert len(planned.parts) > 32
    return rows


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_compressed(suffix: str, expected: list[Row], tmp_path: Path) -> None:
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(COMPRESS[suffix](CONTENT))
    rows, rejects, planned = read_all(path, READING)
    assert rows == expected
    assert not rejects
    assert len(planned.parts) <= 32
    assert planned.size == path.stat().st_size
    assert planned.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_several_members_of_gzip(expected: list[Row], tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(CONTENT[:777]) + gzip.compress(CONTENT[777:]) + b"\0" * 512)
    assert read_all(path, READING)[0] == expected


@pytest.mark.parametrize("keep", [(), ("id",)])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_truncated(suffix: str, keep: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(COMPRESS[suffix](CONTENT)[:-20])
    with pytest.raises(ValueError, match=rf"a\.jsonl{suffix}' is not a whole {suffix} file"):
        plan(str(path), Reading(keep=keep), abs)
    path.write_bytes(COMPRESS[suffix](CONTENT[:1000])[:30])
    with pytest.raises(ValueError, match=rf"a\.jsonl{suffix}' is not a whole {suffix} file"):
        read_all(path, Reading(keep=keep))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_not_compressed(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(b"text\nhello\n")
    with pytest.raises(ValueError, match=rf"a\.csv{suffix}' is not a whole {suffix} file"):
        plan(str(path), Reading(), abs)


def test_zstd_without_its_package(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.zst"
    path.touch()
    gone = dict.fromkeys(["compression", "compression.zstd", "backports", "backports.zstd"])
    with (
        patch.dict("sys.modules", gone),
        pytest.raises(ValueError, match=r"uncompresses \.zst .* 'spacy-seqrnn\[bulk\]'"),
    ):
        plan(str(path), Reading(), abs)


class Server(http.server.ThreadingHTTPServer):
    """A server that does not mind if a reader has read enough."""

    def handle_error(self, *_: Any) -> None:
        """Print nothing."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server that sends whole files only."""

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


class Ranges(Quiet):
    """A server that sends the rest of a file from any byte on."""

    def do_GET(self) -> None:
        """Send the bytes that are asked for."""
        path = Path(self.translate_path(self.path))
        if not path.exists():
            self.send_error(404)
            return
        data = path.read_bytes()
        start = int(self.headers.get("Range", "bytes=0-")[6:].split("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        self.wfile.write(data[start:])


@pytest.fixture(params=[Quiet, Ranges])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a server of files in a folder."""
    handler = partial(request.param, directory=str(tmp_path))
    with Server(("127.0.0.1", 0), handler) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()
        thread.join()


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_urls(server: str, suffix: str, tmp_path: Path) -> None:
    content = CONTENT[: 40 * len(CONTENT) // 2000]
    content = content[: content.rindex(b"\n") + 1]
    (tmp_path / f"a.jsonl{suffix}").write_bytes(gzip.compress(content) if suffix else content)
    (tmp_path / "plain.jsonl").write_bytes(content)
    url = f"{server}/a.jsonl{suffix}?version=1"
    assert find_inputs([url]) == [url]
    reading = Reading(id_column="id", part_bytes=300)
    rows, _, planned = read_all(url, reading)
    assert rows == read_all(tmp_path / "plain.jsonl", reading)[0]
    assert len(planned.parts) > 2
    assert planned.size == (tmp_path / f"a.jsonl{suffix}").stat().st_size


def test_parquet_from_a_url(server: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    texts = ["a" * 1_000_000, "b"]
    table = pa.table({"text": texts})
    pq.write_table(table, tmp_path / "a.parquet", compression="none", use_dictionary=False)
    url = f"{server}/a.parquet"
    if request.node.callspec.params["server"] is Ranges:
        assert read_all(url, Reading())[0] == [(i, text, {}) for i, text in enumerate(texts)]
    else:
        with pytest.raises(ValueError, match=r"does not send parts of files.*download it first"):
            plan(url, Reading(), abs)


def test_urls_that_cannot_be_opened(server: str) -> None:
    with pytest.raises(ValueError, match=r"missing.jsonl' cannot be opened: .*404"):
        plan(f"{server}/missing.jsonl", Reading(), abs)
    with pytest.raises(ValueError, match=r"foo://host/a.jsonl' cannot be opened"):
        plan("foo://host/a.jsonl", Reading(), abs)
