"""One side of the comparison: `python -m benchmarks.seq2seq.worker SIDE MODEL CORPUS`."""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import spacy
import torch
from spacy.about import __version__
from spacy.language import Language
from spacy.tokens import DocBin

from ..speed.workers.serve import serve, timed
from .peer import Peer


def main(side: str, model: str, corpus: str) -> None:
    """Write a text for each text of the corpus, as often as asked for."""
    torch.set_num_threads(1)
    nlp = spacy.load(model)
    (name,) = nlp.pipe_names
    component: Any = nlp.get_pipe(name)
    component.beam = 1
    texts = [doc.text for doc in DocBin().from_disk(Path(corpus)).get_docs(nlp.vocab)]
    write = partial(annotate, nlp, component.output, texts)
    if side != "ours":
        write = partial(Peer(component).translate, texts)
    written = write()
    serve(
        lambda: timed(write),
        sum(len(text.split()) for text in written),
        texts=written,
        version=__version__ if side == "ours" else torch.__version__,
    )


def annotate(nlp: Language, output: str, texts: list[str]) -> list[str]:
    """What a pipeline of ours writes."""
    return [doc._.get(output) for doc in nlp.pipe(texts)]


if __name__ == "__main__":
    main(*sys.argv[1:])
