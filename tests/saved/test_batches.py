"""The batches that training reads can be read once more, whatever draws random numbers."""

import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.training import Example
from spacy.training.loop import create_train_batches
from spacy.util import minibatch
from thinc.api import fix_random_seed

from spacy_seqrnn.saved.batches import Batch, RepeatableBatches
from spacy_seqrnn.saved.randomness import States

from ..conftest import gold_docs

N_STEPS = 12
DRAWS: dict[str, Callable[[], Any]] = {
    "random": random.random,
    "numpy": np.random.random,
    "torch": partial(torch.rand, 1),
    "nothing": int,
}


def _examples(nlp: Language) -> list[Example]:
    return [Example(gold, gold) for gold in gold_docs(nlp.vocab)]


def _corpus(draw: Callable[[], Any], nlp: Language) -> Iterator[Example]:
    """The sentences without some that are omitted at random."""
    for example in _examples(nlp):
        if float(draw()) < 0.6:
            yield example


def _batches(
    draw: Callable[[], Any], max_epochs: int, drawn: dict[int, States]
) -> RepeatableBatches:
    corpus, batcher = partial(_corpus, draw), partial(minibatch, size=2)
    batches = create_train_batches(spacy.blank("xx"), corpus, batcher, max_epochs)
    return RepeatableBatches(batches, drawn)


def _read(batches: Iterable[Batch], n: int, train: Callable[[], Any]) -> list[Any]:
    """The epochs and texts of some batches, each of which is trained on."""
    read = []
    for epoch, batch in batches:
        read.append((epoch, [example.text for example in batch]))
        if len(read) == n:
            break
        train()
    return read


@pytest.mark.parametrize("max_epochs", [0, -1])
@pytest.mark.parametrize("reads", DRAWS)
@pytest.mark.parametrize("trains", DRAWS)
def test_are_read_again_without_training(reads: str, trains: str, max_epochs: int) -> None:
    fix_random_seed(3)
    first = _batches(DRAWS[reads], max_epochs, {})
    expected = _read(first, N_STEPS, DRAWS[trains])
    fix_random_seed(4)
    again = _batches(DRAWS[reads], max_epochs, first.drawn)
    assert _read(again, N_STEPS, int) == expected
    assert again.checksum == first.checksum
    assert again.drawn == first.drawn
    assert again.n_read == N_STEPS


def test_little_is_recorded() -> None:
    """Of a shuffled corpus, training draws from another generator than shuffling."""
    batches = _batches(DRAWS["nothing"], 0, {})
    _read(batches, N_STEPS, DRAWS["numpy"])
    assert {number: list(states) for number, states in batches.drawn.items()} == {0: ["random"]}


def test_every_change_changes_the_checksum() -> None:
    nlp = spacy.blank("xx")

    def checksum(change: Callable[[list[Example]], Any]) -> str:
        examples = _examples(nlp)
        change(examples)
        batches = RepeatableBatches([(0, examples)], {})
        assert len(list(batches)) == 1
        assert batches.at_end
        return batches.checksum

    def tag(examples: list[Example]) -> None:
        examples[0].reference[0].tag_ = "OTHER"

    def entity(examples: list[Example]) -> None:
        examples[0].reference.ents = ()

    def category(examples: list[Example]) -> None:
        examples[0].reference.cats["GOOD"] = 0.25

    changes: list[Callable[[list[Example]], Any]] = [
        len,
        list.reverse,
        list.pop,
        tag,
        entity,
        category,
    ]
    assert len({checksum(change) for change in changes}) == len(changes)
    assert checksum(len) == checksum(len)
