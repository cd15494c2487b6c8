"""A coverage-guided fuzz target: `python -m tests.trust.fuzz -max_total_time=1800`.

It needs `pip install atheris` (libFuzzer for Python). It stops at any exception that is not meant
for users, a crash, a result that depends on the batch, or a wrong number, and writes the input to a
file, which `python -m tests.trust.fuzz FILE` runs again.

The first byte of an input selects the target; tests/trust/test_fuzz.py runs all targets on a few
fixed inputs.
"""

import gc
import sys
from collections.abc import Callable
from functools import cache, partial
from struct import unpack
from types import FunctionType
from typing import Any

import numpy as np
import srsly
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.crf.chain import LinearChain
from spacy_seqrnn.ner.biluo import biluo_constraints
from spacy_seqrnn.saved.checksums import CHECKSUMS

from ..integration.components import assert_same, initialize, make_pipeline, train
from ..pipes import get_pipe
from .test_crf_numbers import check

OURS = ["seqrnn_ner", "seqrnn_textcat", "tagger"]
LONGEST_SCORE = 1e4


@cache
def trained() -> Language:
    """A pipeline that is only used, not trained."""
    nlp = make_pipeline(*OURS, shared=False, vectors=True)
    train(nlp, initialize(nlp), steps=20)
    return nlp


@cache
def in_training() -> Language:
    """A pipeline whose recogniser keeps learning from any annotation."""
    nlp = make_pipeline("seqrnn_ner", shared=False, vectors=True)
    return nlp.from_bytes(trained().to_bytes(), exclude=["textcat", "tagger"])


@cache
def saved() -> dict[str, Any]:
    """The saved recogniser in its parts, without the checksums that would detect any change."""
    parts = srsly.msgpack_loads(get_pipe(trained(), "seqrnn_ner").to_bytes())
    del parts[CHECKSUMS]
    return {**parts, "cfg": parts["cfg"].encode()}


def any_text(data: bytes) -> None:
    """Texts, divided by a character of their own, alone and together."""
    texts = data.decode("utf8", errors="ignore").split("\x1f")
    nlp = trained()
    assert_same(nlp.pipe(texts), [nlp(text) for text in texts])


def any_annotation(data: bytes) -> None:
    """Spans of a document as known, missing, blocked or wrong ones, before and in training.

    Four bytes each: what they are, first token, length and label.
    """
    nlp = in_training()
    words = [f"w{byte % 7}" if byte % 5 else " " for byte in data[:20]]
    docs = [Doc(nlp.vocab, words=words) for _ in range(2)]
    for number, byte in enumerate(data[20:24]):
        if len(words) > number:
            docs[0][number].is_sent_start = [None, True, False][byte % 3]
    for at in range(24, len(data) - 3, 4):
        annotate(docs[data[at] % 2], *data[at : at + 4])
    try:
        example = Example(*docs)
        losses = nlp.update([example], sgd=nlp.resume_training(), losses={})
    except ValueError as error:
        if "document 0 of the batch allows" in str(error) or "[E" in str(error):
            return
        raise
    if not np.isfinite(losses["seqrnn_ner"]):
        raise AssertionError(losses)
    try:
        nlp(docs[0])
    except ValueError as error:
        if "[E" not in str(error):
            raise


def annotate(doc: Doc, kind: int, first: int, length: int, label: int) -> None:
    """Add an annotation to a document, if spaCy accepts it."""
    if not len(doc):
        return
    first %= len(doc)
    last = min(first + 1 + length % 3, len(doc))
    span = Span(doc, first, last, label=["PERSON", "CITY", "NEW"][label % 3])
    way = ["entities", "missing", "blocked", "outside"][kind // 2 % 4]
    kinds: dict[str, Any] = {"missing": [], "blocked": [], "outside": [], "entities": []}
    kinds[way] = [span]
    try:
        doc.set_ents(kinds.pop("entities"), default="unmodified", **kinds)
    except ValueError as error:
        if "[E" not in str(error):
            raise


def any_file(data: bytes) -> None:
    """A saved recogniser with changed bytes: four for the place, one for the value."""
    parts = {name: bytearray(part) for name, part in saved().items()}
    names = sorted(parts)
    for at in range(0, len(data) - 5, 6):
        part = parts[names[data[at] % len(names)]]
        place = int.from_bytes(data[at + 1 : at + 5], "little") % len(part)
        part[place] = data[at + 5]
    changed = srsly.msgpack_dumps({name: bytes(part) for name, part in parts.items()})
    nlp = make_pipeline("seqrnn_ner", shared=False, vectors=True)
    try:
        get_pipe(nlp, "seqrnn_ner").from_bytes(changed)
    except ValueError as error:
        if "seqrnn_ner" not in str(error):
            raise


def any_scores(data: bytes) -> None:
    """Emissions of any size as 32-bit floats; the first byte is the number of tags."""
    if len(data) < 6:
        return
    n_tags = 1 + 4 * (data[0] % 3)
    n_tokens = (len(data) - 2) // 4 // n_tags
    values = unpack(f"<{n_tokens * n_tags}f", data[2 : 2 + 4 * n_tokens * n_tags])
    emissions = np.clip(np.nan_to_num(values), -LONGEST_SCORE, LONGEST_SCORE)
    first = data[1] % (n_tokens + 1)
    allowed = biluo_constraints(n_tags)
    check(
        LinearChain(
            emissions.reshape(n_tokens, n_tags).astype("float32"),
            np.where(allowed.transitions, 0.5, -np.inf),
            np.where(allowed.start, 0.5, -np.inf),
            np.where(allowed.end, -0.5, -np.inf),
            make_packing([first, n_tokens - first]),
        )
    )


TARGETS: list[Callable[[bytes], None]] = [any_text, any_annotation, any_file, any_scores]


def run(data: bytes, targets: list[Callable[[bytes], None]] | None = None) -> None:
    """Run one input."""
    targets = TARGETS if targets is None else targets
    if data:
        targets[data[0] % len(targets)](data[1:])


def main() -> None:
    """Let libFuzzer look for inputs. `--only NAME` keeps it to one of the targets."""
    import atheris  # noqa: PLC0415 (only here is it needed)

    arguments = list(sys.argv)
    targets = TARGETS
    if "--only" in arguments:
        at = arguments.index("--only")
        targets = [target for target in TARGETS if target.__name__ == arguments[at + 1]]
        del arguments[at : at + 2]
    functions = [found for found in gc.get_objects() if type(found) is FunctionType]
    for function in functions:
        if str(function.__module__).startswith("spacy_seqrnn."):
            atheris.instrument_func(function)
    trained()
    atheris.Setup(arguments, partial(run, targets=targets))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
