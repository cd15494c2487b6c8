"""The pipeline of a process, loaded once, and documents from it slice by slice."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from threading import Lock, RLock
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import require_gpu

from .saved_pipeline import folder_of

# A slice is annotated and converted at a time, which bounds the documents in memory.
SLICE_TEXTS, SLICE_CHARACTERS = 2048, 1_000_000
# The vocabulary keeps so many words. Those after them are dropped with their slice, and looked up
# again in the next one, which takes longer: common words are among the first.
MOST_WORDS = 200_000
# Its tables keep a place for every word that they have had, dropped or not, and grow without end:
# after so many, the pipeline is loaded anew.
MOST_WORDS_EVER = 500_000
LOADING = Lock()


@dataclass(frozen=True)
class Tokens:
    """A text that has been tokenized already, as in a `.spacy` file."""

    words: list[str]
    spaces: list[bool]

    def __len__(self) -> int:
        """Its number of characters."""
        return sum(map(len, self.words)) + sum(self.spaces)


@dataclass(frozen=True)
class Slice:
    """Some texts of a sequence, annotated.

    rows: the index of each document's text.
    docs: the documents.
    errors: why there is no document, by the index of the text.
    """

    rows: list[int]
    docs: list[Doc]
    errors: dict[int, str]


@dataclass(frozen=True)
class Loaded:
    """A pipeline of this process.

    lock: of the one thread that may use it at a time.
    n_words: how many words its vocabulary had when it was loaded.
    """

    nlp: Language
    lock: RLock
    n_words: int

    def is_worn(self) -> bool:
        """Whether its vocabulary has had too many words since; dropped ones count as well."""
        return len(self.nlp.vocab) - self.n_words > MOST_WORDS_EVER


LOADED: dict[tuple[str, int], Loaded] = {}


def load_once(model: str, gpu_id: int) -> Loaded:
    """Load a pipeline in this process, unless it has been loaded already.

    gpu_id: number of the GPU to predict on; -1 for the CPU.

    Raises ValueError if there is no such pipeline or GPU.
    """
    key = model, gpu_id
    with LOADING:  # else threads that come together load one each
        if key in LOADED and LOADED[key].is_worn():
            del LOADED[key]
            gc.collect()  # before there is another one in memory
        if key not in LOADED:
            LOADED[key] = _load(model, gpu_id)
        return LOADED[key]


def _load(model: str, gpu_id: int) -> Loaded:
    if gpu_id >= 0:
        require_gpu(gpu_id)
    nlp = spacy.load(folder_of(model))
    return Loaded(nlp, RLock(), len(nlp.vocab))


def annotate(
    loaded: Loaded, sources: Sequence[Any], batch_size: int | None = None
) -> Iterator[Slice]:
    """Annotate texts. Use each slice's documents before the next slice.

    sources: texts, or `Tokens`; anything else becomes an error of its slice.
    batch_size: number of documents that the pipeline computes at a time; None for its own.
    """
    nlp = loaded.nlp
    for rows in _slices(sources):
        # spaCy's vocabulary is not safe for threads, which some engines use.
        with loaded.lock, _zone(nlp):
            yield _annotate_slice(nlp, {row: sources[row] for row in rows}, batch_size)


def _annotate_slice(nlp: Language, sources: dict[int, Any], batch_size: int | None) -> Slice:
    problems = {row: problem(source, nlp.max_length) for row, source in sources.items()}
    errors = {row: reason for row, reason in problems.items() if reason}
    texts = {row: source for row, source in sources.items() if row not in errors}
    try:
        inputs = [_as_input(nlp, text) for text in texts.values()]
        return Slice(list(texts), list(nlp.pipe(inputs, batch_size=batch_size)), errors)
    except Exception:  # whatever a component raises: find the text that it cannot read
        return _annotate_each(nlp, texts, errors)


def _annotate_each(nlp: Language, texts: dict[int, Any], errors: dict[int, str]) -> Slice:
    docs = {}
    for row, text in texts.items():
        try:
            docs[row] = nlp(_as_input(nlp, text))
        except Exception as error:  # this text is reported, and the others are annotated
            errors[row] = f"the pipeline failed: {type(error).__name__}: {error}"
    return Slice(list(docs), list(docs.values()), errors)


def _as_input(nlp: Language, source: str | Tokens) -> str | Doc:
    if isinstance(source, str):
        return source
    return Doc(nlp.vocab, words=source.words, spaces=source.spaces)


def problem(source: Any, max_length: int) -> str:
    """Why something cannot be annotated. Returns "" if it can be.

    max_length: most characters that a text may have.
    """
    if source is None:
        return "the text is missing (null)"
    if isinstance(source, bytes):
        return "the text is not UTF-8"
    if not isinstance(source, str | Tokens):
        return f"the text is no text but a value of type {type(source).__name__}"
    if len(source) > max_length:
        return (
            f"the text has {len(source):,} characters, more than the {max_length:,} of the "
            "pipeline's `nlp.max_length`"
        )
    if isinstance(source, str) and not is_unicode(source):
        return "the text has half of a surrogate pair"
    return ""


def is_unicode(text: str) -> bool:
    """Whether a string has no half of a surrogate pair, which UTF-8 cannot encode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _slices(sources: Sequence[Any]) -> Iterator[range]:
    """Ranges of texts, each bounded in number and in characters but for a single text."""
    first = characters = 0
    for row, source in enumerate(sources):
        length = len(source) if isinstance(source, str | Tokens) else 0
        if row > first and (row - first == SLICE_TEXTS or characters + length > SLICE_CHARACTERS):
            yield range(first, row)
            first, characters = row, 0
        characters += length
    if first < len(sources):
        yield range(first, len(sources))


def _zone(nlp: Language) -> AbstractContextManager[Any]:
    return nlp.memory_zone() if len(nlp.vocab) > MOST_WORDS else nullcontext()
