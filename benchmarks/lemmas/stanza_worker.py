"""Stanza's lemmatizer: `python -m benchmarks.lemmas.stanza_worker MODEL SENTENCES`.

SENTENCES: JSON with form, tag and universal tag of each token of each sentence. The document is
created before the clock starts, and words are read at the best batch size.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import stanza
import torch
from stanza.models.common.doc import Document
from stanza.pipeline.lemma_processor import LemmaProcessor

from ..speed.workers.serve import best, serve, timed

BATCH_SIZES = [50, 500]  # of words; the first is Stanza's


def main(model: str, sentences: str) -> None:
    """Serve the pipeline's processor, and say which lemmas it sets."""
    torch.set_num_threads(1)
    words = json.loads(Path(sentences).read_text(encoding="utf8"))
    pipeline = SimpleNamespace(foundation_cache=None, loaded_processors=[])
    processor = LemmaProcessor({"model_path": model, "pretagged": True}, pipeline, "cpu")
    documents = [_document(words)]

    def run(batch_size: int) -> float:
        documents[0] = _document(words)
        processor.config["batch_size"] = batch_size
        return timed(lambda: processor.process(documents[0]))

    size = best(run, BATCH_SIZES)
    run(size)
    serve(
        lambda: run(size),
        sum(map(len, words)),
        batch_size=size,
        lemmas=documents[0].get("lemma", as_sentences=True),
        version=stanza.__version__,
    )


def _document(sentences: list[list[list[str]]]) -> Document:
    return Document(
        [
            [{"id": i + 1, "text": form, "upos": tag} for i, (form, _, tag) in enumerate(sentence)]
            for sentence in sentences
        ]
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
