"""What each unit of a written text attends to in its source."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from ..checks import check_int
from ..draw.html import page, paragraph, table, visible
from ..seq2seq.model import has_attention
from ..seq2seq.pipe import WIDEST_BEAM, Output, Seq2SeqPipe
from .alignment_heat import ALIGNMENT_STYLE, alignment_map
from .find import choose, find_text2text, make_doc
from .heat import LEAST_SHOWN, TABLE_STYLE
from .predictions import END_NAME

MOST_OUTPUTS = 1000
NO_ATTENTION = (
    'The decoder has no attention (`attention = "none"`), so there are no weights: it knows of the '
    "source only its own first states."
)
PICTURE = "Attention in %"

Table = tuple[str, list[str], list[list[str]]]


@dataclass(frozen=True)
class Alignment:
    """What is written for a source, and what each unit of it attends to.

    source: the units of the source.
    text: what the component writes.
    units: the units of this text, and its end.
    weights: how much of its attention each of `units` gives to each unit of the source; each row
        has a sum of 1. Shape (n_units, n_source_units). None if the decoder has no attention.
    outputs: the best texts that are found, the best first. The search for several may read more
        beginnings than the component does, and find a better text.
    """

    source: tuple[str, ...]
    text: str
    units: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...] | None
    outputs: tuple[Output, ...]

    def table(self, title: str, unit: str, top: int) -> Table:
        """Title, header and rows of a table of what each unit attends to.

        unit: what they are, such as "character".
        top: how many units of the source to show for each.
        """
        header = [unit, "most attended units of the source (position, weight)"]
        if self.weights is None:
            return NO_ATTENTION, header, []
        rows = [
            [visible(name), _most_attended(self.source, np.asarray(row), top)]
            for name, row in zip(self.units, self.weights, strict=True)
        ]
        return title, header, rows

    def picture(self, title: str, *, direction: str) -> str:
        """A heat map, or a sentence without attention. direction: of the source, "ltr" or "rtl"."""
        if self.weights is None:
            return paragraph(NO_ATTENTION)
        return alignment_map(title, self.source, self.units, self.weights, direction=direction)


def _most_attended(source: Sequence[str], weights: np.ndarray, top: int) -> str:
    """The units of a source with the largest weights, but none whose weight rounds to 0."""
    order = np.argsort(-weights, kind="stable")[:top]
    shown = [number for number in order.tolist() if weights[number] >= LEAST_SHOWN]
    return ", ".join(f"{visible(source[i])} ({i + 1}, {weights[i]:.2f})" for i in shown)


def align(pipe: Seq2SeqPipe, sources: list[Doc], *, k: int, beam: int) -> list[Alignment]:
    """What is written for sources, and what each unit of it attends to.

    sources: documents whose tokens are units.
    k: the most outputs for each.
    beam: how many beginnings are continued at a time; at least `k` for the outputs.
    """
    written = pipe.write(sources, beam=beam, k=1)
    found = written if k == 1 else pipe.write(sources, beam=max(beam, k), k=k)
    texts = [best[0].text if best else "" for best in written]
    weights = pipe.attend(sources, texts)
    attends = has_attention(pipe.model)
    split = pipe.vocabulary.kind.split
    return [
        Alignment(
            source=tuple(token.text for token in source),
            text=text,
            units=(*split(text), END_NAME),
            weights=tuple(map(tuple, rows.tolist())) if attends else None,
            outputs=tuple(outputs),
        )
        for source, text, rows, outputs in zip(sources, texts, weights, found, strict=True)
    ]


@dataclass(frozen=True)
class Text2TextExplanation:
    """The text that a component writes for a text, and what each of its units attends to.

    component: its name in the pipeline.
    text: the text that it reads.
    direction: of the language's script, "ltr" or "rtl".
    source_unit, target_unit: what it reads and writes: "words", "characters" and so on.
    alignment: the best outputs, and the weights of the attention.
    """

    component: str
    text: str
    direction: str
    source_unit: str
    target_unit: str
    alignment: Alignment

    def tables(self, top: int = 3) -> list[Table]:
        """Title, header and rows of each table. top: how many attended units to show for each."""
        header = ["output", "score", "log probability"]
        outputs = [
            [visible(each.text), f"{each.score:.4f}", f"{each.log_probability:.4f}"]
            for each in self.alignment.outputs
        ]
        return [
            ("Best outputs", header, outputs),
            self.alignment.table(
                f"Attention of the {self.target_unit} of the output",
                self.target_unit.removesuffix("s"),
                top,
            ),
        ]

    def _repr_html_(self) -> str:
        about = (
            f"The heat map has a row for each of the {self.target_unit} of the output, and a "
            f"column for each of the {self.source_unit} of the source."
        )
        outputs, attention = (table(*one) for one in self.tables())
        attends = self.alignment.weights is not None
        parts = [
            paragraph(f"Output: {self.alignment.text}"),
            *([paragraph(about)] if attends else []),
            self.alignment.picture(PICTURE, direction=self.direction),
            outputs,
            *([attention] if attends else []),
        ]
        return page(f"Text by {self.component}", parts, style=TABLE_STYLE + ALIGNMENT_STYLE)


def explain_text2text(
    nlp: Language, text: str, *, component: str | None = None, k: int = 3, beam: int | None = None
) -> Text2TextExplanation:
    """Explain what a component writes for a text.

    nlp: a pipeline with `seqrnn_text2text`.
    text: the text to read, which is first annotated by the components before this one.
    component: its name; None: the first one.
    k: how many of the best outputs to return at most.
    beam: how many beginnings are continued at a time. None: as many as the component does. With
        less than `k`, the outputs come from a search of their own, with a beam of `k`.

    Raises ValueError for a pipeline without such a component, an empty text, or a number that is
    out of range.
    """
    check_int("k", k, 1, MOST_OUTPUTS)
    name, pipe = choose(nlp, find_text2text(nlp), "seqrnn_text2text", component)
    beam = pipe.beam if beam is None else beam
    check_int("beam", beam, 1, WIDEST_BEAM)
    doc = make_doc(nlp, text, before=name)
    (alignment,) = align(pipe, pipe.sources([doc]), k=k, beam=beam)
    return Text2TextExplanation(
        component=name,
        text=doc.text,
        direction=doc.vocab.writing_system.get("direction", "ltr"),
        source_unit=pipe.model.attrs["source_unit"].replace("_", " "),
        target_unit=pipe.model.attrs["target_unit"].replace("_", " "),
        alignment=alignment,
    )
