"""The bytes of files and URLs, as they are stored and uncompressed."""

import hashlib
import io
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO, Any
from urllib.parse import urlsplit

import smart_open
from smart_open.compression import compression_wrapper

from .common import Part, Progress

COMPRESSIONS = (".bz2", ".gz", ".zst")
BLOCK, BUFFER = 1 << 22, 1 << 20


def is_url(path: str) -> bool:
    """Whether a path is a URL. The letter of a drive is no scheme."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", path) is not None


def suffixes(path: str) -> tuple[str, str]:
    """The suffix of a file or URL, and that of its compression, in lower case; "" for none."""
    name = PurePosixPath((urlsplit(path).path if is_url(path) else path).replace("\\", "/"))
    outer = name.suffix.lower()
    if outer not in COMPRESSIONS:
        return outer, ""
    return PurePosixPath(name.stem).suffix.lower(), outer


def open_stored(path: str) -> IO[bytes]:
    """Open a file or URL, with its bytes as they are stored. Raises ValueError if that fails."""
    try:
        if is_url(path):
            return smart_open.open(path, "rb", compression="disable")
        return open(path, "rb")
    except ImportError as error:
        raise ValueError(
            f"'{path}' needs a package that is not installed: install smart_open with the extra of "
            f"its scheme ({error})."
        ) from error
    except (OSError, NotImplementedError, ValueError) as error:
        raise ValueError(f"'{path}' cannot be opened: {error}") from error


def uncompress(stored: IO[bytes], path: str) -> IO[bytes]:
    """The uncompressed bytes of an open file.

    Raises ValueError if the compression needs a package that is not installed.
    """
    compression = suffixes(path)[1]
    try:
        return compression_wrapper(stored, "rb", compression or "disable")
    except ImportError as error:
        raise ValueError(
            f"'{path}' needs a package that uncompresses {compression} ({error}): install it with "
            "`pip install 'spacy-seqrnn[bulk]'`."
        ) from error


def read_some(stream: IO[bytes], size: int, path: str) -> bytes:
    """The next bytes of a stream; none at its end.

    Raises ValueError if its file cannot be read, or cannot be uncompressed.
    """
    try:
        return stream.read(size)
    except ValueError:  # of `Stored`, below the compression
        raise
    except Exception as error:  # every compression has its own
        compression = suffixes(path)[1]
        problem = f"is not a whole {compression} file" if compression else "cannot be read"
        raise ValueError(f"'{path}' {problem} ({error}): copy or compress it again.") from error


def read_blocks(stream: IO[bytes], path: str) -> Iterator[bytes]:
    """All bytes of a stream."""
    while block := read_some(stream, BLOCK, path):
        yield block


class Stored(io.RawIOBase):
    """The stored bytes of a file, counted and with their checksum while something reads them."""

    def __init__(self, path: str, progress: Progress) -> None:
        super().__init__()
        self.size = 0
        self._path, self._progress = path, progress
        self._digest = hashlib.sha256()
        self._file = open_stored(path)

    def readable(self) -> bool:
        """A file is opened to be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer. Returns the number of bytes."""
        try:
            data = self._file.read(len(buffer))
        except OSError as error:
            raise ValueError(f"'{self._path}' cannot be read: {error}") from error
        buffer[: len(data)] = data
        self._digest.update(data)
        self.size += len(data)
        self._progress(len(data))
        return len(data)

    def finish(self) -> str:
        """Read what is left. Returns the checksum of all bytes."""
        while self.read(BLOCK):
            pass
        return self._digest.hexdigest()

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()


class Uncompressed(io.RawIOBase):
    """The uncompressed bytes of a file, or of a part of it."""

    def __init__(self, path: str, start: int, stop: int | None) -> None:
        super().__init__()
        self._path = path
        self._left = None if stop is None else stop - start
        self._open()
        self._skip(start)

    def _open(self) -> None:
        self._stored = open_stored(self._path)
        self._stream = uncompress(self._stored, self._path)

    def _skip(self, n_bytes: int) -> None:
        try:
            if n_bytes:
                self._stream.seek(n_bytes)
            return
        except io.UnsupportedOperation:  # of a server that sends nothing but whole files
            self._stored.close()
        self._open()
        while n_bytes and (data := read_some(self._stream, min(n_bytes, BLOCK), self._path)):
            n_bytes -= len(data)

    def readable(self) -> bool:
        """A file is opened to be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer. Returns the number of bytes."""
        size = len(buffer) if self._left is None else min(len(buffer), self._left)
        data = read_some(self._stream, size, self._path) if size else b""
        if self._left is not None:
            self._left -= len(data)
            if self._left and not data:
                raise ValueError(
                    f"'{self._path}' is shorter than when its parts were planned: do not change "
                    "the inputs while they are annotated."
                )
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the file too."""
        self._stream.close()
        self._stored.close()
        super().close()


def open_part(part: Part) -> io.BufferedReader:
    """The uncompressed bytes of a part.

    To read them raises ValueError if the file is not whole, or has become shorter.
    """
    return io.BufferedReader(Uncompressed(part.file, part.start, part.stop), BUFFER)


def open_whole(path: str) -> io.BufferedReader:
    """All uncompressed bytes of a file. To read them raises ValueError if it is not whole."""
    return io.BufferedReader(Uncompressed(path, 0, None))
