"""The loss of the entity recogniser: the negative log probability of the annotation."""

from dataclasses import dataclass

import numpy as np
from spacy.training import Example

from ..batch.windows import Chunk
from ..crf.chain import Chain, LinearChain, PooledChain, members_of
from ..crf.losses import negative_log_likelihood, squared_difference, wrong_segments_loss
from .annotations import MISSING, LabelNumbers, allowed_by_gold, gold_tags, wrong_entities
from .biluo import Entities, no_entities
from .unlearnable import without_ruled_out


@dataclass(frozen=True)
class Gold:
    """What a batch of examples says about the tags of its tokens.

    tags: of all tokens, one document after the other, MISSING where unknown. Shape (n_tokens,).
    firsts: where in `tags` each document begins. Shape (n_docs,).
    wrong: spans that are known not to be entities of their label.
    """

    tags: np.ndarray
    firsts: np.ndarray
    wrong: Entities

    def of(self, chunk: Chunk) -> "Gold":
        """What it says about a chunk of the batch; context tokens have no annotation."""
        tags = np.where(chunk.kept, self.tags[chunk.rows], MISSING)
        firsts = np.cumsum(chunk.lengths) - chunk.lengths
        if not len(self.wrong.docs):
            return Gold(tags, firsts, self.wrong)
        wrong = [self._wrong_in(chunk, window) for window in range(len(chunk.lengths))]
        return Gold(tags, firsts, _joined(wrong))

    def _wrong_in(self, chunk: Chunk, window: int) -> Entities:
        """The wrong spans that begin within the kept tokens of a window and end within it."""
        starts = self.firsts[self.wrong.docs] + self.wrong.starts - chunk.firsts[window]
        own = (starts >= chunk.begins[window]) & (starts < chunk.ends[window])
        own &= starts + self.wrong.lengths <= chunk.lengths[window]
        return Entities(
            np.full(own.sum(), window), starts[own], self.wrong.lengths[own], self.wrong.labels[own]
        )


def _joined(entities: list[Entities]) -> Entities:
    fields = ("docs", "starts", "lengths", "labels")
    return Entities(*(np.concatenate([getattr(e, field) for e in entities]) for field in fields))


def read_gold(
    examples: list[Example], numbers: LabelNumbers, incorrect_spans_key: str | None
) -> Gold:
    """Read the annotation of a batch.

    numbers: label numbers. Nothing is learned from entities of other labels.
    Raises ValueError (E868) if a span is annotated as right and as wrong.
    """
    docs = [example.predicted for example in examples]
    tags = without_ruled_out(docs, gold_tags(examples, numbers))
    lengths = np.asarray([len(doc) for doc in docs])
    wrong = no_entities()
    if incorrect_spans_key is not None:
        wrong = wrong_entities(examples, incorrect_spans_key, numbers)
    return Gold(tags, np.cumsum(lengths) - lengths, wrong)


def ner_loss(chain: Chain, gold: Gold) -> tuple[float, Chain]:
    """The negative log probability of what is annotated, summed over the batch, and its gradient.

    chain: what a model returns; for an ensemble, each member has its own loss, and these are
        averaged.
    Raises ValueError if an annotation allows no tag sequence.
    """
    members = members_of(chain)
    allowed = allowed_by_gold(gold.tags, members[0].emissions.shape[1])
    return _gathered(chain, [_loss_of(member, gold, allowed) for member in members])


def _loss_of(chain: LinearChain, gold: Gold, allowed: np.ndarray) -> tuple[float, LinearChain]:
    """The loss of one model. allowed: see `allowed_by_gold`, shape (n_tokens, n_tags)."""
    doc_losses, gradient = negative_log_likelihood(chain, allowed[chain.packing.to_packed])
    loss = float(doc_losses.sum())
    if len(gold.wrong.docs):
        wrong_loss, wrong_gradient = wrong_segments_loss(chain, gold.wrong.segments())
        loss += wrong_loss
        gradient = gradient.plus(wrong_gradient)
    return loss, gradient


def rehearsal_loss(chain: Chain, earlier: Chain) -> tuple[float, Chain]:
    """The squared difference from an earlier model's scores, summed, and its gradient."""
    pairs = zip(members_of(chain), members_of(earlier), strict=True)
    return _gathered(chain, [squared_difference(new, old) for new, old in pairs])


def _gathered(chain: Chain, results: list[tuple[float, LinearChain]]) -> tuple[float, Chain]:
    """The mean loss of the models behind a chain, and the gradient for each of them."""
    losses, gradients = zip(*results, strict=True)
    gradient = PooledChain(gradients) if isinstance(chain, PooledChain) else gradients[0]
    return sum(losses) / len(losses), gradient
