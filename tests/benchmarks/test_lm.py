"""The benchmark of language models: its mathematics, its sides and its table."""

import io
import json
import lzma
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.lm import results
from benchmarks.lm.clock import Budget
from benchmarks.lm.corpus import prepare, take, write_parts
from benchmarks.lm.kneser_ney import FALLBACK, KneserNey, discounts_of
from benchmarks.lm.ours import OurModel, group
from benchmarks.lm.recipe import (
    Training,
    WordModel,
    count_parameters,
    in_streams,
    nats,
    width_for,
    write,
)
from benchmarks.lm.rows import MINUTES_ROWS, SPEED_ROWS
from benchmarks.lm.table import lines, table
from benchmarks.lm.text import (
    END_OF_LINE,
    N_SPECIAL,
    UNKNOWN,
    Settings,
    numbers_of,
    read_lines,
    read_vocabulary,
    write_settings,
)
from benchmarks.lm.workers import kneser_ney, ours, recipe
from benchmarks.speed.workers.serve import ANSWER

SENTENCES = ["the cat sat on the mat .", "the dog sat .", "a cat said : the dog sat on a mat ."]
LINES = [sentence.split() for sentence in SENTENCES]
A, B, C = range(N_SPECIAL, N_SPECIAL + 3)
ABC = np.asarray([A, B, END_OF_LINE, A, C, END_OF_LINE, A, B, END_OF_LINE])


def test_a_hand_computed_example() -> None:
    """Of "a b", "a c" and "a b", with so few counts that the discounts are the fallback."""
    model = KneserNey(ABC, n_words=5, end=END_OF_LINE, order=2)
    # Different words come before a, b, c and the end: 1, 1, 1, 2. Discounts leave half of these 5.
    unigram = {UNKNOWN: 0.1, END_OF_LINE: 0.3, A: 0.2, B: 0.2, C: 0.2}
    text = np.asarray([A, B, END_OF_LINE, A, UNKNOWN, END_OF_LINE])
    expected = [
        1.5 / 3 + 1.5 / 3 * unigram[A],  # three lines begin with a
        1 / 3 + 1.5 / 3 * unigram[B],  # b is behind a twice, c once
        1 / 2 + 1 / 2 * unigram[END_OF_LINE],
        1.5 / 3 + 1.5 / 3 * unigram[A],
        1.5 / 3 * unigram[UNKNOWN],
        unigram[END_OF_LINE],  # nothing is known of what follows
    ]
    np.testing.assert_allclose(model.probabilities(text), expected)


def test_discounts_are_estimated() -> None:
    assert discounts_of(np.repeat([0, 1, 2, 3, 4], [3, 4, 2, 1, 1])) == (0.5, 1.25, 1.0)
    assert discounts_of(np.repeat([1, 2, 3], [4, 2, 1])) == FALLBACK


def random_text(n_words: int, n_lines: int) -> np.ndarray:
    random = np.random.default_rng(0)
    found = (random.integers(N_SPECIAL, n_words, random.integers(0, 7)) for _ in range(n_lines))
    return np.concatenate([[*line, END_OF_LINE] for line in found])


@pytest.mark.parametrize("order", [1, 2, 4])
def test_probabilities_sum_to_one(order: int) -> None:
    n_words = 6
    model = KneserNey(random_text(n_words, 60), n_words=n_words, end=END_OF_LINE, order=order)
    for n in range(order + 1):
        for context in product([UNKNOWN, *range(N_SPECIAL, n_words)], repeat=n):
            last = [model.probabilities(np.asarray([*context, w]))[-1] for w in range(n_words)]
            assert sum(last) == pytest.approx(1)


def by_definition(text: np.ndarray, n_words: int, order: int) -> list[float]:
    """The probabilities of a text's own words, n-gram by n-gram."""
    begin, padded = n_words, []
    for line in "".join(map(chr, text)).split(chr(END_OF_LINE))[:-1]:
        padded.append((begin, *map(ord, line), END_OF_LINE))
    raw = [
        Counter(line[i : i + n] for line in padded for i in range(len(line) - n + 1))
        for n in range(order + 1)
    ]
    preceded = [Counter(gram[1:] for gram in longer) for longer in raw[1:]]
    counts = [
        {
            gram: raw[n][gram] if n == order or gram[0] == begin else preceded[n][gram]
            for gram in raw[n]
            if gram[-1] != begin
        }
        for n in range(1, order + 1)
    ]
    discounts = [discounts_of(np.asarray(list(of_order.values()))) for of_order in counts]

    def probability(context: tuple[int, ...], word: int) -> float:
        n = len(context)
        following = {g[-1]: c for g, c in counts[n].items() if g[:-1] == context}
        lower = probability(context[1:], word) if n else 1 / n_words
        if not following:
            return lower
        lost = {w: discounts[n][min(c, 3) - 1] for w, c in following.items()}
        own = following[word] - lost[word] if word in following else 0
        return (own + sum(lost.values()) * lower) / sum(following.values())

    return [
        probability(line[max(i - order + 1, 0) : i], line[i])
        for line in padded
        for i in range(1, len(line))
    ]


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_arrays_compute_what_is_defined(order: int) -> None:
    text = random_text(5, 80)
    model = KneserNey(text, n_words=5, end=END_OF_LINE, order=order)
    np.testing.assert_allclose(model.probabilities(text), by_definition(text, 5, order))


