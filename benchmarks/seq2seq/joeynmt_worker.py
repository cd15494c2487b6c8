"""JoeyNMT's side: `python -m benchmarks.seq2seq.joeynmt_worker FOLDER TEXTS BEAM`.

FOLDER is what `python -m benchmarks.seq2seq.joeynmt` makes, and TEXTS a JSON file with a list. The
texts go through `predict`, as those of `joeynmt translate` do, at the best batch size. JoeyNMT
sorts texts by length only within a batch; here all come sorted, which saves it padding.
"""

import json
import os
import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch
from joeynmt.config import load_config, parse_global_args
from joeynmt.prediction import predict, prepare

from ..speed.workers.serve import best, serve, timed

SIZES = [64, 256, 1000]  # texts; the first is its default
ALPHA = 0.6  # of the length penalty, as ours


class Translator:
    """A trained model with its settings."""

    def __init__(self, folder: str, beam: int) -> None:
        os.chdir(folder)  # where the paths of the config start
        args = parse_global_args(load_config(Path("joeynmt.yaml")), mode="translate")
        self.model, _, _, self.data = prepare(args, rank=0, mode="translate")
        self.test = args.test._replace(beam_size=beam, beam_alpha=ALPHA)
        self.args = args

    def translate(self, texts: list[str], batch_size: int) -> list[str]:
        """Write a text for each text."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        self.data.reset_cache()
        for i in order:
            self.data.set_item(texts[i])
        _, _, written, *_ = predict(
            model=self.model,
            data=self.data,
            device=self.args.device,
            n_gpu=0,
            args=self.test._replace(batch_size=batch_size),
            autocast=self.args.autocast,
        )
        found = dict(zip(order, written, strict=True))
        return [found[i] for i in range(len(texts))]


def main(folder: str, path: str, beam: str) -> None:
    """Write a text for each text, as often as asked for."""
    torch.set_num_threads(1)
    texts = json.loads(Path(path).read_text(encoding="utf8"))
    translate = partial(Translator(folder, int(beam)).translate, texts)
    size = best(lambda size: timed(lambda: translate(size)), SIZES)
    written = translate(size)
    serve(
        lambda: timed(lambda: translate(size)),
        sum(len(text.split()) for text in written),
        texts=written,
        batch_size=size,
        version=version("joeynmt"),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
