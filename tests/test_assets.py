"""The sample corpora keep the promises of their README."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import srsly

ASSETS = Path(__file__).parents[1] / "assets"
SPLITS = ["train", "dev", "test"]
LABELS = {"PER", "ORG", "LOC", "DATE"}


def read_ner(split: str) -> list[list[tuple[str, str]]]:
    """Sentences as lists of (token, tag)."""
    text = (ASSETS / "ner" / f"{split}.conll").read_text(encoding="utf8")
    return [
        [_token_and_tag(line) for line in block.split("\n")] for block in text[:-2].split("\n\n")
    ]


def _token_and_tag(line: str) -> tuple[str, str]:
    token, tag = line.split("\t")
    return token, tag


def read_sentiment(split: str) -> list[dict[str, Any]]:
    return list(srsly.read_jsonl(ASSETS / "sentiment" / f"{split}.jsonl"))


def without_names(sentence: list[tuple[str, str]]) -> tuple[str, ...]:
    """A sentence with every entity replaced by its type."""
    return tuple(tag[2:] or token for token, tag in sentence if not tag.startswith("I-"))


def words_of(text: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in text.lower()).split()


def test_size() -> None:
    assert sum(len(read_ner(split)) for split in SPLITS) >= 600
    assert sum(len(read_sentiment(split)) for split in SPLITS) >= 800


@pytest.mark.parametrize("split", SPLITS)
def test_tags_are_valid_iob2(split: str) -> None:
    for sentence in read_ner(split):
        previous = "O"
        for token, tag in sentence:
            assert token.strip() == token != ""
            assert tag == "O" or (tag[:2] in ("B-", "I-") and tag[2:] in LABELS), sentence
            if tag.startswith("I-"):
                assert previous[2:] == tag[2:], sentence
            previous = tag


@pytest.mark.parametrize("split", SPLITS)
def test_every_label_in_every_split(split: str) -> None:
    entities = Counter(tag[2:] for s in read_ner(split) for _, tag in s if tag.startswith("B-"))
    assert set(entities) == LABELS
    assert min(entities.values()) >= 50
    assert any(all(tag == "O" for _, tag in sentence) for sentence in read_ner(split))
    sentiments = Counter(item["label"] for item in read_sentiment(split))
    assert sentiments["positive"] == sentiments["negative"] > 100


@pytest.mark.parametrize("split", SPLITS)
def test_sentiment_items(split: str) -> None:
    for item in read_sentiment(split):
        assert set(item) == {"text", "label", "domain"}
        assert item["label"] in ("positive", "negative")
        assert len(item["text"].split()) >= 4
    domains = [{item["domain"] for item in read_sentiment(s)} for s in SPLITS]
    assert domains[0] == domains[1] == domains[2]


def test_no_sentence_twice() -> None:
    """Nor one that differs only in its names, its punctuation or its capitals."""
    sentences = [s for split in SPLITS for s in read_ner(split)]
    assert len({without_names(sentence) for sentence in sentences}) == len(sentences)
    texts = [item["text"] for split in SPLITS for item in read_sentiment(split)]
    assert len({tuple(words_of(text)) for text in texts}) == len(texts)


def shingles(words: list[str]) -> set[tuple[str, ...]]:
    """All runs of six words."""
    return {tuple(words[i : i + 6]) for i in range(len(words) - 5)}


@pytest.mark.parametrize("corpus", ["ner", "sentiment"])
def test_no_template_across_splits(corpus: str) -> None:
    """No sentence of one split consists of the same phrases as one of another."""
    splits = []
    for split in SPLITS:
        if corpus == "ner":
            texts = [" ".join(without_names(sentence)) for sentence in read_ner(split)]
        else:
            texts = [item["text"] for item in read_sentiment(split)]
        splits.append([shingles(words_of(text)) for text in texts])
    for i, own in enumerate(splits):
        others = [phrases for j, split in enumerate(splits) if j != i for phrases in split]
        index: dict[tuple[str, ...], set[int]] = {}
        for k, phrases in enumerate(others):
            for phrase in phrases:
                index.setdefault(phrase, set()).add(k)
        for phrases in own:
            shared = Counter(k for phrase in phrases for k in index.get(phrase, ()))
            for k, count in shared.items():
                assert count <= 0.3 * min(len(phrases), len(others[k])), (phrases, others[k])
