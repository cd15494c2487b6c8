"""Small language models of sentences, with each cell."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Adam, fix_random_seed

from .grammar import Sentence, make_sentence

WIDTH, EMBED_WIDTH = 32, 16
STEPS, SENTENCES_PER_STEP = 1000, 32
LEARN_RATE = 0.01  # falls to 0 in equal steps
N_COUNTED = 500  # sentences whose words make the vocabulary


def train(cell: str, seed: int, n_modifiers: Callable[[random.Random], int]) -> Language:
    """A language model of sentences that are new at each step.

    cell: one of `spacy_seqrnn.rnn.cells.CELLS`.
    seed: of the weights and of the sentences, which are the same for all cells.
    n_modifiers: how many modifiers a sentence has.
    """
    fix_random_seed(seed)
    chance = random.Random(seed)
    nlp = spacy.blank("en")
    nlp.add_pipe("seqrnn_lm", config={"model": model_config(cell), "min_count": 1})

    def batch(n_sentences: int) -> list[Example]:
        made = [make_sentence(chance, n_modifiers(chance)) for _ in range(n_sentences)]
        docs = [Doc(nlp.vocab, words=each.words) for each in made]
        return [Example(doc, doc) for doc in docs]

    counted = batch(N_COUNTED)
    nlp.initialize(lambda: counted)
    optimizer = Adam(LEARN_RATE)
    for step in range(STEPS):
        optimizer.learn_rate = LEARN_RATE * (1 - step / STEPS)
        nlp.update(batch(SENTENCES_PER_STEP), sgd=optimizer, losses={})
    return nlp


def model_config(cell: str) -> dict[str, Any]:
    """Config of the model: learned word vectors and one recurrent layer."""
    words = {"@architectures": "spacy-seqrnn.WordEmbed.v1", "width": EMBED_WIDTH, "attr": "ORTH"}
    return {
        "@architectures": "spacy-seqrnn.LanguageModel.v1",
        "max_grad_norm": 1.0,
        "tok2vec": {
            "@architectures": "spacy.Tok2Vec.v2",
            "embed": {"@architectures": "spacy-seqrnn.LexemeEmbed.v1", "layers": {"words": words}},
            "encode": {
                "@architectures": "spacy-seqrnn.RNNEncoder.v1",
                "width": WIDTH,
                "cell": cell,
                "bidirectional": False,
                "dropout": 0.0,
            },
        },
    }


def share_right(nlp: Language, sentences: Sequence[Sentence]) -> float:
    """In how many sentences, in percent, the right form of the verb is the more probable one."""
    right = verb_bits(nlp, [(each.prefix, each.right) for each in sentences])
    wrong = verb_bits(nlp, [(each.prefix, each.wrong) for each in sentences])
    return round(100 * float(np.mean(right < wrong)), 1)


def verb_bits(nlp: Language, beginnings: Sequence[tuple[tuple[str, ...], str]]) -> np.ndarray:
    """The surprisal of each verb behind its words, in bits. Shape (n_sentences,)."""
    docs = [Doc(nlp.vocab, words=[*prefix, verb]) for prefix, verb in beginnings]
    return np.asarray([doc[-1]._.surprisal for doc in nlp.pipe(docs, batch_size=200)])


def n_weights(nlp: Language) -> int:
    """The weights of the recurrent layer."""
    model = nlp.get_pipe("seqrnn_lm").model  # type: ignore[attr-defined]
    return sum(node.get_param("weights").size for node in model.walk() if node.has_param("weights"))
