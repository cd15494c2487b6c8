"""Which of several continuations of a text is the most probable one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span

from ..draw.html import page, paragraph, table, visible
from ..lm.component import RecurrentLM
from ..lm.shared import embed_shared
from ..lm.units import CHARACTERS, UNKNOWN, in_units
from .find import choose, find_language_models


@dataclass(frozen=True)
class Continuation:
    """What may follow a text.

    text: the continuation.
    units: its words or characters.
    surprisal: of all of them together, given the text before, in bits.
    probability: 2 to the power of minus that.
    share: of the probability of all compared continuations.
    unknown: those of its units that have no probability of their own. The probability contains that
        of all unknown units in their place.
    """

    text: str
    units: tuple[str, ...]
    surprisal: float
    probability: float
    share: float
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Continuations of a text, in the order in which they were given.

    component: the name of the language model in the pipeline.
    prefix: the text.
    unit: what the model predicts: "words" or "characters".
    continuations: what may follow.
    """

    component: str
    prefix: str
    unit: str
    continuations: tuple[Continuation, ...]

    def tables(self) -> list[tuple[str, list[str], list[list[str]]]]:
        """Title, header and rows of one table."""
        rows = [
            [
                visible(each.text),
                f"{each.probability:.3g}",
                f"{each.surprisal:.2f}",
                f"{100 * each.share:.1f} %",
                ", ".join(map(visible, each.unknown)),
            ]
            for each in self.continuations
        ]
        title = f"What follows {visible(self.prefix)!r}" if self.prefix else "How a text begins"
        return [(title, ["continuation", "probability", "bits", "share", "unknown"], rows)]

    @property
    def warning(self) -> str:
        """A sentence on unknown units; "" if there are none."""
        unknown = dict.fromkeys(unit for each in self.continuations for unit in each.unknown)
        if not unknown:
            return ""
        named = ", ".join(map(repr, unknown))
        return (
            f"The model knows no probability of {named} alone, only that of all unknown "
            f"{self.unit} together: compare other {self.unit}."
        )

    def _repr_html_(self) -> str:
        parts = [paragraph(self.warning)] if self.warning else []
        parts += [table(*one) for one in self.tables()]
        return page(f"Continuations by {self.component}", parts)


def compare_continuations(
    nlp: Language, prefix: str, continuations: Sequence[str], *, component: str | None = None
) -> Comparison:
    """Compare the probabilities of what may follow a text, as in a test of agreement.

    nlp: a pipeline with `seqrnn_lm`.
    prefix: the beginning of a text, such as "The cat that sat on the mats"; "" for none.
    continuations: one or more words each, such as "was" and "were". They begin new words.
    component: the name of the language model; None: the first one.

    A longer continuation is less probable, as each unit makes it so. What follows the continuation
    is left open: to a model of characters, "was" includes the beginning of "wasp".

    Raises ValueError for a pipeline without a language model of this package, and without a
    continuation or for an empty one.
    """
    name, pipe = choose(nlp, find_language_models(nlp), "seqrnn_lm", component)
    if isinstance(continuations, str) or not continuations:
        raise ValueError(
            f"`continuations = {continuations!r}` cannot be compared: give a list of at least one "
            'text, such as ["was", "were"].'
        )
    for each in continuations:
        if not each.strip():
            raise ValueError(f"The continuation {each!r} is empty: give it at least one word.")
    begin = _read(nlp, prefix)
    before = len(begin.text) if pipe.unit == CHARACTERS else len(begin)
    docs = [_joined(begin, _read(nlp, each), pipe.unit) for each in continuations]
    embed_shared(pipe.model.get_ref("tok2vec"), nlp, docs)
    bits = np.asarray([found.bits[before:-1].sum() for found in pipe.predict(docs)])
    shares = 2.0 ** (bits.min() - bits)  # of the most probable one
    shares /= shares.sum()
    found = [
        _continuation(pipe, text, doc[before:], each, share)
        for text, doc, each, share in zip(
            continuations, docs, bits.tolist(), shares.tolist(), strict=True
        )
    ]
    return Comparison(name, prefix, pipe.unit, tuple(found))


def _read(nlp: Language, text: str) -> Doc:
    """A text as tokens, without white space around it."""
    return nlp.make_doc(text.strip())


def _joined(begin: Doc, end: Doc, unit: str) -> Doc:
    """One document of both, in units, with a space between them."""
    words = [token.text for doc in (begin, end) for token in doc]
    spaces = [bool(token.whitespace_) for doc in (begin, end) for token in doc]
    if len(begin):
        spaces[len(begin) - 1] = True
    (doc,) = in_units([Doc(begin.vocab, words=words, spaces=spaces)], unit)
    return doc


def _continuation(
    pipe: RecurrentLM, text: str, units: Span, bits: float, share: float
) -> Continuation:
    known = pipe.vocabulary.numbers_of([units.as_doc()]) != UNKNOWN
    names = [token.text for token in units]
    return Continuation(
        text=text,
        units=tuple(names),
        surprisal=bits,
        probability=2.0**-bits,
        share=share,
        unknown=tuple(name for name, there in zip(names, known, strict=True) if not there),
    )
