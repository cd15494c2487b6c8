"""What is read of a saved file: plain data, and no more of it than a saved model needs.

msgpack makes objects as it finds them, and a file of ten megabytes can claim ten million. So they
are counted first, by what each announces, before the first of them is made.
"""

from math import prod
from typing import Any

import numpy as np
from srsly.msgpack import unpackb

MOST_OBJECTS = 200_000  # the largest recipe needs a fiftieth; an array is a dozen
MOST_TEXT = 5_000_000  # bytes of names, settings and the like
LARGEST_SETTINGS = 2_000_000  # bytes of the JSON that a component has; 10,000 labels need 200 kB
LARGEST_SIZE = 2**31 - 1
MOST_DIMENSIONS = 8  # of an array; those of models have four at most
KINDS = "biuf"  # of the numbers in an array: truth values, whole numbers, others

# What a byte in msgpack begins: what it is, how many bytes its size has, and the size itself where
# it has none. The size is in bytes, in elements of a list or in pairs of a map.
DATA, TEXT, LIST, MAP, EXTENSION = "data", "text", "list", "map", "extension"
Head = tuple[str, int, int]


def _head(code: int) -> Head:
    if code < 0x80 or code >= 0xE0:  # a small number
        return DATA, 0, 0
    if code < 0x90:
        return MAP, 0, code & 0x0F
    if code < 0xA0:
        return LIST, 0, code & 0x0F
    return (TEXT, 0, code & 0x1F) if code < 0xC0 else LONG_HEADS[code - 0xC0]


LONG_HEADS: list[Head] = [
    (DATA, 0, 0),  # nothing
    (EXTENSION, 0, 0),  # a byte that no msgpack has
    *[(DATA, 0, 0)] * 2,  # truth values
    *[(DATA, width, 0) for width in (1, 2, 4)],  # bytes
    *[(EXTENSION, width, 0) for width in (1, 2, 4)],
    *[(DATA, 0, size) for size in (4, 8)],  # floats
    *[(DATA, 0, size) for size in (1, 2, 4, 8)] * 2,  # whole numbers, without and with sign
    *[(EXTENSION, 0, size) for size in (1, 2, 4, 8, 16)],
    *[(TEXT, width, 0) for width in (1, 2, 4)],
    *[(kind, width, 0) for kind in (LIST, MAP) for width in (2, 4)],
]
HEADS = [_head(code) for code in range(256)]


class Budget:
    """How many objects and how much text may still be made of what is read."""

    def __init__(self) -> None:
        self.objects = MOST_OBJECTS
        self.text = MOST_TEXT

    def spend(self, *, objects: int = 0, text: int = 0) -> None:
        """Raise ValueError if so many objects, or bytes of text, are too many."""
        self.objects -= objects
        self.text -= text
        if self.objects < 0:
            raise ValueError(f"more than {MOST_OBJECTS} objects, which no saved model has")
        if self.text < 0:
            raise ValueError(f"more than {MOST_TEXT} bytes of text, which no saved model has")


def read_saved(data: bytes, budget: Budget | None = None) -> Any:
    """Read msgpack that has no more in it than a saved model needs.

    budget: shared by all that is read of one model; None for a new one.

    Raises ValueError for anything that is not plain data, and before memory is taken for something
    that is, or claims to be, larger than it can be.
    """
    try:
        _spend(data, Budget() if budget is None else budget)
        return unpackb(data, raw=False, object_pairs_hook=_read_pairs)
    except Exception as error:  # msgpack's own have no common class
        raise ValueError(f"not readable as msgpack: {str(error) or type(error).__name__}") from None


def _spend(data: bytes, budget: Budget) -> None:
    """Spend what the objects in msgpack need, each when it is announced."""
    budget.spend(objects=1)
    at, announced = 0, 1
    while announced and at < len(data):  # what is cut off is for msgpack to say
        kind, width, size = HEADS[data[at]]
        at += 1 + width
        if width:
            size = int.from_bytes(data[at - width : at], "big")
        announced -= 1
        if kind is EXTENSION:
            raise ValueError(f"an extension, or no msgpack, at byte {at}")
        if kind is LIST or kind is MAP:
            elements = size if kind is LIST else 2 * size
            announced += elements
            budget.spend(objects=elements)
            continue
        at += size
        if kind is TEXT:
            budget.spend(text=size)


def _read_pairs(pairs: list[tuple[Any, Any]]) -> Any:
    """A dictionary, or the array or number that it stands for."""
    found = dict(pairs)
    if b"complex" in found:
        raise ValueError("a complex number")
    return _read_numbers(found) if b"nd" in found else found


def _read_numbers(found: dict[Any, Any]) -> Any:
    """What `srsly.msgpack` writes for NumPy; only plain numbers, only as many as there are."""
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
    """Raise ValueError if the settings of a component are more bytes than they can be."""
    if size > LARGEST_SETTINGS:
        raise ValueError(f"settings of {size} bytes, where {LARGEST_SETTINGS} are the most")