def test_a_text_of_words_alone_has_no_longer_n_grams() -> None:
    model = KneserNey(np.asarray([A]), n_words=3, end=END_OF_LINE, order=5)
    assert model.probabilities(np.asarray([A, A, A])).shape == (3,)
    assert model.n_grams < 10


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A corpus of a few sentences, for a few seconds of training."""
    write_parts(tmp_path, iter([LINES] * 60), n_words=900)
    write_settings(tmp_path, Settings(0.02, 16, 2, {"words": 2000, "characters": 2000}))
    return tmp_path


def test_parts_have_the_words_that_are_asked_for(folder: Path) -> None:
    for part, size in [("train", 900), ("dev", 18), ("test", 18)]:
        found = read_lines(folder, part)
        assert sum(map(len, found)) == size
        assert found[:2] == LINES[:2]
    assert read_vocabulary(folder)[:2] == ["the", "sat"]
    assert set(read_vocabulary(folder, "characters")) == set(" ".join(SENTENCES))
    with pytest.raises(ValueError, match="85 words too few"):
        take(iter([LINES]), 107)


def test_raw_text_is_tokenised(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    text = "Don't go.\n\xa0\n\nNo  way!\n" * 9
    (tmp_path / "raw" / "news.txt.xz").write_bytes(lzma.compress(text.encode()))
    prepare(tmp_path / "out", tmp_path, ["news"], n_words=20)
    found = {tuple(line) for line in read_lines(tmp_path / "out", "train")}
    assert found >= {("Do", "n't", "go", "."), ("No", "way", "!")}


def test_a_text_is_one_stream_of_numbers() -> None:
    assert numbers_of([["b", "x"], ["a"]], ["a", "b"]).tolist() == [3, 0, 1, 2, 1]


def test_lines_of_a_document_have_as_many_predictions() -> None:
    expected = sum(len(line) + 1 for line in LINES)
    for n_lines in (1, 2, 5):
        documents = group(LINES, n_lines)
        assert sum(len(document) + 1 for document in documents) == expected
    assert group([["a"], ["b"], ["c"]], 2) == [["a", "\n", "b"], ["c"]]


def test_a_budget_counts_the_work_that_is_handed_over() -> None:
    budget = Budget(0.2)
    shares = []
    for share in budget.left():
        shares.append(share)
        budget.spend(lambda: sum(range(300_000)))
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert budget.share == 1


def test_streams_read_on() -> None:
    x, y = in_streams(np.arange(10, 17), 2)
    assert y.T.tolist() == [[10, 11, 12], [13, 14, 15]]
    assert x.T.tolist() == [[END_OF_LINE, 10, 11], [12, 13, 14]]


@pytest.mark.parametrize("n", [1, 20, 47, 1000])
def test_all_of_a_text_is_scored(n: int) -> None:
    def uniform(words: torch.Tensor, _: Any) -> tuple[torch.Tensor, Any]:
        return torch.zeros(*words.shape, 7), None

    assert nats(uniform, np.arange(n) % 7) == pytest.approx(n * np.log(7), rel=1e-5)


@pytest.mark.parametrize("parameters", [50_000, 1_000_000])
def test_the_recipe_has_about_as_many_parameters(parameters: int) -> None:
    model = WordModel(1000, width_for(parameters, 1000))
    assert count_parameters(model) == pytest.approx(parameters, rel=0.02)


def test_the_recipe_learns_and_writes() -> None:
    torch.manual_seed(0)
    text = numbers_of(LINES * 60, sorted(set(" ".join(SENTENCES).split())))
    model = WordModel(20, 64)
    before = nats(model.eval(), text)
    training = Training(model, text)
    training.steps(100)
    assert training.words > 30 * len(text)
    assert nats(model.eval(), text) < 0.7 * before
    assert len(write(model, 9)) == 9


def test_the_recipe_keeps_the_best_weights_and_lowers_its_rate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    losses = iter([2.0, 1.0, *[3.0] * 1000])
    vectors = []

    def next_loss(model: WordModel, dev: np.ndarray) -> float:
        vectors.append(model.vectors.weight.detach().clone())
        return next(losses)

    monkeypatch.setattr("benchmarks.lm.recipe.nats", next_loss)
    training = Training(WordModel(9, 4), random_text(9, 100))
    training.run(np.zeros(0), Budget(0.3))
    assert training.optimizer.param_groups[0]["lr"] == 20 / 4 ** (len(vectors) - 2)
    assert torch.equal(training.model.vectors.weight, vectors[1])


def test_our_model_has_the_same_vocabulary(folder: Path) -> None:
    for unit in ("words", "characters"):
        vocabulary = read_vocabulary(folder, unit)
        model = OurModel(vocabulary, unit, 16)
        pipe: Any = model.nlp.get_pipe("seqrnn_lm")
        assert pipe.cfg["units"] == vocabulary
        before = model.parameters
        model.train(LINES, Budget(0.1))
        assert model.parameters == before  # no word gets its row only now
        assert len(model.write(30)) == 30


@pytest.fixture
def answers(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What a worker answers, to one request if it serves."""
    threads = torch.get_num_threads()

    def run(worker: Any, task: str, folder: Path) -> list[Any]:
        monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
        worker.main(task, str(folder))
        found = [line for line in capsys.readouterr().out.splitlines() if line.startswith(ANSWER)]
        return [json.loads(line.removeprefix(ANSWER)) for line in found]

    yield run
    torch.set_num_threads(threads)


