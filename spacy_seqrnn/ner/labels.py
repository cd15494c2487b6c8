"""The labels of a recogniser: their names, numbers, tags and weights."""

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
        raise ValueError("An entity label must have at least one character that is not a space.")
    if label.startswith("!"):  # how spaCy 2 wrote "no entity of this label"
        raise ValueError(Errors.E869.format(label=label))
    if label[:2] in [f"{prefix}-" for prefix in PREFIXES]:
        raise ValueError(
            f"The entity label '{label}' looks like the tag of a single token: annotate spans with "
            f"the label '{label[2:]}', e.g. by converting the data with `spacy convert -c ner`."
        )


def label_numbers(labels: Sequence[str], strings: StringStore) -> LabelNumbers:
    """The number of each label, by the hash of its name, as in spaCy's annotation."""
    return {strings[label]: number for number, label in enumerate(labels)}


def tags_of(wanted: Sequence[bool]) -> np.ndarray:
    """O, and all tags of the wanted labels. Booleans, shape (n_tags,)."""
    return np.asarray([True, *np.repeat(wanted, TAGS_PER_LABEL)])


def labels_in(examples: Iterable[Example]) -> set[str]:
    """The labels of the entities in the references."""
    return {
        example.reference.vocab.strings[name]
        for example in examples
        for name in set(example.reference.to_array(ENT_TYPE).tolist()).difference({0})
    }


def share_labels(labels: Sequence[str], vocab: Vocab, docs: Iterable[Doc]) -> None:
    """Add all label names to the string stores of documents that have another vocab."""
    others = {id(doc.vocab): doc.vocab for doc in docs if doc.vocab is not vocab}
    for other in others.values():
        for label in labels:
            other.strings.add(label)


class LabelledPipe(SavedWithChecksum):
    """The part of a recogniser that keeps its labels and their weights.

    `cfg["labels"]` names all labels, and `cfg["unseen_labels"]` those that have had no entity in
    training yet. Both are saved.
    """

    @property
    def label_data(self) -> list[str]:
        """What `spacy init labels` saves and `initialize` accepts."""
        return list(self.labels)

    @property
    def label_weights(self) -> LabelWeights:
        """How many wrong entities are as bad as a missed one, by label or for all.

        In prediction, the odds of each entity are multiplied by its label's weight: where nothing
        else competes, an entity is predicted if its score is above 1 / (1 + weight). A weight above
        1 raises recall and lowers precision; one below 1 does the opposite. Weights affect neither
        training nor scores, so they can be set at any time; those in the `config` of `spacy.load`
        are saved too.

        Raises ValueError for a weight that is not above 0.
        """
        return self._label_weights

    @label_weights.setter
    def label_weights(self, weights: LabelWeights) -> None:
        check_weights(self.name, weights)
        self._label_weights = dict(weights) if isinstance(weights, dict) else weights

    def add_label(self, label: str) -> int:
        """Add a label.

        A trained model keeps what it has learned, and does not predict the new label until it has
        been trained on an entity of it.

        label: an entity label such as "PER".

        Returns 1, or 0 if the label already exists. Raises ValueError for an invalid label.
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
        """Add labels that occur in training, as spaCy's `ner` does, and mark them as seen."""
        found = labels_in(examples)
        for label in sorted(found.difference(self.labels)):
            self.add_label(label)
        if self.cfg["unseen_labels"]:
            unseen = [label for label in self.cfg["unseen_labels"] if label not in found]
            self.cfg["unseen_labels"] = unseen

    def _check_label_weights(self) -> None:
        check_weighted_labels(self.name, self.label_weights, self.labels)
