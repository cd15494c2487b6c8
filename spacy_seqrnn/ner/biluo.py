"""The BILUO scheme: entities as one tag per token.

Tags are numbers: 0 is O (outside), and label number i has four tags from 1 + 4i on: B (begin), I
(in) and L (last) for entities of several tokens, U (unit) for those of one (Ratinov and Roth
2009). Adding a label therefore leaves all existing tags unchanged.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..config_errors import ConfigError
from ..crf.expectations import Segments
from ..crf.layer import TagConstraints

OUTSIDE = 0
BEGIN, IN, LAST, UNIT = 0, 1, 2, 3
PREFIXES = "BILU"
TAGS_PER_LABEL = len(PREFIXES)


def n_tags(n_labels: int) -> int:
    """The number of tags of `n_labels` labels."""
    return 1 + TAGS_PER_LABEL * n_labels


def tag_of(label: np.ndarray, position: np.ndarray) -> np.ndarray:
    """The tags of label numbers at BEGIN, IN, LAST or UNIT."""
    tags: np.ndarray = 1 + TAGS_PER_LABEL * label + position
    return tags


def tag_names(labels: tuple[str, ...] | list[str]) -> list[str]:
    """All tags in spaCy's notation: O, B-PER, I-PER, L-PER, U-PER, …"""
    return ["O", *(f"{prefix}-{label}" for label in labels for prefix in PREFIXES)]


def check_n_tags(size: int) -> None:
    """Raise ValueError if no number of labels has `size` tags."""
    if size < 1 or (size - 1) % TAGS_PER_LABEL:
        raise ConfigError(
            "nO",
            size,
            f"An output layer with {size} scores per token cannot be a BILUO tagger: `nO` has to "
            f"be 1 + {TAGS_PER_LABEL} per label. Omit it, and `nlp.initialize` sets it.",
        )


@lru_cache(maxsize=8)
def biluo_constraints(size: int) -> TagConstraints:
    """Which of `size` tags may follow which: an entity continues until its last token.

    Raises ValueError if no number of labels has `size` tags.
    """
    check_n_tags(size)
    return _constraints(np.arange(size))


def _constraints(tags: np.ndarray) -> TagConstraints:
    # O counts as a UNIT here: no entity continues into it or out of it.
    label, position = np.divmod(tags - 1, TAGS_PER_LABEL)
    opens = (position == BEGIN) | (position == IN)
    continues = (position == IN) | (position == LAST)
    same_label = label[:, None] == label[None, :]
    return TagConstraints(
        transitions=np.where(opens[:, None], continues & same_label, ~continues),
        start=~continues,
        end=~opens,
    )


@dataclass(frozen=True)
class Entities:
    """Entities of a batch of documents, in the order of the text.

    docs: document of each entity. Shape (n_entities,).
    starts: its first token within the document. Shape (n_entities,).
    lengths: its number of tokens. Shape (n_entities,).
    labels: its label number. Shape (n_entities,).
    """

    docs: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray

    def tags(self) -> np.ndarray:
        """The BILUO tags of all entities, one after the other. Shape (sum of lengths,)."""
        firsts = np.cumsum(self.lengths) - self.lengths
        position = np.full(self.lengths.sum(), IN)
        position[firsts + self.lengths - 1] = LAST
        position[firsts] = np.where(self.lengths == 1, UNIT, BEGIN)
        return tag_of(np.repeat(self.labels, self.lengths), position)

    def segments(self) -> Segments:
        """The tags of the entities as segments, as the CRF's functions take them."""
        return Segments(self.docs, self.starts, self.lengths, self.tags())

    def where(self, wanted: np.ndarray) -> "Entities":
        """A subset of the entities. wanted: booleans, shape (n_entities,)."""
        fields = (self.docs, self.starts, self.lengths, self.labels)
        return Entities(*(field[wanted] for field in fields))


def no_entities() -> Entities:
    """No entities, for any batch."""
    return Entities(*np.zeros((4, 0), dtype="int64"))


def entities_of_tags(tags: np.ndarray, lengths: np.ndarray) -> Entities:
    """Read entities from valid tags.

    tags: one per token, all documents one after the other. Shape (n_tokens,).
    lengths: tokens per document. Shape (n_docs,).
    """
    position = (tags - 1) % TAGS_PER_LABEL
    inside = tags != OUTSIDE
    starts = np.flatnonzero(inside & ((position == BEGIN) | (position == UNIT)))
    lasts = np.flatnonzero(inside & ((position == LAST) | (position == UNIT)))
    doc_ends = np.cumsum(lengths)
    docs = np.searchsorted(doc_ends, starts, side="right")
    return Entities(
        docs=docs,
        starts=starts - (doc_ends - lengths)[docs],
        lengths=lasts - starts + 1,
        labels=(tags[starts] - 1) // TAGS_PER_LABEL,
    )
