"""Our side, or PyTorch's: `python -m benchmarks.seq2seq.worker SIDE MODEL TEXTS BEAM`.

TEXTS is a JSON file with a list of texts. PyTorch's side has no beam.
"""

import sys
from functools import partial

import srsly
import torch
from spacy.about import __version__

from ..speed.workers.serve import serve, timed
from .peer import BATCH, Peer
from .pipelines import load, write


def main(side: str, model: str, path: str, beam: str) -> None:
    """Write a text for each text, as often as asked for."""
    torch.set_num_threads(1)
    nlp, component = load(model)
    component.beam = int(beam)
    texts = srsly.read_json(path)
    translate = partial(write, nlp, component.output, texts)
    if side != "ours":
        translate = partial(Peer(component).translate, texts)
    written = translate()
    serve(
        lambda: timed(translate),
        sum(len(text.split()) for text in written),
        texts=written,
        batch_size=nlp.batch_size if side == "ours" else BATCH,
        version=__version__ if side == "ours" else torch.__version__,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
