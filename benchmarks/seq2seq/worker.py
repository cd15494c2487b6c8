"""Our side, or PyTorch's: `python -m benchmarks.seq2seq.worker SIDE MODEL TEXTS BEAM`.

TEXTS is a JSON file with a list of texts. PyTorch's side has no beam.
"""

import sys
from functools import partial
from typing import Any

import spacy
import srsly
import torch
from spacy.about import __version__
from spacy.language import Language

from ..speed.workers.serve import serve, timed
from .peer import BATCH, Peer


def main(side: str, model: str, path: str, beam: str) -> None:
    """Write a text for each text, as often as asked for."""
    torch.set_num_threads(1)
    nlp = spacy.load(model)
    (name,) = nlp.pipe_names
    component: Any = nlp.get_pipe(name)
    component.beam = int(beam)
    texts = srsly.read_json(path)
    write = partial(annotate, nlp, component.output, texts)
    if side != "ours":
        write = partial(Peer(component).translate, texts)
    written = write()
    serve(
        lambda: timed(write),
        sum(len(text.split()) for text in written),
        texts=written,
        batch_size=nlp.batch_size if side == "ours" else BATCH,
        version=__version__ if side == "ours" else torch.__version__,
    )


def annotate(nlp: Language, output: str, texts: list[str]) -> list[str]:
    """What a pipeline of ours writes."""
    return [doc._.get(output) for doc in nlp.pipe(texts)]


if __name__ == "__main__":
    main(*sys.argv[1:])
