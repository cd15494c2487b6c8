"""Words as a lemmatizer reads them: each distinct pair of form and tag once."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from spacy.attrs import ORTH, TAG
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab

from ..embed.lexemes import KEY_MULTIPLIERS

# A form and its tag, "" for none
Form: TypeAlias = tuple[str, str]
# Lemmas by form, by tag: as JSON saves them
Dictionary: TypeAlias = dict[str, dict[str, str]]

# Most lemmas are the form as it is, or in lower case. The network decides for these by a sign, as
# Stanza's lemmatizer does by a classifier (Qi et al. 2018), so that it cannot misspell them. The
# signs are noncharacters, which Unicode keeps for uses inside of programs.
AS_IT_IS, IN_LOWER_CASE = "\ufdd0", "\ufdd1"
SIGNS = {AS_IT_IS: "<as it is>", IN_LOWER_CASE: "<in lower case>"}
# The first unit of a source whose lemma is to be spelled, in place of a tag
SPELL = "SPELL"


@dataclass(frozen=True)
class DistinctForms:
    """The forms of some documents.

    forms: each distinct one, in any order.
    index: which of them each token of each document has. Shape (n_tokens,) each.
    """

    forms: list[Form]
    index: list[np.ndarray]


def find_forms(docs: list[Doc], *, tagged: bool) -> DistinctForms:
    """The distinct forms of documents. tagged: whether forms with other tags are others."""
    if not docs:
        return DistinctForms([], [])
    # (n_tokens, 2)
    ids = np.concatenate([doc.to_array([ORTH, TAG]).reshape(-1, 2) for doc in docs])
    if not tagged:
        ids[:, 1] = 0
    keys = ids[:, 0] * KEY_MULTIPLIERS[0] + ids[:, 1] * KEY_MULTIPLIERS[1]
    _, first, index = np.unique(keys, return_index=True, return_inverse=True)
    ends = np.cumsum([len(doc) for doc in docs])
    doc_of = np.searchsorted(ends, first, side="right").tolist()
    forms = [
        (docs[doc].vocab.strings[orth], docs[doc].vocab.strings[tag])
        for doc, (orth, tag) in zip(doc_of, ids[first].tolist(), strict=True)
    ]
    return DistinctForms(forms, np.split(index, ends[:-1]))


def source_of(vocab: Vocab, form: Form) -> Doc:
    """A form as a document whose tokens are units: its tag if it has one, and its characters."""
    word, tag = form
    return Doc(vocab, words=[*([f"TAG={tag}"] if tag else []), *word])


def spelling_source(vocab: Vocab, word: str) -> Doc:
    """A form of which the network learns to write every character, as practice for other lemmas."""
    return Doc(vocab, words=[SPELL, *word])


def lemmas_of(example: Example, *, tagged: bool) -> Iterator[tuple[Form, str]]:
    """The forms of an example with their lemmas, those that are annotated.

    A token that is only part of one of the reference, or several of them, has no lemma. The tags
    are those of earlier components, and where there are none, those of the reference.
    """
    lemmas = example.get_aligned("LEMMA", as_string=True)
    words = example.get_aligned("ORTH", as_string=True)
    tags = example.get_aligned("TAG", as_string=True) if tagged else [""] * len(lemmas)
    for token, word, lemma, tag in zip(example.predicted, words, lemmas, tags, strict=True):
        if lemma and word == token.text and not token.is_space:
            yield (word, (token.tag_ or tag or "") if tagged else ""), lemma


def shorten(word: str, lemma: str) -> str:
    """What the network writes for a lemma: a sign if that says it, else its characters."""
    if lemma == word:
        return AS_IT_IS
    return IN_LOWER_CASE if lemma == word.lower() else lemma


def expand(word: str, written: str) -> str:
    """The lemma that the network has written."""
    return written.replace(AS_IT_IS, word).replace(IN_LOWER_CASE, word.lower())


def make_dictionary(counts: Counter[tuple[Form, str]]) -> Dictionary:
    """The most frequent lemma of each form with its tag, and with any.

    counts: how often each form has each lemma. The tag "" has the lemmas of forms with any.
    """
    with_any: Counter[tuple[Form, str]] = Counter()
    for ((word, _), lemma), count in counts.items():
        with_any[(word, ""), lemma] += count
    dictionary: Dictionary = {}
    for of_tags in (with_any, counts):
        best = _most_frequent(of_tags)
        for (word, tag), lemma in best.items():
            dictionary.setdefault(tag, {})[word] = lemma
    return dictionary


def _most_frequent(counts: Counter[tuple[Form, str]]) -> dict[Form, str]:
    """The most frequent lemma of each form; of equally frequent ones, the first."""
    best: dict[Form, str] = {}
    for (form, lemma), _ in counts.most_common():
        best.setdefault(form, lemma)
    return best


def count_lemmas(examples: Iterable[Example], *, tagged: bool) -> Counter[tuple[Form, str]]:
    """How often each form has each lemma."""
    return Counter(pair for example in examples for pair in lemmas_of(example, tagged=tagged))
