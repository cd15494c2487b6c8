"""A whole report: everything that the page shows and the JSON file contains."""

import platform
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.pipeline import TextCategorizer
from spacy.pipeline.textcat_multilabel import MultiLabel_TextCategorizer
from spacy.training import Example

from ..about import __version__
from ..explain.find import find_classifiers, find_recognisers, find_text2text
from ..explain.textcat import explain_textcat
from ..ner.component import RecurrentNER
from .categories import CategoryDoc, CategoryReport, category_report, read_categories
from .curves import HOW_TO_LOG, Curves, read_curves
from .entities import EntityReport, entity_report
from .errors import Attribute
from .gather import TrainingWords, predicted_examples, read_examples, read_training_words
from .lemmas import LemmaReport, lemma_report
from .spans import EntityDoc, read_entities
from .tags import TagReport, tag_report
from .texts import TextReport, text_report
from .tokens import TokenDoc, read_tokens
from .transitions import transitions

MODELS = ("model-best", "model-last")
SPANS_KEY = "seqrnn_ner"
POINTS = 32  # of integrated gradients, which is enough for colours
PACKAGES = ("spacy", "thinc", "torch", "numpy")
NO_TRAINING_WORDS = (
    "The report cannot tell seen from unseen words, as the config's training data are missing: "
    "name them "
    "with --train."
)


@dataclass(frozen=True)
class Report:
    """The results of a training run.

    folder: the output of `spacy train`. model: the folder in it that was evaluated.
    data: what it was evaluated on; None if there was nothing to evaluate. is_dev: whether that is
        the development corpus of the config.
    notes: sentences about what is missing, and why.
    performance: the scores on the development data that training saved.
    config: the config of the pipeline, as text.
    """

    folder: str
    model: str
    pipeline: list[str]
    data: str | None
    is_dev: bool
    n_docs: int
    n_tokens: int
    notes: list[str]
    curves: Curves | None
    entities: EntityReport | None
    categories: list[CategoryReport]
    tags: TagReport | None
    lemmas: LemmaReport | None
    texts: list[TextReport]
    performance: dict[str, float]
    config: str
    versions: dict[str, str]


def find_model(folder: Path) -> Path:
    """The best pipeline of a training run, else the last. Raises ValueError if there is none."""
    if not folder.exists():
        raise ValueError(
            f"The folder '{folder}' does not exist: name the --output of a `spacy train`."
        )
    if (folder / "config.cfg").exists():
        raise ValueError(
            f"'{folder}' is a pipeline: name the folder that its training wrote, "
            f"'{folder.resolve().parent}'."
        )
    for name in MODELS:
        if (folder / name / "config.cfg").exists():
            return folder / name
    raise ValueError(
        f"'{folder}' has neither '{MODELS[0]}' nor '{MODELS[1]}': name the --output of a "
        "`spacy train`."
    )


def analyse(
    folder: Path,
    nlp: Language,
    model: str,
    *,
    data: Path | None = None,
    train: Path | None = None,
    progress: Callable[[Iterable[Example]], Iterable[Example]] = iter,
    busy: Callable[[str], AbstractContextManager[Any]] = nullcontext,
) -> Report:
    """Evaluate a trained pipeline.

    folder: the output of `spacy train`. nlp: the pipeline `model` in it.
    data: what to evaluate on; None: the development corpus of the config.
    train: what it was trained on; None: the training corpus of the config.
    progress: wraps the documents that are evaluated.
    busy: shows a message while something slow runs.

    Raises ValueError if there is nothing to report on.
    """
    notes: list[str] = []
    curves = read_curves(folder, nlp.config.interpolate())
    if curves is None:
        notes.append(HOW_TO_LOG)
    evaluation = Evaluation(nlp)
    name = None
    if evaluation.any:
        name, examples = read_examples(nlp, data)
        trained = None
        if evaluation.compares_words:
            with busy("Reading the training data ..."):
                trained = _trained(nlp, train, notes)
        evaluation.read(progress(predicted_examples(nlp, examples)), trained)
        # A user who names data wants scores.
        notes += evaluation.missing(name, fatal=curves is None or data is not None)
    else:
        notes.append(_nothing_to_score(nlp, fatal=curves is None))
    with busy("Computing ..."):
        return Report(
            folder=str(folder),
            model=model,
            pipeline=nlp.pipe_names,
            data=name,
            is_dev=name is not None and data is None,
            n_docs=evaluation.n_docs,
            n_tokens=evaluation.n_tokens,
            notes=notes,
            curves=curves,
            entities=evaluation.entity_report(),
            categories=evaluation.category_reports(),
            tags=evaluation.tag_report(),
            lemmas=evaluation.lemma_report(),
            texts=evaluation.text_reports(),
            performance=_performance(nlp),
            config=nlp.config.to_str(),
            versions=_versions(nlp),
        )


