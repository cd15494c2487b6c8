"""Flair's spans and scores: `python -m benchmarks.trust.flair_spans DATA VECTORS OUTPUT`.

Runs in the environment of `make peers`. Trains a `SequenceTagger` with Flair's own settings: the
given word vectors and its character LSTM, 128 hidden units per direction, a CRF.

DATA: JSON, the documents of "train", "dev" and "test" with their words and entities.
VECTORS: npz with words and their matrix.
OUTPUT: folder; its spans.json gets start, end, label and score of each entity of each test
document.
"""

import json
import sys
from pathlib import Path
from typing import Any

import flair
import numpy as np
import torch
from flair.data import Corpus, Dictionary, Sentence
from flair.datasets import FlairDatapointDataset
from flair.embeddings import CharacterEmbeddings, StackedEmbeddings, WordEmbeddings
from flair.models import SequenceTagger
from flair.trainers import ModelTrainer

SEED, EPOCHS, PATIENCE = 0, 10, 1
LAYER = "ner"


def word_vectors(path: str) -> WordEmbeddings:
    """Fixed word vectors, which Flair looks up in lower case if necessary."""
    table = np.load(path)
    rows = {word: row for row, word in enumerate(table["words"].tolist())}
    width = table["matrix"].shape[1]
    embeddings = WordEmbeddings(None, vocab=rows, embedding_length=width, name="vectors")
    embeddings.embedding.weight.data[: len(rows)] = torch.from_numpy(table["matrix"])
    return embeddings


def main(data: str, vectors: str, output: str) -> None:
    """Train, predict and write."""
    torch.set_num_threads(1)
    flair.set_seed(SEED)
    splits = json.loads(Path(data).read_text(encoding="utf8"))
    corpus = Corpus(**{name: dataset(docs) for name, docs in splits.items()})
    letters = Dictionary(add_unk=True)
    for letter in sorted({letter for doc in splits["train"] for letter in "".join(doc["words"])}):
        letters.add_item(letter)
    path = Path(output) / "characters.pickle"
    letters.save(path)
    characters = CharacterEmbeddings(path_to_char_dict=str(path))
    tagger = SequenceTagger(
        hidden_size=128,
        embeddings=StackedEmbeddings([word_vectors(vectors), characters]),
        tag_dictionary=corpus.make_label_dictionary(LAYER, add_unk=False),
        tag_type=LAYER,
        use_crf=True,
        tag_format="BIOES",
    )
    ModelTrainer(tagger, corpus).train(
        output, max_epochs=EPOCHS, patience=PATIENCE, shuffle=True, train_with_dev=False
    )
    best = SequenceTagger.load(Path(output) / "best-model.pt")
    spans = [spans_of(best, doc["words"]) for doc in splits["test"]]
    result = {"version": flair.__version__, "spans": spans}
    (Path(output) / "spans.json").write_text(json.dumps(result), encoding="utf8")


def dataset(docs: list[dict[str, Any]]) -> FlairDatapointDataset:
    """Documents with their entities as Flair's sentences."""
    sentences = [Sentence(doc["words"]) for doc in docs]
    for sentence, doc in zip(sentences, docs, strict=True):
        for start, end, label in doc["entities"]:
            sentence[start:end].add_label(LAYER, label)
    return FlairDatapointDataset(sentences)


def spans_of(tagger: SequenceTagger, words: list[str]) -> list[tuple[int, int, str, float]]:
    """The entities that the tagger predicts for one document."""
    sentence = Sentence(words)
    tagger.predict(sentence)
    spans = [(span, span.get_label(LAYER)) for span in sentence.get_spans(LAYER)]
    return [(s[0].idx - 1, s[-1].idx, label.value, label.score) for s, label in spans]


if __name__ == "__main__":
    main(*sys.argv[1:])
