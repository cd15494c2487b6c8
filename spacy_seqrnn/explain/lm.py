"""What a language model expects at each place of a text, and how surprising the text is."""

from dataclasses import dataclass
from math import log2

from spacy.language import Language

from ..checks import check_int
from ..draw.html import page, paragraph, table, visible
from ..lm.units import CHARACTERS
from .find import choose, find_language_models, make_doc
from .heat import STYLE
from .predictions import Prediction, predictions_of
from .surprisal_heat import SURPRISAL_STYLE, candidate_map, surprisal_text

MOST_CANDIDATES = 1000


@dataclass(frozen=True)
class LMExplanation:
    """How a language model reads a text, from left to right.

    component: its name in the pipeline.
    text: the text.
    direction: of the language's script, "ltr" or "rtl".
    unit: what the model predicts: "words" or "characters".
    n_units: among how many units it divides the probability.
    tokens: the tokens of the text.
    surprisals: of the tokens, in bits.
    perplexity: 2 to the power of the mean surprisal of all predictions.
    predictions: of each unit of the text and of its end.
    """

    component: str
    text: str
    direction: str
    unit: str
    n_units: int
    tokens: tuple[str, ...]
    surprisals: tuple[float, ...]
    perplexity: float
    predictions: tuple[Prediction, ...]

    def tables(self, top: int | None = None) -> list[tuple[str, list[str], list[list[str]]]]:
        """Title, header and rows of each table. top: how many units to show at each place."""
        total = sum(each.surprisal for each in self.predictions)
        sums = [f"{len(self.predictions)}", f"{total:.2f}", f"{self.perplexity:.2f}"]
        header = [f"{self.unit} and the end", "bits", "perplexity"]
        tables = [("Perplexity", header, [sums])]
        if self.unit == CHARACTERS:
            pairs = zip(self.tokens, self.surprisals, strict=True)
            rows = [[visible(token), f"{bits:.2f}"] for token, bits in pairs]
            tables.append(("Surprisal of each token", ["token", "bits"], rows))
        header = [self.unit.removesuffix("s"), "bits", "rank", "most probable"]
        rows = [_row(each, top) for each in self.predictions]
        return [*tables, (f"Most probable {self.unit} at each place", header, rows)]

    def _repr_html_(self) -> str:
        limit = log2(self.n_units)
        one = self.unit.removesuffix("s")
        said = (
            f"Perplexity {self.perplexity:.2f}: on average, the model is as uncertain as if it "
            f"chose among so many {self.unit} that are equally probable. The stronger the colour "
            f"of a {one}, the more surprising it is. It is full from {limit:.1f} bits on, the "
            f"surprisal of a {one} if all {self.n_units:,} were equally probable."
        )
        parts = [
            surprisal_text(self.text, self.predictions[:-1], limit, direction=self.direction),
            paragraph(said),
            candidate_map(self.predictions, self.unit, limit, direction=self.direction),
            *(table(*one) for one in self.tables()),
        ]
        return page(f"Surprisal by {self.component}", parts, style=STYLE + SURPRISAL_STYLE)


def _row(found: Prediction, top: int | None) -> list[str]:
    shown = [
        f"{visible(each.unit)} {each.probability:.3f}{' (true)' * each.is_true}"
        for each in found.best[:top]
    ]
    name = visible(found.unit) + ("" if found.is_known else " (unknown)")
    return [name, f"{found.surprisal:.2f}", str(found.rank), ", ".join(shown)]


def explain_lm(
    nlp: Language, text: str, *, component: str | None = None, k: int = 10
) -> LMExplanation:
    """Explain what a language model expects at each place of a text.

    nlp: a pipeline with `seqrnn_lm`.
    text: the text to explain, which is first annotated by the components before the model.
    component: the name of the language model; None: the first one.
    k: how many of the most probable units to return at each place.

    Raises ValueError for a pipeline without a language model of this package, an empty text, or a
    `k` that is out of range.
    """
    check_int("k", k, 1, MOST_CANDIDATES)
    name, pipe = choose(nlp, find_language_models(nlp), "seqrnn_lm", component)
    doc = make_doc(nlp, text, before=name)
    (found,) = pipe.predict([doc])
    return LMExplanation(
        component=name,
        text=doc.text,
        direction=doc.vocab.writing_system.get("direction", "ltr"),
        unit=pipe.unit,
        n_units=pipe.vocabulary.size,
        tokens=tuple(token.text for token in doc),
        surprisals=tuple(found.bits[:-1].tolist()),
        perplexity=found.perplexity,
        predictions=tuple(predictions_of(pipe, doc, k)),
    )
