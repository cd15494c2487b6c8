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
from itertools import islice
from typing import Any, TypeVar

import spacy
import srsly
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Corpus, Example
from spacy.training.batchers import minibatch_by_words
from thinc.api import Model
from wasabi import msg

from spacy_seqrnn.crf.decoding import viterbi
from spacy_seqrnn.embed import lexemes
from spacy_seqrnn.heads import linear
from spacy_seqrnn.ner.annotations import allowed_by_docs
from spacy_seqrnn.ner.component import RecurrentNER
from spacy_seqrnn.ner.loss import ner_loss, read_gold
from spacy_seqrnn.rnn import drivers, training

from .pipelines import NER, documents, pipeline
from .results import keep

# Part: the function that does it, whose time includes what it calls
PREDICTION: dict[str, Callable[..., Any]] = {
    "words (lexemes, vectors, characters)": lexemes.forward_packed,
    "recurrence": drivers.predict,
    "emissions": linear.forward,
    "Viterbi": viterbi,
    "probabilities of entities": RecurrentNER.scores,
    "earlier annotation": allowed_by_docs,
    "writing entities": RecurrentNER.set_annotations,
}
TRAINING: dict[str, Callable[..., Any]] = {
    "words (forward only)": lexemes.forward_packed,
    "recurrence, forward": training.forward,
    "recurrence, backward": training.backward,
    "CRF loss and gradient": ner_loss,
    "gold tags": read_gold,
    "optimizer": Model.finish_update,
}
BATCHES = 40
T = TypeVar("T")


def main() -> None:
    """Print the shares of both recipes and keep them."""
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    shares = {}
    for name in ("ner-accuracy", "ner-efficiency"):
        nlp = spacy.load(pipeline(name))
        reading, learning = partial(predict, nlp), partial(train, nlp)
        shares[f"{name}, prediction"] = profile(reading, partial(docs, nlp), PREDICTION)
        shares[f"{name}, training"] = profile(learning, partial(batches, nlp), TRAINING)
    for title, parts in shares.items():
        msg.divider(title)
        msg.table([(part, f"{100 * share:.1f} %") for part, share in parts.items()])
    keep("shares", {"shares": shares})


def docs(nlp: Language) -> list[Doc]:
    """All documents, without annotation."""
    return [Doc(nlp.vocab, words=text["words"]) for text in srsly.read_json(documents(NER))]


def predict(nlp: Language, docs: list[Doc]) -> None:
    """All documents through the pipeline."""
    for _ in nlp.pipe(docs):
        pass


def batches(nlp: Language) -> list[list[Example]]:
    """The examples of some training steps."""
    examples = Corpus(f"corpus/{NER}/train.spacy")(nlp)
    return list(islice(minibatch_by_words(examples, 500), BATCHES))


def train(nlp: Language, batches: list[list[Example]]) -> None:
    """Some training steps."""
    optimizer = nlp.resume_training()
    for batch in batches:
        nlp.update(batch, sgd=optimizer, drop=0.1)


def profile(
    run: Callable[[T], object], make_input: Callable[[], T], parts: dict[str, Callable[..., Any]]
) -> dict[str, float]:
    """The share of the time of `run` that each part takes. `make_input` is not profiled."""
    run(make_input())
    profiler = cProfile.Profile()
    profiler.runcall(run, make_input())
    profiled = pstats.Stats(profiler)
    stats, total = profiled.stats, profiled.total_tt  # type: ignore[attr-defined]
    return {part: round(_time(stats, function) / total, 4) for part, function in parts.items()}


def _time(stats: dict[Any, Any], function: Callable[..., Any]) -> float:
    """Seconds in a function and in what it calls; 0 if it was not called."""
    code = function.__code__
    values = stats.get((code.co_filename, code.co_firstlineno, code.co_name))
    return float(values[3]) if values else 0.0


if __name__ == "__main__":
    main()
