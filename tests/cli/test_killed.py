"""`spacy seqrnn train`, killed at random moments: the best pipeline so far is always complete."""

import random
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import spacy
import srsly
from spacy.cli.train import train as spacy_train
from spacy.tokens import DocBin
from spacy.training import Corpus
from spacy.training.converters.conll_ner_to_docs import conll_ner_to_docs
from thinc.api import Config

from spacy_seqrnn.cli.train import train
from spacy_seqrnn.report.log import FILE

from ..killing import run_and_kill
from ..trust.folders import files, mounted

ROOT = Path(__file__).parents[2]
STEPS = 20
SENTENCES = {"train": 300, "dev": 25}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe of the project, so small that saving takes most of its time."""
    folder = tmp_path_factory.mktemp("killed")
    for split, number in SENTENCES.items():
        text = (ROOT / f"assets/ner/{split}.conll").read_text()
        sentences = "\n\n".join(text.split("\n\n")[:number])
        docs = conll_ner_to_docs(sentences, n_sents=1, no_print=True)
        DocBin(docs=docs).to_disk(folder / f"{split}.spacy")
    config = Config().from_disk(ROOT / "configs/ner_efficiency.cfg", interpolate=False)
    config["paths"].update(train=str(folder / "train.spacy"), dev=str(folder / "dev.spacy"))
    tok2vec = config["components"]["seqrnn_ner"]["model"]["tok2vec"]
    no_vectors = {"include_static_vectors": False, "correction_rows": 0, "correction_scale": 1.0}
    tok2vec["embed"].update(no_vectors)
    words = {"@architectures": "spacy-seqrnn.WordEmbed.v1", "width": 50, "attr": "LOWER"}
    tok2vec["embed"]["layers"]["words"] = words
    tok2vec["encode"].update(width=32, dropout=0.0)
    training = config["training"]
    training.update(eval_frequency=1, max_steps=STEPS, dropout=0.0)
    training["batcher"]["size"] = 100
    training["optimizer"]["learn_rate"] = 0.03
    config.to_disk(folder / "config.cfg")
    return folder / "config.cfg"


def read_scores(output: Path) -> list[float]:
    """The scores that the last training run has logged, each after its checkpoint."""
    path = output / FILE
    lines = path.read_text().splitlines() if path.exists() else []
    return [srsly.json_loads(line)["score"] for line in lines]


def best_score(folder: Path, config: Path) -> float | None:
    """The true score of a saved pipeline; None if there is none."""
    if not (folder / "config.cfg").exists():
        return None
    nlp = spacy.load(folder)  # compares the checksums
    saved: float = nlp.meta["performance"]["ents_f"]
    again = nlp.evaluate(list(Corpus(config.parent / "dev.spacy")(nlp)))["ents_f"] or 0.0
    assert again == pytest.approx(saved, abs=1e-6)
    return saved


@pytest.mark.parametrize("kills", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_a_killed_training_leaves_the_best_so_far(config: Path, tmp_path: Path, kills: int) -> None:
    output = tmp_path / "training"
    start = time.perf_counter()
    assert not run_and_kill(partial(train, config, output))
    duration = time.perf_counter() - start
    expected = read_scores(output)
    assert len(expected) == STEPS + 1
    assert len(set(expected)) > STEPS / 3  # so that the best score identifies the step
    killed, best_ones = [], []
    chance = random.Random(kills)
    for _ in range(kills):
        (output / FILE).unlink(missing_ok=True)
        seconds = chance.uniform(0.1, 1) * duration
        killed.append(run_and_kill(partial(train, config, output), seconds=seconds))
        scores = read_scores(output)
        assert scores == pytest.approx(expected[: len(scores)])
        best = best_score(output / "model-best", config)
        best_score(output / "model-last", config)
        best_ones.append(best)
        # The last checkpoint may be there before its score is logged.
        possible = {max(expected[:n]) for n in (len(scores), len(scores) + 1) if n}
        if scores:
            assert best in possible
    assert any(killed)
    assert any(best is not None for best in best_ones)
    assert not run_and_kill(partial(train, config, output))
    assert best_score(output / "model-best", config) == pytest.approx(max(expected))
    assert sorted(path.name for path in output.iterdir()) == ["model-best", "model-last", FILE]


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_spacys_own_training_loses_nothing_either(config: Path, tmp_path: Path, kills: int) -> None:
    """One of its two pipelines is the best so far.

    `model-best` may be rejected or missing, since spaCy deletes it and copies it file by file, but
    then `model-last` is the best.
    """
    output = tmp_path / "training"
    start = time.perf_counter()
    assert not run_and_kill(partial(spacy_train, config, output))
    duration = time.perf_counter() - start
    expected = read_scores(output)
    assert best_score(output / "model-best", config) == pytest.approx(max(expected))
    assert files(output / "model-best").keys() == files(output / "model-last").keys()
    chance = random.Random(kills)
    compared = 0
    for _ in range(kills):
        (output / FILE).unlink(missing_ok=True)
        run_and_kill(
            partial(spacy_train, config, output), seconds=chance.uniform(0.5, 1) * duration
        )
        scores = read_scores(output)
        if not scores:  # spaCy may be deleting what the run before has left
            continue
        compared += 1
        best = best_score(output / "model-last", config)
        with suppress(OSError, ValueError):
            best = best_score(output / "model-best", config) or best
        assert best in {max(expected[:n]) for n in (len(scores), len(scores) + 1)}
    assert compared


def test_a_training_into_the_current_folder(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mount point, like the volume of a container, with unrelated files."""
    volume = tmp_path / "volume"
    with mounted(volume), monkeypatch.context() as patch:
        patch.chdir(volume)
        Path("notes.txt").write_text("mine")
        for _ in range(2):
            assert not run_and_kill(
                partial(train, config, Path("."), overrides={"training.max_steps": 3})
            )
        assert best_score(Path("model-best"), config) is not None
        assert {path.name for path in volume.iterdir()} == {
            *("model-best", "model-last", "notes.txt", FILE)
        }
