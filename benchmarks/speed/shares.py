"""Where the time of a batch goes: `python -m benchmarks.speed.shares`.

Runs prediction and training under Python's profiler and adds up the time of the functions that do
each part. The profiler makes Python code look dearer than it is, so the shares of what runs in
compiled code, as the recurrence, are lower bounds.
"""

import cProfile
import os
import pstats
from collections.abc import Callable
from functools import partial
from pathlib import Path

import spacy
import srsly
import torch
from spacy.tokens import Doc
from spacy.training import Corpus
from spacy.training.batchers import minibatch_by_words
from wasabi import msg

from .pipelines import NER, documents, pipeline
from .results import keep

# Part: file and function, whose time includes what it calls
PREDICTION = {
    "words (lexemes, vectors, characters)": ("lexemes.py", "predict_packed"),
    "recurrence": ("rnn.py", "_predict"),
    "emissions": ("linear.py", "forward"),
    "Viterbi": ("decoding.py", "viterbi"),
    "probabilities of entities": ("ner.py", "_scores"),
    "earlier annotation": ("annotations.py", "allowed_by_docs"),
    "writing entities": ("ner.py", "set_annotations"),
}
TRAINING = {
    "words (forward only)": ("lexemes.py", "forward"),
    "recurrence, forward": ("lstm.py", "lstm_forward"),
    "recurrence, backward": ("lstm.py", "lstm_backward"),
    "CRF loss and gradient": ("ner_loss.py", "_loss_of"),
    "gold tags": ("ner_loss.py", "read_gold"),
    "optimizer": ("model.py", "finish_update"),
}
BATCHES = 40


def main() -> None:
    """Print the shares of both recipes and keep them."""
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    shares = {}
    for name in ("ner-accuracy", "ner-efficiency"):
        nlp = spacy.load(pipeline(name))
        words = [text["words"] for text in srsly.read_json(documents(NER))]
        shares[f"{name}, prediction"] = profile(partial(predict, nlp, words), PREDICTION)
        shares[f"{name}, training"] = profile(partial(train, nlp), TRAINING)
    for title, parts in shares.items():
        msg.divider(title)
        msg.table([(part, f"{100 * share:.1f} %") for part, share in parts.items()])
    keep("shares", {"shares": shares})


def predict(nlp: spacy.Language, words: list[list[str]]) -> None:
    """All documents through the pipeline."""
    for _ in nlp.pipe([Doc(nlp.vocab, words=text) for text in words]):
        pass


def train(nlp: spacy.Language) -> None:
    """Some training steps."""
    examples = Corpus(f"corpus/{NER}/train.spacy")(nlp)
    optimizer = nlp.resume_training()
    for batch, _ in zip(minibatch_by_words(examples, 500), range(BATCHES), strict=False):
        nlp.update(batch, sgd=optimizer, drop=0.1)


def profile(run: Callable[[], None], parts: dict[str, tuple[str, str]]) -> dict[str, float]:
    """The share of the pipeline's time that each part takes."""
    run()
    profiler = cProfile.Profile()
    profiler.runcall(run)
    stats = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    total = max(_time(stats, "ner.py", name) for name in ("predict", "update"))
    if "Viterbi" in parts:
        total += _time(stats, "ner.py", "set_annotations")
    return {part: round(_time(stats, *place) / total, 4) for part, place in parts.items()}


def _time(stats: dict, file: str, function: str) -> float:
    """Seconds in a function of this package, or of Thinc, and in what it calls."""
    return sum(
        values[3]
        for (path, _, name), values in stats.items()
        if name == function
        and Path(path).name == file
        and ("spacy_seqrnn" in path or "thinc" in path)
    )


if __name__ == "__main__":
    main()
