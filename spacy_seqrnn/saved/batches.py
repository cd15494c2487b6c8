"""Batches of training data that can be read once more, the same ones in the same order."""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

from spacy.attrs import intify_attr
from spacy.training import Example

from .randomness import States, read_states, set_states

Batch = tuple[int, list[Example]]  # with the number of its epoch

# What a change of the training data would change
ATTRS = [
    intify_attr(name)
    for name in ("ORTH", "SPACY", "TAG", "MORPH", "LEMMA", "HEAD", "DEP", "SENT_START")
] + [intify_attr(name) for name in ("ENT_IOB", "ENT_TYPE")]


class RepeatableBatches:
    """Batches that are drawn at random between steps that draw random numbers too.

    Reading shuffles, and augments, with the numbers that training leaves in the generators. To read
    the same batches without training, it needs the states that it found then. Nothing is recorded
    where reading drew no numbers, or found the state that it had left itself: with spaCy's own
    corpora, that is nearly always.

    drawn: the recorded states, by the number of a batch and by generator.
    n_read: how many batches have been read.
    at_end: whether there are no more.
    """

    def __init__(self, batches: Iterable[Batch], drawn: dict[int, States]) -> None:
        """batches: those of `create_train_batches`. drawn: the states that a first reading found.

        Batches that were not read the first time are read with the states that they find.
        """
        self._batches = iter(batches)
        self._hash = hashlib.blake2b(digest_size=16)
        self._left: States = {}
        self.drawn = dict(drawn)
        self.n_read = 0
        self.at_end = False

    @property
    def checksum(self) -> str:
        """A checksum of all that has been read: words, annotation of tokens, and categories."""
        return self._hash.hexdigest()

    def __iter__(self) -> Iterator[Batch]:
        for number in count():
            set_states(self.drawn.get(number, {}))
            before = read_states()
            item = next(self._batches, None)
            self._record(number, before, read_states())
            if item is None:
                self.at_end = True
                return
            self.n_read += 1
            for example in item[1]:
                self._hash.update(_content(example))
            yield item

    def _record(self, number: int, before: States, after: States) -> None:
        used = [name for name in after if before[name] != after[name]]
        found = {name: before[name] for name in used if before[name] != self._left.get(name)}
        if found:
            self.drawn[number] = found
        self._left.update({name: after[name] for name in used})


def _content(example: Example) -> bytes:
    doc: Any = example.reference
    cats = repr(sorted(doc.cats.items())) if doc.cats else ""
    return bytes(doc.to_array(ATTRS).tobytes()) + cats.encode()
