"""Examples in another order each time that they are read."""

import random
from collections.abc import Callable, Iterable, Iterator

from spacy.language import Language
from spacy.training import Example

Reader = Callable[[Language], Iterable[Example]]


class Shuffled:
    """A reader; see `make_shuffled`."""

    def __init__(self, corpus: Reader) -> None:
        self.corpus = corpus

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """Yield all examples."""
        examples = list(self.corpus(nlp))
        random.shuffle(examples)
        yield from examples


def make_shuffled(corpus: Reader) -> Shuffled:
    """Read all that another reader gives, in another order each time.

    Registered as `spacy-seqrnn.Shuffled.v1`. With `max_epochs = -1` of [training], spaCy reads the
    corpus anew for each epoch, which an augmenter needs to make other examples each time, but it
    leaves their order as it is: an example and those that are made from it would be in one batch.
    All examples are in memory at once.

    corpus: the reader.
    """
    return Shuffled(corpus)
