"""Which lemmas a lemmatizer takes from its dictionary, and what it writes the others from."""

from dataclasses import dataclass, replace

from spacy.language import Language

from ..checks import check_int
from ..draw.html import page, paragraph, table, visible
from ..seq2seq.forms import SIGNS, Form, expand
from .alignment import MOST_OUTPUTS, Alignment, Table, align
from .alignment_heat import ALIGNMENT_STYLE
from .find import choose, find_lemmatizers, make_doc
from .heat import TABLE_STYLE

MOST_PICTURES = 20


@dataclass(frozen=True)
class WrittenLemma:
    """A form that is not in the dictionary.

    form: the word.
    tag: its tag; "" for none.
    alignment: the best lemmas, and what the characters of the first attend to. For a lemma that is
        the form, the network writes a single unit: `<as it is>` or `<in lower case>`.
    """

    form: str
    tag: str
    alignment: Alignment

    @property
    def title(self) -> str:
        """The form and its lemma."""
        return f"{visible(self.form)} → {visible(self.alignment.text)}"


@dataclass(frozen=True)
class LemmatizerExplanation:
    """The lemmas of a text, and what each character of the written ones attends to.

    component: its name in the pipeline.
    text: the text.
    direction: of the language's script, "ltr" or "rtl".
    tokens: the tokens of the text.
    lemmas: of the tokens. They are the component's, also where an earlier one has set others.
    by_network: whether the network writes them; else they are from the dictionary.
    written: the forms whose lemmas the network writes, each once, in the order of the text.
    """

    component: str
    text: str
    direction: str
    tokens: tuple[str, ...]
    lemmas: tuple[str, ...]
    by_network: tuple[bool, ...]
    written: tuple[WrittenLemma, ...]

    def tables(self, top: int = 3) -> list[Table]:
        """Title, header and rows of each table. top: how many attended characters to show."""
        rows = [
            [visible(token), visible(lemma), "network" if written else "dictionary"]
            for token, lemma, written in zip(self.tokens, self.lemmas, self.by_network, strict=True)
        ]
        attention = [
            each.alignment.table(f"Attention: {each.title}", "character", top)
            for each in self.written
        ]
        return [("Lemmas", ["token", "lemma", "from"], rows), *attention]

    def _repr_html_(self) -> str:
        lemmas, *_ = self.tables()
        about = (
            "The network writes the lemmas of forms that the dictionary of the training data does "
            "not have. Below, the attention in %: a row for each character of such a lemma, or for "
            "the sign that it is the form itself, and a column for each of the form."
        )
        pictures = [
            each.alignment.picture(each.title, direction=self.direction)
            for each in self.written[:MOST_PICTURES]
        ]
        if len(self.written) > len(pictures):
            pictures.append(paragraph(f"These are the first {MOST_PICTURES} of such forms."))
        parts = [table(*lemmas), *([paragraph(about)] if pictures else []), *pictures]
        return page(f"Lemmas by {self.component}", parts, style=TABLE_STYLE + ALIGNMENT_STYLE)


def explain_lemmatizer(
    nlp: Language, text: str, *, component: str | None = None, k: int = 3
) -> LemmatizerExplanation:
    """Explain the lemmas of a text.

    nlp: a pipeline with `seqrnn_lemmatizer`.
    text: the text, which is first annotated by the components before the lemmatizer.
    component: the name of the lemmatizer; None: the first one.
    k: how many of the best outputs to return at most for each form that the network reads.

    Raises ValueError for a pipeline without a lemmatizer of this package, an empty text, or a `k`
    that is out of range.
    """
    check_int("k", k, 1, MOST_OUTPUTS)
    name, pipe = choose(nlp, find_lemmatizers(nlp), "seqrnn_lemmatizer", component)
    doc = make_doc(nlp, text, before=name)
    found, sources = pipe.predict([doc]), pipe.sources([doc])
    alignments = align(pipe, list(sources.values()), k=k, beam=pipe.beam)
    return LemmatizerExplanation(
        component=name,
        text=doc.text,
        direction=doc.vocab.writing_system.get("direction", "ltr"),
        tokens=tuple(token.text for token in doc),
        lemmas=tuple(found.texts[number] for number in found.index[0].tolist()),
        by_network=tuple(
            (token.text, token.tag_ if pipe.use_tags else "") in sources for token in doc
        ),
        written=tuple(
            _written(form, alignment) for form, alignment in zip(sources, alignments, strict=True)
        ),
    )


def _written(form: Form, alignment: Alignment) -> WrittenLemma:
    """The lemmas of a form, whose alignment is that of what the network wrote for them."""
    word, tag = form
    outputs = [replace(each, text=expand(word, each.text)) for each in alignment.outputs]
    return WrittenLemma(
        word,
        tag,
        replace(
            alignment,
            text=expand(word, alignment.text),
            units=tuple(SIGNS.get(unit, unit) for unit in alignment.units),
            outputs=tuple(outputs),
        ),
    )
