"""The bare recurrence: `python -m benchmarks.speed.workers.kernel DOCS WIDTH INPUT MEMBERS`.

A bidirectional `torch.nn.LSTM` over the packed tokens of all documents, sorted by length, for as
many members as the recipe has: what a recurrent tagger must compute and nothing else.
"""

import json
import sys
from pathlib import Path

import torch
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from .serve import best, serve, timed


def main(docs: str, width: str, inputs: str, members: str) -> None:
    """Serve the kernel."""
    torch.set_num_threads(1)
    texts = json.loads(Path(docs).read_text(encoding="utf8"))
    lengths = sorted((len(text["words"]) for text in texts), reverse=True)
    lstm = torch.nn.LSTM(int(inputs), int(width) // 2, bidirectional=True)

    def batches(size: int) -> list[PackedSequence]:
        starts = range(0, len(lengths), size)
        return [
            pack_sequence([torch.randn(n, int(inputs)) for n in lengths[start : start + size]])
            for start in starts
        ]

    def run(packed: list[PackedSequence]) -> float:
        with torch.inference_mode():
            return timed(lambda: [lstm(batch) for batch in packed for _ in range(int(members))])

    size = best(lambda size: run(batches(size)), [16, 32, 64, 128, 256, 1000])
    ready = batches(size)
    serve(lambda: run(ready), sum(lengths), batch_size=size, version=torch.__version__)


if __name__ == "__main__":
    main(*sys.argv[1:])
