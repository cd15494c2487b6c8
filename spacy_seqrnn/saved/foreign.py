"""Read saved files safely: plain data only, and no more of it than a saved model needs.

msgpack creates objects as it reads, and a file of ten megabytes can claim ten million objects. They
are therefore counted first, by the sizes that the file announces, before any is created.
"""

from math import prod
from typing import Any

import numpy as np
from srsly.msgpack import unpackb

MOST_OBJECTS = 200_000  # the largest recipe needs a fiftieth; an array takes a dozen
MOST_TEXT = 5_000_000  # bytes of names, settings and other text
LARGEST_SETTINGS = 2_000_000  # bytes of a component's JSON; 10,000 labels need 200 kB
LARGEST_SIZE = 2**31 - 1
MOST_DIMENSIONS = 8  # of an array; a model's arrays have four at most
KINDS = "biuf"  # dtype kinds of arrays: booleans, integers, floats

# What a msgpack byte starts: the kind of object, how many bytes its size takes, and the size itself
# if it takes none. The size is in bytes, in elements of a list or in pairs of a map.
DATA, TEXT, LIST, MAP, EXTENSION = "data", "text", "list", "map", "extension"
Head = tuple[str, int, int]


def _head(code: int) -> Head:
    if code < 0x80 or code >= 0xE0:  # a small integer
        return DATA, 0, 0
    if code < 0x90:
        return MAP, 0, code & 0x0F
    if code < 0xA0:
        return LIST, 0, code & 0x0F
    return (TEXT, 0, code & 0x1F) if code < 0xC0 else LONG_HEADS[code - 0xC0]


LONG_HEADS: list[Head] = [
    (DATA, 0, 0),  # nothing
    (EXTENSION, 0, 0),  # an unused code
    *[(DATA, 0, 0)] * 2,  # booleans
    *[(DATA, width, 0) for width in (1, 2, 4)],  # bytes
    *[(EXTENSION, width, 0) for width in (1, 2, 4)],
    *[(DATA, 0, size) for size in (4, 8)],  # floats
    *[(DATA, 0, size) for size in (1, 2, 4, 8)] * 2,  # unsigned and signed integers
    *[(EXTENSION, 0, size) for size in (1, 2, 4, 8, 16)],
    *[(TEXT, width, 0) for width in (1, 2, 4)],
    *[(kind, width, 0) for kind in (LIST, MAP) for width in (2, 4)],
]
HEADS = [_head(code) for code in range(256)]


class Budget:
    """How many objects and how much text may still be read."""

    def __init__(self) -> None:
        self.objects = MOST_OBJECTS
        self.text = MOST_TEXT

    def spend(self, *, objects: int = 0, text: int = 0) -> None:
        """Raise ValueError if this exceeds the budget of objects or bytes of text."""
        self.objects -= objects
        self.text -= text
        if self.objects < 0:
            raise ValueError(f"more than {MOST_OBJECTS} objects, which no saved model has")
        if self.text < 0:
            raise ValueError(f"more than {MOST_TEXT} bytes of text, which no saved model has")


def read_saved(data: bytes, budget: Budget | None = None) -> Any:
    """Read msgpack that contains no more than a saved model needs.

    budget: shared by everything that is read of one model; None for a new one.

    Raises ValueError for anything that is not plain data, and before memory is allocated for
    anything that is, or claims to be, too large.
    """
    try:
        _spend(data, Budget() if budget is None else budget)
        return unpackb(data, raw=False, object_pairs_hook=_read_pairs)
    except Exception as error:  # msgpack's exceptions have no common class
        raise ValueError(f"not readable as msgpack: {str(error) or type(error).__name__}") from None


def _spend(data: bytes, budget: Budget) -> None:
    """Charge the objects in msgpack to the budget, each when it is announced."""
    budget.spend(objects=1)
    at, announced = 0, 1
    while announced and at < len(data):  # msgpack reports truncated data
        kind, width, size = HEADS[data[at]]
        at += 1 + width
        if width:
            size = int.from_bytes(data[at - width : at], "big")
        announced -= 1
        if kind is EXTENSION:
            raise ValueError(f"an extension, or invalid msgpack, at byte {at}")
        if kind is LIST or kind is MAP:
            elements = size if kind is LIST else 2 * size
            announced += elements
            budget.spend(objects=elements)
            continue
        at += size
        if kind is TEXT:
            budget.spend(text=size)


def _read_pairs(pairs: list[tuple[Any, Any]]) -> Any:
    """A dictionary, or the array or number that it encodes."""
    found = dict(pairs)
    if b"complex" in found:
        raise ValueError("a complex number")
    return _read_numbers(found) if b"nd" in found else found


def _read_numbers(found: dict[Any, Any]) -> Any:
    """Decode `srsly.msgpack`'s format of NumPy data: plain numbers of the stated size only."""
    kind = found.get(b"type")
    if not isinstance(kind, str) or len(kind) > 3 or kind[1:2] not in KINDS:
        raise ValueError(f"an array of the type {str(kind)[:50]!r}")
    is_array = found[b"nd"]
    if type(is_array) is not bool or found.get(b"kind"):
        raise ValueError("an array of records")
    data, dtype = found[b"data"], np.dtype(kind)
    shape = found[b"shape"] if is_array else []
    # The product of a million sizes would take minutes.
    is_shape = isinstance(shape, list) and len(shape) <= MOST_DIMENSIONS
    if not is_shape or not all(map(is_size, shape)) or prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"an array of the shape {str(shape)[:50]} in {len(data)} bytes")
    numbers = np.frombuffer(data, dtype)
    return numbers.reshape(shape) if is_array else numbers[0]


def is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST_SIZE


def check_settings(size: int) -> None:
    """Raise ValueError if the settings of a component have too many bytes."""
    if size > LARGEST_SETTINGS:
        raise ValueError(f"settings of {size} bytes, more than the limit of {LARGEST_SETTINGS}")
