"""Categories and tags, against spaCy's own scores."""

import random

import pytest
import spacy
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example

from spacy_seqrnn.report.categories import category_report, read_categories
from spacy_seqrnn.report.gather import TrainingWords
from spacy_seqrnn.report.tags import tag_report
from spacy_seqrnn.report.tokens import read_tokens

VOCAB = spacy.blank("xx").vocab
LABELS = ["a", "b", "c"]


def random_examples(exclusive: bool) -> list[Example]:
    chance, examples = random.Random(0), []
    for i in range(200):
        words = [f"w{chance.randint(0, 9)}" for _ in range(chance.randint(1, 9))]
        gold, predicted = Doc(VOCAB, words=words), Doc(VOCAB, words=words)
        predicted.cats = {label: chance.random() for label in LABELS}
        if exclusive:
            best = chance.choice(LABELS)
            gold.cats = {label: float(label == best) for label in LABELS}
        else:
            gold.cats = {label: float(chance.random() < 0.4) for label in LABELS}
            if i % 5 == 0:
                gold.cats = {label: gold.cats[label] for label in LABELS[:2]}  # "c" is unknown
        if i % 10 == 0:
            gold.cats = {}
        examples.append(Example(predicted, gold))
    return examples


@pytest.mark.parametrize("exclusive", [True, False])
def test_scores_are_those_of_spacy(exclusive: bool) -> None:
    examples = [each for each in random_examples(exclusive) if each.reference.cats]
    read = [read_categories(each, LABELS, exclusive, None) for each in examples]
    docs = [doc for doc in read if doc]
    assert len(docs) == len(examples)
    found = category_report("textcat", docs, LABELS, exclusive=exclusive, threshold=0.6)
    theirs = Scorer.score_cats(
        examples, "cats", labels=LABELS, multi_label=not exclusive, threshold=0.6
    )
    assert found.macro_f1.value == pytest.approx(theirs["cats_macro_f"])
    for each in found.labels:
        assert each.f1.value == pytest.approx(theirs["cats_f_per_type"][each.label]["f"])
    if exclusive:
        assert found.accuracy
        assert found.accuracy.value == pytest.approx(theirs["cats_micro_f"])
        assert found.confusion
        assert found.reliability
        assert sum(sum(row) for row in found.confusion.counts) == len(docs) == found.reliability.n
    else:
        assert found.accuracy is None
        assert found.confusion is None
        assert found.reliability.n == sum(len(each.reference.cats) for each in examples)
    assert found.unseen is None
    surest = [error.score for error in found.errors]
    assert len(surest) == 20
    assert surest == sorted(surest, reverse=True)
    assert all(error.found != error.annotated for error in found.errors)


def test_documents_without_annotation_are_left_out() -> None:
    gold = Doc(VOCAB, words=["a"])
    example = Example(gold.copy(), gold)
    assert read_categories(example, LABELS, True, None) is None
    gold.cats = {"a": 0.0}
    assert read_categories(example, LABELS, True, None) is None
    assert read_categories(example, LABELS, False, None) is not None


def test_unseen_words_are_counted_without_case() -> None:
    gold = Doc(VOCAB, words=["Oslo", "is", "Vik", "vik"])
    gold.cats = {"a": 1.0}
    trained = TrainingWords(frozenset(["oslo", "is"]), frozenset())
    doc = read_categories(Example(gold.copy(), gold), LABELS, True, trained)
    assert doc
    assert doc.unseen == 0.5


def test_tags_are_scored_as_by_spacy() -> None:
    chance, examples = random.Random(0), []
    for i in range(100):
        words = [f"w{j}" for j in range(chance.randint(1, 9))]
        tags = [chance.choice("NVA") for _ in words]
        gold = Doc(VOCAB, words=words, tags=["" if i % 4 == j else t for j, t in enumerate(tags)])
        guessed = [tag if chance.random() < 0.7 else "N" for tag in tags]
        examples.append(Example(Doc(VOCAB, words=words, tags=guessed), gold))
    trained = TrainingWords(frozenset(["w0", "w1"]), frozenset())
    docs = [doc for each in examples if (doc := read_tokens(each, "tag", trained))]
    found = tag_report("tagger", docs)
    theirs = Scorer.score_token_attr(examples, "tag")
    assert found.accuracy.value == pytest.approx(theirs["tag_acc"])
    confused = sum(each.n for each in found.confused)
    assert confused == pytest.approx(found.n_tokens * (1 - found.accuracy.value))
    assert found.seen
    assert sum(group.n for group in found.seen) == found.n_tokens
    assert [group.name for group in found.seen] == ["seen word", "unseen word"]
