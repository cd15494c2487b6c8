"""Why a recogniser predicts the entities that it predicts."""

from dataclasses import dataclass, replace

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from ..checks import check_int
from ..crf.chain import LinearChain, pooled
from ..crf.decoding import k_best, viterbi
from ..crf.expectations import marginals
from ..draw.html import page, paragraph, table, visible
from ..ner.biluo import tag_names
from ..ner.component import RecurrentNER
from ..ner.label_weights import weighted
from .find import choose, find_recognisers, make_doc
from .heat import STYLE, describe_differences, entity_text, heat_map

MOST_PATHS = 1000


@dataclass(frozen=True)
class EntityScore:
    """A predicted entity.

    text: its text.
    label: its label.
    start, end: its first token, and the one after its last.
    start_char, end_char: the same in characters.
    score: the total probability of the tag sequences that contain exactly it.
    """

    text: str
    label: str
    start: int
    end: int
    start_char: int
    end_char: int
    score: float


@dataclass(frozen=True)
class TagPath:
    """A tag sequence.

    tags: one for each token.
    probability: its exact probability among all allowed sequences, from 0 to 1.
    """

    tags: tuple[str, ...]
    probability: float


@dataclass(frozen=True)
class NERExplanation:
    """How a recogniser reads a text.

    All probabilities are at the temperature that `calibrate` has fitted, like those in `doc.spans`.

    component: its name in the pipeline.
    text: the text.
    direction: of the language's script, "ltr" or "rtl".
    tokens: the tokens of the text.
    labels: all labels that the model knows.
    tags: all tags that the model knows, O and then four for each label.
    marginals: the probability of each tag at each token. Shape (n_tokens, n_tags).
    entities: the predicted entities, in the order of the text.
    paths: the most probable tag sequences, best first. Label weights may select another sequence.
    unconstrained: the best tags if the BILUO scheme, earlier annotation and sentence boundaries
        forbade nothing. Transitions that are never allowed are not trained, so they score 0.
    label_weights: the component's, which affect only `entities` and `unconstrained`.
    """

    component: str
    text: str
    direction: str
    tokens: tuple[str, ...]
    labels: tuple[str, ...]
    tags: tuple[str, ...]
    marginals: tuple[tuple[float, ...], ...]
    entities: tuple[EntityScore, ...]
    paths: tuple[TagPath, ...]
    unconstrained: tuple[str, ...]
    label_weights: float | dict[str, float]

    def tables(self, top: int = 3) -> list[tuple[str, list[str], list[list[str]]]]:
        """Title, header and rows of each table. top: how many tags to show for each token."""
        found = [[visible(e.text), e.label, f"{e.score:.4f}"] for e in self.entities]
        ways = [[f"{p.probability:.4f}", " ".join(p.tags)] for p in self.paths]
        return [
            ("Entities", ["entity", "label", "probability"], found),
            (f"Most probable tag sequences{self._before()}", ["probability", "tags"], ways),
            ("Tags of each token", ["token", "without constraints", "probable"], self._rows(top)),
        ]

    def _before(self) -> str:
        return "" if self.label_weights in ({}, 1.0) else ", before label_weights"

    def _rows(self, top: int) -> list[list[str]]:
        rows = []
        for token, free, row in zip(self.tokens, self.unconstrained, self.marginals, strict=True):
            best = sorted(zip(row, self.tags, strict=True), key=_probability, reverse=True)[:top]
            shown = ", ".join(f"{tag} {probability:.3f}" for probability, tag in best)
            rows.append([visible(token), free, shown])
        return rows

    @property
    def found(self) -> tuple[str, ...]:
        """The tag of each token in the predicted entities."""
        found = ["O"] * len(self.tokens)
        for entity in self.entities:
            tags = [f"I-{entity.label}"] * (entity.end - entity.start)
            tags[0], tags[-1] = f"B-{entity.label}", f"L-{entity.label}"
            found[entity.start : entity.end] = tags if len(tags) > 1 else [f"U-{entity.label}"]
        return tuple(found)

    def _repr_html_(self) -> str:
        spans = [(e.start_char, e.end_char, e.label, e.score) for e in self.entities]
        probabilities = np.asarray(self.marginals)
        parts = [
            entity_text(self.text, spans, direction=self.direction),
            paragraph(describe_differences(self.tokens, self.found, self.unconstrained)),
            heat_map(
                self.tokens,
                self.found,
                self.unconstrained,
                self.labels,
                probabilities,
                direction=self.direction,
                note=self._before(),
            ),
            *(table(*one) for one in self.tables()),
        ]
        return page(f"Entities by {self.component}", parts, style=STYLE)