def _trained(nlp: Language, train: Path | None, notes: list[str]) -> TrainingWords | None:
    trained = read_training_words(nlp, train)
    if trained is None:
        notes.append(NO_TRAINING_WORDS)
    return trained


def _nothing_to_score(nlp: Language, *, fatal: bool) -> str:
    pipes = ", ".join(nlp.pipe_names) or "no component"
    sentence = (
        f"The pipeline has {pipes}: a report only has scores of entities, text categories, "
        "part-of-speech tags, lemmas and written texts."
    )
    if fatal:
        raise ValueError(sentence)
    return sentence


def _performance(nlp: Language) -> dict[str, float]:
    saved = nlp.meta.get("performance", {}).items()
    return {name: float(value) for name, value in saved if isinstance(value, int | float)}


def _versions(nlp: Language) -> dict[str, str]:
    meta = nlp.meta
    return {
        "pipeline": f"{meta['lang']}_{meta['name']} {meta['version']}",
        "python": platform.python_version(),
        "spacy-seqrnn": __version__,
        **{package: version(package) for package in PACKAGES},
    }


class Evaluation:
    """The predictions of a pipeline, of each kind that a report scores."""

    def __init__(self, nlp: Language) -> None:
        self.n_docs = 0
        self.n_tokens = 0
        self._nlp = nlp
        # With a recogniser of this package, entities have scores, whatever component comes after
        # it.
        self._recogniser = next(iter(find_recognisers(nlp)), None) or _last(nlp, "doc.ents")
        self._tagger = _last(nlp, "token.tag")
        self._lemmatizer = _last(nlp, "token.lemma")
        self._classifiers = {
            name: pipe for name, pipe in nlp.pipeline if isinstance(pipe, TextCategorizer)
        }
        self._writers = find_text2text(nlp)
        self._entities: list[EntityDoc] = []
        self._tags: list[TokenDoc] = []
        self._lemmas: list[TokenDoc] = []
        self._categories: dict[str, list[CategoryDoc]] = {name: [] for name in self._classifiers}
        self._texts: dict[str, list[Example]] = {name: [] for name in self._writers}

    @property
    def any(self) -> bool:
        return bool(self.compares_words or self._writers)

    @property
    def compares_words(self) -> bool:
        """Whether a report tells seen from unseen words."""
        return bool(self._recogniser or self._tagger or self._lemmatizer or self._classifiers)

    def read(self, examples: Iterable[Example], trained: TrainingWords | None) -> None:
        """Collect what the reports need from examples with predictions."""
        key = self._spans_key()
        for example in examples:
            self.n_docs += 1
            self.n_tokens += len(example.reference)
            if self._recogniser and (ents := read_entities(example, key, trained)):
                self._entities.append(ents)
            if self._tagger and (tags := read_tokens(example, "tag", trained)):
                self._tags.append(tags)
            if self._lemmatizer and (lemmas := read_tokens(example, "lemma", trained)):
                self._lemmas.append(lemmas)
            for name, pipe in self._classifiers.items():
                cats = read_categories(example, pipe.labels, _is_exclusive(pipe), trained)
                if cats:
                    self._categories[name].append(cats)
            for name, writer in self._writers.items():
                if example.reference._.get(writer.output) is not None:
                    self._texts[name].append(example)
        if not any(doc.annotated for doc in self._entities):
            self._entities = []  # nothing to compare with

    def _spans_key(self) -> str | None:
        """The span group that will have the entities' scores."""
        pipe = self._nlp.get_pipe(self._recogniser) if self._recogniser else None
        if not isinstance(pipe, RecurrentNER):
            return None
        pipe.spans_key = pipe.spans_key or SPANS_KEY  # this copy of the pipeline may be changed
        return pipe.spans_key

    def missing(self, data: str, *, fatal: bool) -> list[str]:
        """Sentences about components for which the data have no annotation.

        fatal: raise ValueError if the data have no annotation for any component.
        """
        if not self.n_docs:
            raise ValueError(
                f"'{data}' contains no document with a token: name other data with --data."
            )
        read = {
            "entity": (self._recogniser, self._entities),
            "part-of-speech tag": (self._tagger, self._tags),
            "lemma": (self._lemmatizer, self._lemmas),
            **{f"category of '{name}'": (name, docs) for name, docs in self._categories.items()},
            **{f"text for '{name}'": (name, docs) for name, docs in self._texts.items()},
        }
        missing = [what for what, (component, docs) in read.items() if component and not docs]
        sentences = [
            f"'{data}' contains {self.n_docs:,} documents, but no annotated {what}: name other "
            "data "
            "with --data."
            for what in missing
        ]
        wanted = [what for what, (component, _) in read.items() if component]
        if sentences and len(missing) == len(wanted) and fatal:
            raise ValueError(sentences[0])
        return sentences

    def entity_report(self) -> EntityReport | None:
        if not self._entities or self._recogniser is None:
            return None
        pipe = self._nlp.get_pipe(self._recogniser)
        learned = transitions(self._nlp, pipe) if isinstance(pipe, RecurrentNER) else None
        return entity_report(self._recogniser, self._entities, learned)

    def category_reports(self) -> list[CategoryReport]:
        return [
            category_report(
                name,
                docs,
                self._classifiers[name].labels,
                exclusive=_is_exclusive(self._classifiers[name]),
                threshold=_threshold(self._classifiers[name]),
                attribute=self._attribute(name),
            )
            for name, docs in self._categories.items()
            if docs
        ]

    def _attribute(self, component: str) -> Attribute | None:
        """What explains the errors of a classifier; None if its model cannot be explained."""
        if component not in find_classifiers(self._nlp):
            return None

        def attribute(text: str, label: str) -> list[tuple[str, float]]:
            if not text.strip():
                return []
            explained = explain_textcat(
                self._nlp, text, label=label, component=component, steps=POINTS
            )
            return list(zip(explained.tokens, explained.attributions, strict=True))

        return attribute

    def text_reports(self) -> list[TextReport]:
        return [
            text_report(name, self._writers[name], examples)
            for name, examples in self._texts.items()
            if examples
        ]

    def tag_report(self) -> TagReport | None:
        return tag_report(self._tagger, self._tags) if self._tags and self._tagger else None

    def lemma_report(self) -> LemmaReport | None:
        if not self._lemmas or self._lemmatizer is None:
            return None
        return lemma_report(self._lemmatizer, self._lemmas)


def _last(nlp: Language, attr: str) -> str | None:
    """The last component that sets an annotation."""
    names = [name for name in nlp.pipe_names if attr in nlp.get_pipe_meta(name).assigns]
    return names[-1] if names else None


def _is_exclusive(pipe: Any) -> bool:
    return not isinstance(pipe, MultiLabel_TextCategorizer)


def _threshold(pipe: Any) -> float:
    return float(pipe.cfg.get("threshold", 0.5))
