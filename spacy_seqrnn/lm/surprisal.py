"""How surprising a document is, and where users read it."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from spacy.tokens import Doc, Token

KEY = "seqrnn_lm"  # in `doc.user_data`


@dataclass(frozen=True)
class Surprisal:
    """What a language model says about a document.

    bits: the negative binary logarithms of the probabilities of its tokens, each given those before
        it, and of its end. Shape (n_tokens + 1,); (0,) for a document without tokens.
    n_units: the words or characters that were predicted, with the end.
    n_best: how many of them were the most probable ones.
    """

    bits: np.ndarray
    n_units: int
    n_best: int

    @property
    def perplexity(self) -> float:
        """2 to the power of the mean surprisal of the units and of the end, if there are any."""
        return float(2.0 ** (self.bits.sum() / self.n_units))

    def as_dict(self) -> dict[str, Any]:
        """As it is saved with a document."""
        return asdict(self)


def surprisal_of(doc: Doc) -> Surprisal | None:
    """What a language model has said about a document."""
    saved = doc.user_data.get(KEY)
    return Surprisal(**saved) if saved else None


def perplexity(doc: Doc) -> float | None:
    """2 to the power of the mean surprisal of its units and of its end; None without any."""
    found = surprisal_of(doc)
    return found.perplexity if found and found.n_units else None


def token_surprisal(token: Token) -> float | None:
    """The surprisal of a token in bits."""
    found = surprisal_of(token.doc)
    return None if found is None else float(found.bits[token.i])


def set_extensions() -> None:
    """Offer `doc._.perplexity` and `token._.surprisal`, unless the names are taken."""
    if not Doc.has_extension("perplexity"):
        Doc.set_extension("perplexity", getter=perplexity)
    if not Token.has_extension("surprisal"):
        Token.set_extension("surprisal", getter=token_surprisal)
