"""Sources with their targets, laid out for a decoder, in chunks of bounded memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..batch.packing import Packing, make_packing
from .memory import Places, find_places, lay_out_numbers
from .vocab import END

# The most places of a memory, of all documents that are computed together. A longer document is
# computed alone; others with those of a similar length, so that few places are empty.
MOST_PLACES = 2**14


@dataclass(frozen=True)
class Pairs:
    """Documents that are computed together, in the order of their targets, longest first.

    docs: the document of each rank.
    places: where the tokens of their sources are in the memory.
    packing: of the targets, each with its end.
    before, units: of each unit in the packed layout, the one before and itself. Shape (n_units,).
    copied: the unit of each source token, for a decoder that copies, as a memory has them.
    """

    docs: np.ndarray
    places: Places
    packing: Packing
    before: np.ndarray
    units: np.ndarray
    copied: np.ndarray | None


def make_pairs(
    source: Packing,
    targets: Sequence[np.ndarray | None],
    docs: np.ndarray,
    copied: np.ndarray | None = None,
) -> Pairs:
    """Lay out some of the documents of a batch.

    source: of all documents. targets: their units. docs: the numbers of some that have them.
    copied: the unit of each source token. Shape (n_tokens,), document-major.
    """
    taken = [units for doc in docs.tolist() if (units := targets[doc]) is not None]
    packing = make_packing([len(units) + 1 for units in taken])
    begun = [np.insert(units, 0, END) for units in taken]  # behind the end of a text before
    ended = [np.append(units, END) for units in taken]
    before, units = (np.concatenate(each)[packing.to_packed] for each in (begun, ended))
    docs = docs[np.argsort(packing.ranks)]
    places = find_places(source, docs)
    return Pairs(docs, places, packing, before, units, lay_out_copied(source, places, copied))


def lay_out_copied(source: Packing, places: Places, copied: np.ndarray | None) -> np.ndarray | None:
    """The unit of each source token, as a memory has them.

    copied: Shape (n_tokens,), document-major, of all documents; None if nothing is copied.
    """
    if copied is None:
        return None
    return lay_out_numbers(copied[source.to_packed[places.rows]], places)


def in_chunks(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """The numbers of documents, as many at a time as fit into a memory.

    lengths: of the sources.
    """
    order = np.argsort(lengths, kind="stable")
    first = 0
    for end, length in enumerate(lengths[order].tolist()):
        if end > first and (end + 1 - first) * length > MOST_PLACES:
            yield order[first:end]
            first = end
    if len(order):
        yield order[first:]
