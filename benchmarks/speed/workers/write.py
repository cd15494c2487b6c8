"""Write predictions to a file: `python -m benchmarks.speed.workers.write MODEL TEXTS FILE`.

TEXTS are JSON lines. FILE gets documents if it ends with ".spacy", else JSON lines with entities
and their scores.
"""

import sys
from collections.abc import Iterator
from typing import Any

import spacy
import srsly
import torch
from spacy.tokens import DocBin


def main(model: str, texts: str, file: str) -> None:
    """Read, predict and write."""
    torch.set_num_threads(1)
    nlp = spacy.load(model)
    docs = nlp.pipe((row["text"] for row in srsly.read_jsonl(texts)), batch_size=256)
    if file.endswith(".spacy"):
        DocBin(docs=docs).to_disk(file)
    else:
        ner: Any = nlp.get_pipe("seqrnn_ner")
        srsly.write_jsonl(file, rows(docs, ner.spans_key))


def rows(docs: Iterator[Any], spans_key: str) -> Iterator[dict[str, Any]]:
    """The predicted entities of each document."""
    for doc in docs:
        group = doc.spans[spans_key]
        scores = group.attrs["scores"].tolist()
        found = [
            [span.start_char, span.end_char, span.label_, score]
            for span, score in zip(group, scores, strict=True)
        ]
        yield {"text": doc.text, "entities": found}


if __name__ == "__main__":
    main(*sys.argv[1:])
