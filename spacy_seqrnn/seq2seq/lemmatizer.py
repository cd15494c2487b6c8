"""The component that `nlp.add_pipe("seqrnn_lemmatizer")` adds: characters in, characters out."""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from spacy.attrs import LEMMA
from spacy.errors import Errors
from spacy.language import Language
from spacy.strings import StringStore
from spacy.tokens import Doc
from spacy.training import Example, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Optimizer

from ..checks import check_int
from ..config_errors import ConfigError
from ..lm.units import CHARACTERS
from .forms import (
    SIGNS,
    Form,
    count_lemmas,
    expand,
    find_forms,
    lemmas_of,
    make_dictionary,
    shorten,
    source_of,
    spelling_source,
)
from .model import Seq2SeqModel
from .pipe import Seq2SeqPipe


@dataclass(frozen=True)
class Lemmas:
    """The lemmas of documents.

    texts: the distinct ones.
    index: which of them each token of each document has. Shape (n_tokens,) each.
    """

    texts: list[str]
    index: list[np.ndarray]


class RecurrentLemmatizer(Seq2SeqPipe):
    """Set `token.lemma_`: from a dictionary of the training data, else written by a network.

    Unlike an edit tree, the network writes any form. It reads the token's characters, and its tag
    where an earlier component has set one. It writes characters, or one sign for the form as it is
    or in lower case. Each distinct form is written once, and kept in a bounded table as long as the
    weights stay the same.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Seq2SeqModel,
        name: str = "seqrnn_lemmatizer",
        *,
        use_tags: bool = True,
        use_dictionary: bool = True,
        overwrite: bool = False,
        table_size: int = 65_536,
        max_units: int = 1000,
        min_count: int = 1,
        beam: int = 1,
        length_penalty: float = 0.6,
        max_length: int = 100,
        max_growth: float = 2.0,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        """Create the component.

        vocab: the shared vocabulary.
        model: a `spacy-seqrnn.Seq2Seq.v1` from characters to characters.
        name: its name in the pipeline and in `losses`.
        use_tags: whether forms with other tags are others. In training, tags that no earlier
            component sets are those of the reference.
        use_dictionary: look up forms of the training data, as they are and in lower case, before
            the network writes them.
        overwrite: whether lemmas that an earlier component has set are replaced.
        table_size: the most written lemmas that are kept.
        max_units, min_count, beam, length_penalty, max_length, max_growth: as for
            `RecurrentText2Text`, of the characters of a lemma.
        scorer: the scoring method.

        Raises ValueError for an option that cannot work, and a model that reads or writes words.
        """
        self.vocab = vocab
        self._set_up(
            model,
            name,
            max_units=max_units,
            min_count=min_count,
            beam=beam,
            length_penalty=length_penalty,
            max_length=max_length,
            max_growth=max_growth,
        )
        for option in ("source_unit", "target_unit"):
            _check_unit(name, option, model.attrs[option])
        check_int("table_size", table_size, 0)
        self.use_tags = use_tags
        self.use_dictionary = use_dictionary
        self.overwrite = overwrite
        self.table_size = table_size
        self.scorer = scorer
        self.cfg |= {"dictionary": {}, "has_tags": False}
        self._table: dict[Form, str] = {}
        self._sources_of_table: list[Any] = []
        self._has_warned = False  # about tags that are missing

    def predict(self, docs: Iterable[Doc]) -> Lemmas:
        """The lemmas of documents, without changing them."""
        docs = list(docs)
        found = find_forms(docs, tagged=self.use_tags)
        self._warn_of_missing_tags(found.forms)
        known = {form: lemma for form in found.forms if (lemma := self._look_up(form)) is not None}
        known |= self._written([form for form in found.forms if form not in known])
        return Lemmas([known[form] for form in found.forms], found.index)

    def sources(self, docs: Iterable[Doc]) -> dict[Form, Doc]:
        """The forms that the network writes, because the dictionary has none of them.

        Returns each once, in the order of the documents, as a document whose tokens are units.
        """
        found = find_forms(list(docs), tagged=self.use_tags)
        order = dict.fromkeys(number for index in found.index for number in index.tolist())
        forms = [found.forms[number] for number in order]
        return {form: source_of(self.vocab, form) for form in forms if self._look_up(form) is None}

    def _look_up(self, form: Form) -> str | None:
        """The lemma that needs no network."""
        word, tag = form
        if not word.strip() or any(sign in word for sign in SIGNS):
            return word
        if not self.use_dictionary:
            return None
        of_tag: dict[str, str] = self.cfg["dictionary"].get(tag, {})
        # Such as the first word of a sentence
        return of_tag.get(word) or of_tag.get(word.lower())

    def _written(self, forms: list[Form]) -> dict[Form, str]:
        """What the network writes for forms, most of it before."""
        table = self._current_table()
        found = {form: table[form] for form in forms if form in table}
        missing = [form for form in forms if form not in found]
        sources = [source_of(self.vocab, form) for form in missing]
        outputs = self.write(sources, beam=self.beam, k=1)
        fresh = {
            form: (best and expand(form[0], best[0].text)) or form[0]
            for form, best in zip(missing, outputs, strict=True)
        }
        if len(table) + len(fresh) > self.table_size:
            table.clear()
        table.update(islice(fresh.items(), self.table_size))
        return found | fresh

    def _current_table(self) -> dict[Form, str]:
        """The table, emptied if loading or averaging has replaced weights."""
        nodes = self.model.walk()
        sources = [
            node.get_param(n) for node in nodes for n in node.param_names if node.has_param(n)
        ]
        same = len(sources) == len(self._sources_of_table) and all(
            one is other for one, other in zip(sources, self._sources_of_table, strict=True)
        )
        if not same:
            self._table, self._sources_of_table = {}, sources
        return self._table

    def finish_update(self, sgd: Optimizer) -> None:
        """Update the weights, in place or not, so that nothing that they wrote holds any more."""
        self._sources_of_table = []
        super().finish_update(sgd)

    def _warn_of_missing_tags(self, forms: list[Form]) -> None:
        if self._has_warned or not self.use_tags or not self.cfg["has_tags"]:
            return
        if any(word.strip() for word, _ in forms) and not any(tag for _, tag in forms):
            self._has_warned = True
            warnings.warn(
                f"'{self.name}' was trained with tags, but the documents have none: put a tagger "
                f"before it in the pipeline, or train it with `use_tags = false` in "
                f"[components.{self.name}].",
                stacklevel=2,
            )

    def set_annotations(self, docs: Iterable[Doc], lemmas: Lemmas) -> None:
        """Write to `token.lemma_`."""
        ids: dict[StringStore, np.ndarray] = {}  # of the lemmas
        for doc, index in zip(docs, lemmas.index, strict=True):
            strings = doc.vocab.strings
            if strings not in ids:
                added = [strings.add(text) for text in lemmas.texts]
                ids[strings] = np.asarray(added, dtype="uint64")
            new: Any = ids[strings][index]
            if not self.overwrite:
                before = doc.to_array(LEMMA)
                new = np.where(before > 0, before, new)
            doc.from_array([LEMMA], new[:, None])

    def _read(self, examples: list[Example]) -> tuple[list[Doc], list[str | None]]:
        """Each distinct form once, but for tokens without a lemma.

        What a sign stands for is spelled too, from a source that asks for it. Otherwise few forms
        would be left to learn the copying of characters from.
        """
        pairs = dict.fromkeys(
            pair for example in examples for pair in lemmas_of(example, tagged=self.use_tags)
        )
        sources = [source_of(self.vocab, form) for form, _ in pairs]
        targets: list[str | None] = [self._target(form, lemma) for form, lemma in pairs]
        spelled = dict.fromkeys(
            (word, lemma)
            for ((word, _), lemma), target in zip(pairs, targets, strict=True)
            if target in SIGNS
        )
        sources += [spelling_source(self.vocab, word) for word, _ in spelled]
        return sources, [*targets, *(lemma for _, lemma in spelled)]

    def _target(self, form: Form, lemma: str) -> str:
        """What the network learns to write for a lemma."""
        written = shorten(form[0], lemma)
        # A pipeline that was saved before there were signs cannot write them.
        return lemma if written in SIGNS and written not in self.vocabulary.numbers else written

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
    ) -> None:
        """Make the dictionary, count the characters of lemmas, and size all layers.

        get_examples: returns the training examples.
        nlp: the pipeline.

        Raises ValueError if no token has a lemma.
        """
        validate_get_examples(get_examples, "RecurrentLemmatizer.initialize")
        if not any(True for _ in islice(get_examples(), 1)):
            raise ValueError(Errors.E923.format(name=self.name))
        counts = count_lemmas(get_examples(), tagged=self.use_tags)
        if not counts:
            raise ValueError(
                f"'{self.name}' has nothing to learn from: no token of the training data has a "
                "lemma. Convert a corpus that has some, such as one of Universal Dependencies."
            )
        self.cfg["dictionary"] = make_dictionary(counts) if self.use_dictionary else {}
        self.cfg["has_tags"] = any(tag for (_, tag), _ in counts)
        self._count_units(
            text
            for ((word, _), lemma), count in counts.items()
            for text in dict.fromkeys((shorten(word, lemma), lemma))
            for _ in range(count)
        )
        self._set_sizes([source_of(self.vocab, form) for form, _ in islice(counts, 100)])


def _check_unit(name: str, option: str, unit: str) -> None:
    """Raise ConfigError if a lemmatizer's model does not read or write characters."""
    if unit != CHARACTERS:
        raise ConfigError(
            option,
            unit,
            f"`{option} = {unit!r}` does not go with a lemmatizer, which reads and writes one word "
            f'at a time: set it to "{CHARACTERS}" in [components.{name}.model].',
        )
