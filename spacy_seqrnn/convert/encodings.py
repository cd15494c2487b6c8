"""The text of a file: its encoding, its byte-order mark and its line ends.

No encoding is guessed from letter frequencies: with charset-normalizer, half of the Spanish samples
in cp1252 came out as words that do not exist. A byte-order mark and valid UTF-8 are unambiguous;
for anything else, the error message shows how the file would read.
"""

import codecs
import gzip
import re
import warnings
import zlib
from pathlib import Path

from .options import AUTO

# UTF-32 first, since its mark begins with the UTF-16 mark.
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
BOM = "\ufeff"
GZIP = b"\x1f\x8b"
# What a file that is not text begins with, and what to do about it
CONTAINERS = {
    b"PK\x03\x04": "a zip archive or an office document: unpack it or save it as text first",
    b"BZh": "compressed by bzip2: unpack it first",
    b"\xfd7zXZ": "compressed by xz: unpack it first",
    **dict.fromkeys(
        (b"x\x9c", b"x\xda"),
        "compressed by zlib, as .spacy files are: give the file it was made from",
    ),
    b"PAR1": "a Parquet file: save it as JSON lines first",
}
# Characters that some programs treat as line ends, although these formats do not
RARE_ENDS = {"\x85": "U+0085 (NEL)", "\u2028": "U+2028", "\u2029": "U+2029"}


def read_text(path: Path, encoding: str = AUTO) -> str:
    """Read a text file, compressed by gzip or not.

    encoding: a name that Python knows, or "auto" for UTF-8 or what the byte-order mark says.

    Returns the text with a line feed at each line end and without byte-order marks. Raises
    ValueError if the file has another encoding or is not text.
    """
    content = path.read_bytes()
    if content.startswith(GZIP):
        content = _unpack(content, path)
    for start, what in CONTAINERS.items():
        if content.startswith(start):
            raise ValueError(f"'{path}' is {what}.")
    return normalise(_decode(content, path, encoding))


def normalise(text: str) -> str:
    r"""End lines with "\n" alone, and remove byte-order marks.

    Concatenated files have such marks in the middle. `\r\r\n` comes from programs that translate
    the `\n` of `\r\n` as if it were a line end of its own.
    """
    text = re.sub(r"\r+\n|\r", "\n", text)
    return re.sub(f"^{BOM}+", "", text, flags=re.MULTILINE)


def rare_ends(text: str) -> str:
    """Name the characters in a text that only some programs treat as line ends."""
    found = [f"{text.count(end)} of {name}" for end, name in RARE_ENDS.items() if end in text]
    return " and ".join(found)


def _unpack(content: bytes, path: Path) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"'{path}' is a damaged gzip file: {error}.") from error


def _decode(content: bytes, path: Path, encoding: str) -> str:
    marked = next((MARKS[mark] for mark in MARKS if content.startswith(mark)), None)
    name = (marked or "utf-8") if encoding == AUTO else encoding
    try:
        text = content.decode(name)
    except LookupError as error:
        raise ValueError(
            f"`--encoding {encoding}` is unknown to Python: use the name of a text encoding, "
            "such as utf-8, utf-16 or cp1252."
        ) from error
    except UnicodeDecodeError as error:
        place = _place(content, error.start)
        advice = (
            _proposal(content, error) if encoding == AUTO else "Omit `--encoding`, or set another."
        )
        raise ValueError(f"'{path}' is not in {name}: {place} cannot be read. {advice}") from error
    if marked and content.decode(marked, "replace").lstrip(BOM) != text.lstrip(BOM):
        raise ValueError(
            f"'{path}' begins with the byte-order mark of {marked}, but `--encoding {encoding}` is "
            "set: omit it."
        )
    if "\0" in text:
        raise ValueError(
            f"'{path}' contains NUL characters, so it is not text. {_sixteen(content)}"
        )
    _warn_of_doubt(content, text, path, name)
    return text


def _place(content: bytes, start: int) -> str:
    line = len(re.findall(rb"\r*\n|\r", content[:start])) + 1
    return f"byte 0x{content[start]:02x} in line {line}" if start < len(content) else "the end"


def _proposal(content: bytes, error: UnicodeDecodeError) -> str:
    """Suggest an encoding that the file may have, with a word to judge by."""
    if b"\0" in content:
        return _sixteen(content)
    beyond = [line for line in content.splitlines() if not line.isascii()]
    n_right = sum(map(_is_utf8, beyond))
    if 2 * n_right > len(beyond):
        return f"All but {len(beyond) - n_right:,} lines are UTF-8: correct the others."
    first = content.rfind(b"\n", 0, error.start) + 1
    line = content[first : error.end + 40].split(b"\n")[0]
    try:
        text = line.decode("cp1252")
    except UnicodeDecodeError:
        return "Set `--encoding` to the encoding of the file."
    at = len(content[first : error.start].decode("cp1252", errors="replace"))
    word = next((m[0] for m in re.finditer(r"\S+", text) if m.start() <= at < m.end()), text)
    return (
        f"If {word!r} is right there, set `--encoding cp1252`; otherwise set the encoding "
        "that the file was written in."
    )


def _sixteen(content: bytes) -> str:
    """What to do about a file that is UTF-16 or UTF-32 without a mark, or not text."""
    zeros = [content[i::4].count(0) > 0.9 * len(content[i::4]) for i in range(4)]
    if zeros[1] and zeros[2] and zeros[0] != zeros[3]:
        name = "utf-32-le" if zeros[3] else "utf-32-be"
        return f"It looks like UTF-32 without a byte-order mark: set `--encoding {name}`."
    even, odd = content[::2].count(0), content[1::2].count(0)
    if max(even, odd) < len(content) / 8:
        return "Is it a text file?"
    name = "utf-16-le" if odd > even else "utf-16-be"
    return f"It looks like UTF-16 without a byte-order mark: set `--encoding {name}`."


def _warn_of_doubt(content: bytes, text: str, path: Path, encoding: str) -> None:
    """Warn of signs of a wrong single-byte encoding, since such encodings decode any file."""
    if codecs.lookup(encoding).name.startswith("utf") or content.isascii():
        return
    if _is_utf8(content):
        doubt = "is valid UTF-8", "omit `--encoding` if words"
    elif re.search(r"[\x80-\x9f]", text):
        doubt = "has control characters", "set `--encoding cp1252` if quotation marks and dashes"
    else:
        return
    warnings.warn(
        f"'{path}' {doubt[0]}, but is read as {encoding}: {doubt[1]} look wrong.", stacklevel=2
    )


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
