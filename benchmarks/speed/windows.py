"""Whether reading in windows changes the entities: `python -m benchmarks.speed.windows`.

Reads a corpus as one document, in windows as in prediction and as a whole, and prints how much
emissions differ and how many entities occur in only one of the two readings.
"""

from dataclasses import replace
from typing import Any

import spacy
import srsly
import torch
from spacy.language import Language
from spacy.tokens import Doc
from wasabi import msg

from spacy_seqrnn.batch import windows

from ..environment import describe_environment
from .pipelines import NER, documents, pipeline


def main() -> None:
    """Print the differences."""
    torch.set_num_threads(1)
    words = [word for text in srsly.read_json(documents(NER)) for word in text["words"]]
    nlp = spacy.load(pipeline("ner-accuracy"))
    cut_scores, cut = _read(nlp, words)
    limits = windows.PREDICTION
    window = f"{limits.window} tokens with {limits.context} of context on either side"
    windows.PREDICTION = replace(limits, window=len(words))
    scores, whole = _read(nlp, words)
    msg.info(
        f"{len(words)} tokens, {len(whole)} entities, windows of {window}: "
        f"{len(cut ^ whole)} entities differ, emissions by {abs(cut_scores - scores).max():.1e}"
    )
    msg.text(srsly.json_dumps(describe_environment()))


def _read(nlp: Language, words: list[str]) -> tuple[Any, set[tuple[int, int, int]]]:
    """Emissions and entities of one document."""
    doc = Doc(nlp.vocab, words=words)
    ner: Any = nlp.get_pipe("seqrnn_ner")
    scores = ner.model.predict([doc]).emissions
    return scores, {(ent.start, ent.end, ent.label) for ent in nlp(doc).ents}


if __name__ == "__main__":
    main()