@pytest.mark.parametrize("worker", [ours, recipe, kneser_ney])
def test_each_side_learns_words(worker: Any, folder: Path, answers: Any) -> None:
    (found,) = answers(worker, "words", folder)
    assert 1 < found["perplexity"] < 14  # there are 13 words
    assert found["units"] > 900
    assert found["seconds"] > 0


def test_our_side_learns_characters(folder: Path, answers: Any) -> None:
    (found,) = answers(ours, "characters", folder)
    assert 0 < found["bits"] < 4


@pytest.mark.parametrize("worker", [ours, recipe])
def test_both_sides_serve_training_and_generation(
    worker: Any, folder: Path, answers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "BATCHES", 2)
    monkeypatch.setattr(worker, "WRITTEN", 20)
    for task in SPEED_ROWS:
        about, seconds = answers(worker, task, folder)
        assert about["words"] > 0
        assert seconds > 0


ABOUT = {"words": 1000, "files": ["news"], "minutes": 2.0, "environment": {"cores": 2}}
OF_WORDS = {
    "row": "words",
    "sides": {"ours": {"perplexity": 100.0}, "recipe": {"perplexity": 160.0}},
    **ABOUT,
}
OF_CHARACTERS = {
    "row": "characters",
    "sides": {
        "ours": {"bits": 1.5, "units": 9000, "seconds": 2.0},
        "flair": {"bits": 2.0, "units": 6000, "seconds": 4.0},
    },
    **ABOUT,
}
OF_TRAINING = {
    "row": "training",
    "ours": ["ours"],
    "sides": {
        "ours": {"words": 4000, "seconds": [1.0, 2.0, 1.0]},
        "recipe": {"words": 2000, "seconds": [1.0, 2.0, 1.0]},
    },
    **ABOUT,
}


def test_lines_of_the_table() -> None:
    assert lines(OF_WORDS) == [["perplexity", "PyTorch's recipe", "100.0", "160.0", "**0.62**"]]
    assert lines(OF_CHARACTERS) == [
        ["bits per character", "Flair", "1.5", "2", "**0.75**"],
        ["characters/s in training", "Flair", "4,500", "1,500", "**3.00**"],
    ]
    assert lines(OF_TRAINING) == [
        ["words/s in training", "PyTorch's recipe", "4,000", "2,000", "**2.00**"]
    ]


def test_the_table_says_how_it_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    assert table() == ""
    for result in (OF_WORDS, OF_TRAINING):
        (tmp_path / f"{result['row']}.json").write_text(json.dumps(result))
    text = table()
    assert text.count("\n| ") == 3
    assert "words: 1,000 words of `news`, 2 minutes; training: 1,000 words of `news`." in text
    assert "Measured on: cores 2" in text


def test_every_row_has_its_own_side() -> None:
    for row in MINUTES_ROWS.values():
        assert row.sides["ours"]()[-2] == row.task