def _probability(pair: tuple[float, str]) -> float:
    return pair[0]


def explain_ner(
    nlp: Language, text: str, *, k: int = 3, component: str | None = None
) -> NERExplanation:
    """Explain the entity recogniser of a pipeline.

    nlp: a pipeline with `seqrnn_ner`.
    text: the text to explain, which is first annotated by the components before the recogniser.
    k: how many tag sequences to return.
    component: the name of the recogniser; None: the first one.

    Raises ValueError for a pipeline without a recogniser of this package, an empty text, or a `k`
    that is out of range.
    """
    check_int("k", k, 1, MOST_PATHS)
    name, pipe = choose(nlp, find_recognisers(nlp), "seqrnn_ner", component)
    # Later components could change the entities that are to be explained.
    doc = make_doc(nlp, text, before=name)
    return _explain(name, pipe, doc, k)


def _explain(name: str, pipe: RecurrentNER, doc: Doc, k: int) -> NERExplanation:
    free_chain = pooled(pipe.model.predict([doc]))
    chain = pipe.constrain(free_chain, [doc])
    names = tag_names(pipe.labels)
    ops = pipe.model.ops
    tempered = chain.scale(1.0 / pipe.temperature)
    # A single document has the same order in the packed layout.
    ways = [
        TagPath(_named(names, tags), float(np.exp(log_p))) for log_p, tags in k_best(tempered, k)[0]
    ]
    lifted = _unconstrained(free_chain)
    free = viterbi(weighted(lifted, pipe.label_weights, pipe.labels, pipe.temperature))
    return NERExplanation(
        component=name,
        text=doc.text,
        direction=doc.vocab.writing_system.get("direction", "ltr"),
        tokens=tuple(token.text for token in doc),
        labels=pipe.labels,
        tags=tuple(names),
        marginals=tuple(tuple(row) for row in ops.to_numpy(marginals(tempered)).tolist()),
        entities=_entities(pipe, chain, doc),
        paths=tuple(ways),
        unconstrained=_named(names, ops.to_numpy(free)),
        label_weights=pipe.label_weights,
    )


def _unconstrained(chain: LinearChain) -> LinearChain:
    xp = chain.xp
    names = ("transitions", "start", "end")
    scores = {name: getattr(chain, name) for name in names}
    lifted = {name: xp.where(xp.isfinite(of), of, 0.0) for name, of in scores.items()}
    return replace(chain, **lifted)


def _entities(pipe: RecurrentNER, chain: LinearChain, doc: Doc) -> tuple[EntityScore, ...]:
    """The component's own predictions, with the scores that `doc.spans` would have."""
    found = pipe.entities(chain)
    fields = (found.starts, found.lengths, found.labels, pipe.scores(chain, found))
    entities = []
    for i, n, label, score in zip(*(field.tolist() for field in fields), strict=True):
        span = doc[i : i + n]
        place = (i, i + n, span.start_char, span.end_char)
        entities.append(EntityScore(span.text, pipe.labels[label], *place, score))
    return tuple(entities)


def _named(names: list[str], tags: np.ndarray) -> tuple[str, ...]:
    return tuple(names[tag] for tag in tags.tolist())
