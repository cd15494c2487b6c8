"""The tokens that all sides read, and the share of their lemmas that is right."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeVar

from spacy.tokens import DocBin
from spacy.vocab import Vocab

CORPUS = Path("corpus/ewt-lemmas")
Key = TypeVar("Key", bound=Hashable)


class Word(NamedTuple):
    """A token with its annotation: the treebank's own tag, and the universal one."""

    form: str
    tag: str
    universal: str
    lemma: str


Sentence: TypeAlias = list[Word]


def read_sentences(part: str) -> list[Sentence]:
    """The sentences of a part of the treebank: "train", "dev" or "test"."""
    docs = DocBin().from_disk(CORPUS / f"{part}.spacy").get_docs(Vocab())
    return [
        [Word(token.text, token.tag_, token.pos_, token.lemma_) for token in sentence]
        for doc in docs
        for sentence in doc.sents
    ]


def known_forms(sentences: list[Sentence]) -> set[str]:
    """The forms of training data, in lower case."""
    return {word.form.lower() for sentence in sentences for word in sentence}


def score(sentences: list[Sentence], lemmas: list[list[str]], known: set[str]) -> dict[str, float]:
    """The share of right lemmas in per cent: `all`, and `unseen`, of forms that are not known."""
    right = [
        (word.lemma == lemma, word.form.lower() not in known)
        for sentence, found in zip(sentences, lemmas, strict=True)
        for word, lemma in zip(sentence, found, strict=True)
    ]
    return {
        "all": percent(is_right for is_right, _ in right),
        "unseen": percent(is_right for is_right, is_unseen in right if is_unseen),
    }


def percent(values: Iterable[bool]) -> float:
    """The share that is true, with two decimals."""
    values = list(values)
    return round(100 * sum(values) / len(values), 2)


class UniversalTags:
    """The universal tag that a form with a tag most often has in training data.

    Of forms that never have the tag, that of most others that have it; "X" of an unknown tag.
    """

    def __init__(self, sentences: list[Sentence]) -> None:
        self._of_form = most_frequent(sentences, lambda word: (word.form, word.tag))
        self._of_tag = most_frequent(sentences, lambda word: word.tag)

    def find(self, form: str, tag: str) -> str:
        return self._of_form.get((form, tag)) or self._of_tag.get(tag, "X")


def retag(
    sentences: list[Sentence], tags: list[list[str]], universal: UniversalTags
) -> list[Sentence]:
    """The sentences with other tags, and the universal tags that go with them."""
    return [
        [
            word._replace(tag=tag, universal=universal.find(word.form, tag))
            for word, tag in zip(sentence, found, strict=True)
        ]
        for sentence, found in zip(sentences, tags, strict=True)
    ]


def most_frequent(sentences: list[Sentence], key: Callable[[Word], Key]) -> dict[Key, str]:
    """The most frequent universal tag of the words with each key."""
    words = (word for sentence in sentences for word in sentence)
    counts = Counter((key(word), word.universal) for word in words)
    best: dict[Key, str] = {}
    for (each, universal), _ in counts.most_common():
        best.setdefault(each, universal)
    return best
