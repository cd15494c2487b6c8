"""The reader of pairs, and `spacy train` with it."""

import gzip
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.cli.train import train
from thinc.api import Config

from spacy_seqrnn.seq2seq.pairs import make_pairs_reader

from .models import random_words, small_seq2seq

PAIRS = [("Das Haus", "the house"), ("ein Hund.", "a dog."), ("", "nothing"), ("Ja", "")]


def write(folder: Path, kind: str) -> dict[str, Any]:
    """The pairs in files. Returns the options of the reader."""
    if kind == "lines":
        for name, texts in zip(("a.de", "a.en"), zip(*PAIRS, strict=True), strict=True):
            (folder / name).write_text("".join(f"{text}\n" for text in texts), encoding="utf8")
        return {"path": folder / "a.de", "target_path": folder / "a.en"}
    path = folder / f"a.{kind}"
    if kind == "jsonl":
        srsly.write_jsonl(path, [{"source": a, "target": b, "id": 3} for a, b in PAIRS])
    else:
        path.write_text("".join(f"{a}\t{b}\n" for a, b in PAIRS), encoding="utf8")
    return {"path": path}


def read(**options: Any) -> list[tuple[str, str]]:
    reader = make_pairs_reader(**options)
    return [(eg.predicted.text, eg.reference._.output) for eg in reader(spacy.blank("de"))]


@pytest.mark.parametrize("kind", ["lines", "tsv", "jsonl", "txt"])
@pytest.mark.parametrize("compressed", [False, True])
def test_all_formats(tmp_path: Path, kind: str, compressed: bool) -> None:
    options = write(tmp_path, kind)
    if compressed:
        for option, path in options.items():
            options[option] = path.with_name(f"{path.name}.gz")
            options[option].write_bytes(gzip.compress(path.read_bytes()))
    assert read(**options) == [pair for pair in PAIRS if pair[0]]


def test_examples_have_the_target_in_the_reference_alone(tmp_path: Path) -> None:
    reader = make_pairs_reader(**write(tmp_path, "tsv"), output="english")
    first, *_ = reader(spacy.blank("de"))
    assert first.reference._.english == "the house"
    assert first.predicted._.english is None
    assert first.predicted.text == first.reference.text


def test_options(tmp_path: Path) -> None:
    options = write(tmp_path, "tsv")
    assert len(read(**options)) == 3
    assert len(read(**options, limit=1)) == 1
    assert read(**options, max_length=1) == [("Ja", "")]
    reader = make_pairs_reader(**options)
    assert [len(eg.predicted) for eg in reader(spacy.blank("de"))] == [2, 3, 1]
    reader = make_pairs_reader(**options, tokenized=True)
    assert [len(eg.predicted) for eg in reader(spacy.blank("de"))] == [2, 2, 1]


def test_files_that_do_not_belong_together(tmp_path: Path) -> None:
    options = write(tmp_path, "lines")
    options["target_path"].write_text("one line\n")
    with pytest.raises(ValueError, match=r"a\.de' has 4 lines, but .*a\.en' has 1: each line"):
        read(**options)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.tsv", "a\tb\nc\n", r"line 2: expected two columns with a tab between them, not 1 in"),
        ("a.tsv", "a\tb\tc\n", r"line 1: expected two columns .*, not 3 in 'a\\tb\\tc'"),
        ("a.jsonl", '{"source": "a"}\n', 'line 1: expected JSON with the fields "source" and'),
        ("a.jsonl", '{"source": "a", "target": 3}\n', "expected JSON with the fields"),
        ("a.jsonl", "a\tb\n", "expected JSON with the fields"),
    ],
)
def test_lines_in_another_format(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        read(path=tmp_path / name)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`path = None` is no file: name a file of texts"):
        make_pairs_reader(None)
    options = write(tmp_path, "tsv")
    with pytest.raises(ValueError, match=r"`target_path = missing\.en` is no file"):
        make_pairs_reader(**options, target_path="missing.en")


def date_pairs(n: int, seed: int) -> list[tuple[str, str]]:
    """Dates as people write them, and as ISO 8601 does."""
    pairs = []
    for word in random_words(n, seed):
        number = sum(ord(letter) * 31**i for i, letter in enumerate(word))
        year, month, day = 1900 + number % 120, number // 7 % 12 + 1, number // 11 % 28 + 1
        pairs.append((f"{day}.{month}.{year}", f"{year}-{month:02}-{day:02}"))
    return pairs


def config_of(folder: Path) -> Config:
    paths = {name: str(folder / f"{name}.tsv") for name in ("train", "dev")}
    return Config(
        {
            "paths": paths,
            "nlp": {"lang": "xx", "pipeline": ["seqrnn_text2text"]},
            "components": {
                "seqrnn_text2text": {
                    "factory": "seqrnn_text2text",
                    "model": small_seq2seq(width=48, max_grad_norm=1.0),
                }
            },
            "corpora": {
                name: {"@readers": "spacy-seqrnn.Pairs.v1", "path": f"${{paths.{name}}}"}
                for name in ("train", "dev")
            },
            "training": {
                "max_epochs": 12,
                "eval_frequency": 50,
                "patience": 0,
                "dropout": 0.0,
                "optimizer": {"@optimizers": "Adam.v1", "learn_rate": 0.005},
                "batcher": {"@batchers": "spacy.batch_by_sequence.v1", "size": 32},
            },
        }
    )


def test_dates_are_learned_by_spacy_train(tmp_path: Path) -> None:
    """With default settings but for the sizes."""
    for name, seed, n in [("train", 0, 1200), ("dev", 1, 100)]:
        lines = (f"{source}\t{target}\n" for source, target in date_pairs(n, seed))
        (tmp_path / f"{name}.tsv").write_text("".join(lines))
    partial = config_of(tmp_path)
    filled = spacy.util.load_model_from_config(partial, auto_fill=True).config
    filled.to_disk(tmp_path / "config.cfg")
    train(tmp_path / "config.cfg", tmp_path / "output")
    nlp = spacy.load(tmp_path / "output/model-best")
    meta = nlp.meta["performance"]
    assert meta["output_exact"] > 0.95
    assert nlp("3.11.1987")._.output == "1987-11-03"
