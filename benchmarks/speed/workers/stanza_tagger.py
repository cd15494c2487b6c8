"""Stanza's tagger: `python -m benchmarks.speed.workers.stanza_tagger DOCS`.

Its NER model with word vectors of 50 dimensions, its character LSTM, 128 hidden units per direction
and a CRF, at its best batch size. Its weights are random, as its speed does not depend on them; the
document with all sentences is created before timing starts.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import stanza
import torch
from stanza.models.common.doc import Document
from stanza.models.common.pretrain import PretrainedWordVocab
from stanza.models.ner.data import DataLoader
from stanza.models.ner.trainer import Trainer
from stanza.models.ner_tagger import build_argparse

from .serve import best, serve, timed

TAGS = ["O", *(f"{prefix}-{label}" for label in ("PER", "LOC", "ORG", "MISC") for prefix in "BIES")]
OPTIONS = ["--hidden_dim", "128", "--word_emb_dim", "50", "--shorthand", "en_speed"]


def main(docs: str) -> None:
    """Serve the tagger."""
    torch.set_num_threads(1)
    texts = [text["words"] for text in json.loads(Path(docs).read_text(encoding="utf8"))]
    args = {**vars(build_argparse().parse_args(OPTIONS)), "use_peft": False}
    words = sorted({word.lower() for sentence in texts for word in sentence})
    vocab = PretrainedWordVocab(words, lower=True)
    vectors = np.random.default_rng(0).normal(size=(len(vocab), 50)).astype("float32")
    pretrain = SimpleNamespace(vocab=vocab, emb=vectors)
    vocabs = DataLoader(_document(texts), 32, args, pretrain).vocab
    trainer = Trainer(args=args, vocab=vocabs, pretrain=pretrain, device="cpu")

    def predict(batch_size: int) -> float:
        return timed(lambda: _predict(trainer, _document(texts), batch_size))

    size = best(predict, [32, 128, 512])
    serve(
        lambda: predict(size),
        sum(map(len, texts)),
        batch_size=size,
        version=stanza.__version__,
    )


def _predict(trainer: Trainer, document: Document, batch_size: int) -> None:
    """What the pipeline's processor does with a document."""
    loader = DataLoader(
        document,
        batch_size,
        trainer.args,
        vocab=trainer.vocab,
        evaluation=True,
        preprocess_tags=False,
    )
    with torch.no_grad():
        predictions = [tags for batch in loader for tags in trainer.predict(batch)]
    document.set(["ner"], [tag for tags in predictions for tag in tags], to_token=True)
    document.build_ents()


def _document(texts: list[list[str]]) -> Document:
    """All sentences, with every tag somewhere, since the tags determine the model's width."""
    tags = iter(TAGS)
    return Document(
        [
            [
                {"id": i + 1, "text": word, "ner": next(tags, "O"), "multi_ner": ("O",)}
                for i, word in enumerate(words)
            ]
            for words in texts
        ]
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
