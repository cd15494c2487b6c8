"""A spaCy pipeline: `python -m benchmarks.lemmas.worker MODEL SENTENCES WAY`.

SENTENCES: JSON with form, tag and universal tag of each token of each sentence. WAY: "tagged"
leaves the tags to the pipeline, and "alone" gives them to it and omits its tagger. Each run loads
the pipeline anew, before the clock starts, so that none profits from words that another has seen.
"""

import json
import sys
from pathlib import Path

import spacy
import torch
from spacy.about import __version__
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..speed.workers.serve import best, serve, timed

BATCH_SIZES = [256, 1000]
TAGGED, ALONE = "tagged", "alone"


def main(model: str, sentences: str, way: str) -> None:
    """Serve one way of one pipeline, and say which tags and lemmas it sets."""
    torch.set_num_threads(1)
    words = json.loads(Path(sentences).read_text(encoding="utf8"))
    docs: list[Doc] = []

    def run(batch_size: int) -> float:
        nlp = spacy.load(model, exclude=["tagger"] if way == ALONE else [])
        docs[:] = [_document(nlp.vocab, sentence, tagged=way == ALONE) for sentence in words]
        return timed(lambda: all(True for _ in nlp.pipe(docs, batch_size=batch_size)))

    size = best(run, BATCH_SIZES)
    run(size)
    serve(
        lambda: run(size),
        sum(map(len, words)),
        batch_size=size,
        lemmas=[[token.lemma_ for token in doc] for doc in docs],
        tags=[[token.tag_ for token in doc] for doc in docs],
        version=__version__,
    )


def _document(vocab: Vocab, sentence: list[list[str]], *, tagged: bool) -> Doc:
    forms, tags, _ = ([word[i] for word in sentence] for i in range(3))
    return Doc(vocab, words=forms, tags=tags if tagged else None)


if __name__ == "__main__":
    main(*sys.argv[1:])
