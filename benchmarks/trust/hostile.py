"""What it costs to reject a hostile model file: `python -m benchmarks.trust.hostile`.

Files of up to 49 megabytes, made to cost as much time and memory as possible, take the place of the
model of an entity recogniser. Each is read in its own process; memory is the peak above what the
pipeline and the file use.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import spacy
import srsly
from srsly.msgpack import packb
from wasabi import msg

from spacy_seqrnn.saved.foreign import LARGEST_SIZE, MOST_OBJECTS
from spacy_seqrnn.saved.shapes import check_saved

from ..environment import describe_environment
from ..memory import MEGABYTE, memory, reset_peak

SIZE = 49_000_000
EMPTY_MAP, EMPTY_LIST, NIL, MAP_OF_ONE = b"\x80", b"\x90", b"\xc0", b"\x81"
LIST_OF_ONE, LIST_OF_10000 = b"\x91", b"\xdc\x27\x10"
KEYS = ("nodes", "attrs", "params", "shims")


def _lists(element: bytes) -> bytes:
    """Lists of 10,000 elements each, the largest that are read at all."""
    n_lists = SIZE // (10_000 * len(element) + 3)
    return b"\xdd" + n_lists.to_bytes(4, "big") + n_lists * (LIST_OF_10000 + 10_000 * element)


def _in_each_other(part: bytes) -> bytes:
    """The same beginning of a list or map many times, each within the last element of the
    previous."""
    return SIZE // len(part) * part


def _array(dimensions: int) -> bytes:
    """An array whose product of sizes is never computed."""
    shape = [LARGEST_SIZE] * dimensions
    array = {b"nd": True, b"type": "<f4", b"shape": shape, b"data": b""}
    return bytes(packb(array, use_bin_type=True))


def _in_model(key: str, part: bytes) -> bytes:
    """A saved model with one part replaced."""
    parts = {name: part if name == key else EMPTY_LIST for name in KEYS}
    return b"\x84" + b"".join(packb(name) + value for name, value in parts.items())


def _maps_as(key: str) -> bytes:
    return _in_model(key, _lists(EMPTY_MAP))


def _attributes(number: int, value: bytes) -> bytes:
    """The model itself, except for attributes of its first layer, each of which is read
    separately."""
    ner: Any = spacy.blank("en").add_pipe("seqrnn_ner")
    saved = srsly.msgpack_loads(ner.model.to_bytes())
    saved["attrs"][0] = {f"a{i}": value for i in range(number)}
    return bytes(packb(saved, use_bin_type=True))


FILES: dict[str, Callable[[], bytes]] = {
    "empty maps": lambda: _lists(EMPTY_MAP),
    "empty lists": lambda: _lists(EMPTY_LIST),
    "nothing at all, often": lambda: _lists(NIL),
    "maps of one": lambda: _lists(MAP_OF_ONE + b"\xa1a" + NIL),
    "one long list": lambda: b"\xdd" + SIZE.to_bytes(4, "big") + SIZE * NIL,
    "lists in lists": lambda: SIZE * LIST_OF_ONE,
    "1,000 lists in each other": lambda: 1_000 * LIST_OF_ONE + NIL,
    "lists that claim to be long": lambda: 1_000_000 * LIST_OF_10000,
    "wide lists in each other, cut off": lambda: _in_each_other(LIST_OF_10000 + 9_999 * NIL),
    "and with texts": lambda: _in_each_other(LIST_OF_10000 + 9_999 * b"\xa6abcdef"),
    "and with fractions": lambda: _in_each_other(LIST_OF_10000 + 9_999 * packb(1.5)),
    "wide maps in each other": lambda: _in_each_other(
        b"\xde\x27\x10" + 9_999 * b"\x01\xc0" + b"\x02"
    ),
    "an array of a million sizes": lambda: _array(MOST_OBJECTS // 2),
    "a text of wide characters": lambda: packb("\U0001f600" + "x" * (SIZE - 4)),
    "texts of wide characters": lambda: _lists(packb("\U0001f600" + "x" * 4_000)),
    "a text that claims to be long": lambda: b"\xdb\xff\xff\xff\xff" + b"x" * 1000,
    "extensions": lambda: _lists(b"\xd4\x01\x00"),
    "many keys": lambda: _lists(b"\x82\xa1a\xc0\xa1b\xc0"),
    **{f"maps as {key}": partial(_maps_as, key) for key in KEYS},
    "large attributes": lambda: _attributes(500, LIST_OF_10000 + 10_000 * NIL),
    "one long text": lambda: packb("x" * SIZE),
    "one long array of bytes": lambda: packb(b"x" * SIZE, use_bin_type=True),
}


def main() -> None:
    """Print seconds and megabytes of each file."""
    for name in FILES:
        command = [sys.executable, "-m", "benchmarks.trust.hostile", name]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        msg.text(result.stdout.strip())
    msg.text(srsly.json_dumps(describe_environment()))


def measure(name: str) -> None:
    """Print the cost of rejecting one file."""
    component: Any = spacy.blank("en").add_pipe("seqrnn_ner")
    data = FILES[name]()
    before = reset_peak()
    start = time.perf_counter()
    try:
        check_saved(component.model, data)
        verdict = "not rejected"
    except ValueError as error:
        verdict = str(error)[:60]
    seconds, peak = time.perf_counter() - start, memory("VmHWM")
    size = len(data) / MEGABYTE
    print(f"{name}: {size:.0f} MB, {seconds:.2f} s, {(peak - before) / MEGABYTE:.0f} MB: {verdict}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        main()
