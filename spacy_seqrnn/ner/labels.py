"""The labels that a recogniser knows: their names, numbers, tags and weights."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from spacy.attrs import ENT_TYPE
from spacy.errors import Errors
from spacy.strings import StringStore
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab

from .annotations import LabelNumbers
from .biluo import PREFIXES, TAGS_PER_LABEL, n_tags
from .label_weights import LabelWeights, check_weighted_labels, check_weights
from .serialization import SavedWithChecksum


def check_label(label: Any) -> None:
    """Raise ValueError for what cannot be an entity label."""
    if not isinstance(label, str):
        raise ValueError(Errors.E187)
    if not label.strip():
        raise ValueError("An entity label must have at least one character that is no space.")
    if label.startswith("!"):  # how spaCy 2 wrote "no entity of this label"
        raise ValueError(Errors.E869.format(label=label))
    if label[:2] in [f"{prefix}-" for prefix in PREFIXES]:
        raise ValueError(
            f"The entity label '{label}' looks like the tag of a single token: annotate spans with "
            f"the label '{label[2:]}', e.g. by converting the data with `spacy convert -c ner`."
        )


def label_numbers(labels: Sequence[str], strings: StringStore) -> LabelNumbers:
    """The number of each label by the hash of its name, as annotation has it."""
    return {strings[label]: number for number, label in enumerate(labels)}


def tags_of(wanted: Sequence[bool]) -> np.ndarray:
    """O, and all tags of the labels that are wanted. Booleans, shape (n_tags,)."""
    return np.asarray([True, *np.repeat(wanted, TAGS_PER_LABEL)])


def labels_in(examples: Iterable[Example]) -> set[str]:
    """The labels of the entities that the references have."""
    return {
        example.reference.vocab.strings[name]
        for example in examples
        for name in set(example.reference.to_array(ENT_TYPE).tolist()).difference({0})
    }


def share_labels(labels: Sequence[str], vocab: Vocab, docs: Iterable[Doc]) -> None:
    """Let the documents that have another vocab know the names of all labels."""
    others = {id(doc.vocab): doc.vocab for doc in docs if doc.vocab is not vocab}
    for other in others.values():
        for label in labels:
            other.strings.add(label)


class LabelledPipe(SavedWithChecksum):
    """The part of a recogniser that keeps its labels and their weights.

    `cfg["labels"]` names all of them, and `cfg["unseen_labels"]` those that training has met no
    entity of yet. Both are saved.
    """

    @property
    def label_data(self) -> list[str]:
        """What `spacy init labels` saves and `initialize` takes."""
        return list(self.labels)

    @property
    def label_weights(self) -> LabelWeights:
        """How many wrong entities are as bad as one that is missed, by label or for all.

        In prediction, the odds of each entity of the label are multiplied by its weight: where
        nothing else competes, an entity is found if its score is above 1 / (1 + weight). Above 1,
        more are found, and more that are none; below 1, fewer. Training and scores do not know of
        it, so it can be set at any time; what `spacy.load` is given in `config` is saved too.

        Raises ValueError for a weight that is not above 0.
        """
        return self._label_weights

    @label_weights.setter
    def label_weights(self, weights: LabelWeights) -> None:
        check_weights(self.name, weights)
        self._label_weights = dict(weights) if isinstance(weights, dict) else weights

    def add_label(self, label: str) -> int:
        """Add a label.

        A trained model keeps what it has learnt, and does not predict the new label until it has
        been trained with an entity of it.

        label: an entity label such as "PER".

        Returns 1, or 0 if it is there already. Raises ValueError for what cannot be a label.
        """
        check_label(label)
        if label in self.labels:
            return 0
        if self.model.has_dim("nO"):
            self.model.attrs["resize_output"](self.model, n_tags(len(self.labels) + 1))
            self.cfg["unseen_labels"].append(label)
        self.cfg["labels"].append(label)
        self.vocab.strings.add(label)
        return 1

    @property
    def _label_numbers(self) -> LabelNumbers:
        return label_numbers(self.labels, self.vocab.strings)

    def _see_labels(self, examples: list[Example]) -> None:
        """Labels that turn up in training are added, as spaCy's `ner` does, and are seen now."""
        found = labels_in(examples)
        for label in sorted(found.difference(self.labels)):
            self.add_label(label)
        if self.cfg["unseen_labels"]:
            unseen = [label for label in self.cfg["unseen_labels"] if label not in found]
            self.cfg["unseen_labels"] = unseen

    def _check_label_weights(self) -> None:
        check_weighted_labels(self.name, self.label_weights, self.labels)
