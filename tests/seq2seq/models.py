"""Components that are small enough to train within a test, and what they learn."""

import random
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Adam, fix_random_seed

from spacy_seqrnn.seq2seq.component import RecurrentText2Text
from spacy_seqrnn.seq2seq.extension import set_extension

from ..pipes import get_pipe

WORDS = ["abc", "de", "fgha", "b", "cafe", "", "hag", "deaf"]


def small_seq2seq(unit: str = "characters", width: int = 16, **options: Any) -> dict[str, Any]:
    """Config of an encoder-decoder."""
    encoder = {"@architectures": "spacy-seqrnn.RNNEncoder.v1", "width": width}
    embed = {"@architectures": "spacy-seqrnn.WordEmbed.v1", "attr": "ORTH", "width": 16}
    tok2vec = {"@architectures": "spacy.Tok2Vec.v2", "embed": embed, "encode": encoder}
    return {
        "@architectures": "spacy-seqrnn.Seq2Seq.v1",
        "tok2vec": tok2vec,
        **{"source_unit": unit, "target_unit": unit, "width": width, "embed_width": 16},
        **options,
    }


def examples(nlp: Language, words: list[str] = WORDS, output: str = "output") -> list[Example]:
    """Words, to be written in reverse."""
    return [pair(nlp.make_doc(word), word[::-1], output) for word in words]


def pair(doc: Doc, text: str | None, output: str = "output") -> Example:
    """A document with the text to write for it."""
    set_extension(output)
    reference = doc.copy()
    reference._.set(output, text)
    return Example(doc, reference)


def make_text2text(
    model: dict[str, Any] | None = None, words: list[str] = WORDS, **options: Any
) -> Language:
    """A pipeline that has learned nothing yet."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("seqrnn_text2text", config={"model": model or small_seq2seq(), **options})
    output = options.get("output", "output")
    nlp.initialize(lambda: examples(nlp, words, output))
    return nlp


def trained_text2text(
    model: dict[str, Any] | None = None, steps: int = 40, **options: Any
) -> Language:
    """A pipeline that has learned to write `WORDS` in reverse."""
    nlp = make_text2text(model, **options)
    optimizer = Adam(0.01)
    batch = examples(nlp, output=options.get("output", "output"))
    for _ in range(steps):
        nlp.update(batch, sgd=optimizer, losses={})
    return nlp


def pipe_of(nlp: Language) -> RecurrentText2Text:
    found: RecurrentText2Text = get_pipe(nlp, "seqrnn_text2text")
    return found


def random_words(n: int, seed: int = 0) -> list[str]:
    generator = random.Random(seed)
    lengths = [generator.randint(2, 7) for _ in range(n)]
    return ["".join(generator.choices("abcdefgh", k=length)) for length in lengths]
