"""Invented sentences and small models that the tests of several folders share."""

import os

# Models this small are slower with more threads. Set before torch is imported, and for every
# process that a test starts.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import Phase, settings
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import data_validation

from spacy_seqrnn.seq2seq.extension import set_extension

# The time of a case depends more on the machine than on the code.
settings.register_profile("default", deadline=None)
settings.load_profile("default")
# Mutation testing only asks whether a test fails, so no failing example is made smaller.
settings.register_profile(
    "mutation",
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
)

LAYER_TESTS = ("batch", "rnn", "crf", "embed", "heads")


@pytest.fixture(autouse=True)
def _validated(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests of layers run with Thinc's own check of what goes into a layer and what comes out."""
    with data_validation(request.path.parent.name in LAYER_TESTS):
        yield


# Who does what to which city, and how it makes them feel
CLAUSES = [
    ("Mira Holt", "visited", "Oslo", "gladly"),
    ("Otto", "left", "New Lund", "sadly"),
    ("Lena Brandt", "likes", "Bergen", "gladly"),
    ("Pia", "leaves", "Upper Vik", "sadly"),
    ("Otto Holt", "likes", "New Lund", "dearly"),
    ("Mira", "left", "Bergen", "angrily"),
]
TENSES = {"visited": "Past", "left": "Past", "likes": "Pres", "leaves": "Pres"}
MOODS = {"gladly": "GOOD", "dearly": "GOOD", "sadly": "BAD", "angrily": "BAD"}
# Texts whose shape alone could cause errors: empty, one token, or with white space
ODD_TEXTS = ["", "Oslo", " ", "\n\n", " Otto  left \n Oslo ", "unheard-of ☃ wörds"]

EMBED = {
    "@architectures": "spacy-seqrnn.LexemeEmbed.v1",
    "layers": {
        "words": {
            "@architectures": "spacy.MultiHashEmbed.v2",
            "width": 16,
            "attrs": ["NORM", "SHAPE"],
            "rows": [200, 100],
            "include_static_vectors": False,
        },
        "chars": {"@architectures": "spacy-seqrnn.CharCNNEmbed.v1", "width": 8, "char_width": 8},
    },
}
WIDTH = 24
LISTENER = {"@architectures": "spacy.Tok2VecListener.v1", "width": WIDTH}


def tok2vec_config(cell: str = "lstm", *, vectors: bool = False) -> dict[str, Any]:
    """A small embedding and encoder of ours as a block of a config."""
    embed = {**EMBED, "include_static_vectors": vectors}
    encode = {"@architectures": "spacy-seqrnn.RNNEncoder.v1", "cell": cell, "width": WIDTH}
    return {"@architectures": "spacy.Tok2Vec.v2", "embed": embed, "encode": encode}


def gold_docs(vocab: Vocab) -> list[Doc]:
    """The sentences with every kind of annotation, and a text to write for each."""
    set_extension("output")
    return [_annotated(vocab, *clause) for clause in CLAUSES]


def _annotated(vocab: Vocab, person: str, verb: str, city: str, adverb: str) -> Doc:
    subject, place = person.split(), city.split()
    root, last = len(subject), len(subject) + len(place)
    starts: list[bool | int | None] = [True, *[False] * (last + 2)]
    doc = Doc(
        vocab,
        words=[*subject, verb, *place, adverb, "."],
        spaces=[True] * (last + 1) + [False, False],
        lemmas=[word.lower() for word in (*subject, verb, *place, adverb, ".")],
        tags=["NAME"] * root + ["VERB"] + ["NAME"] * len(place) + ["ADV", "PUNCT"],
        morphs=[""] * root + [f"Tense={TENSES[verb]}"] + [""] * (len(place) + 2),
        heads=[*range(1, root), root, root, *range(root + 2, last + 1), root, root, root],
        deps=[*_noun("subject", root), "ROOT", *_noun("object", len(place)), "adverb", "punct"],
        ents=[*_iob("PERSON", root), "O", *_iob("CITY", len(place)), "O", "O"],
        sent_starts=starts,
    )
    doc.cats = {"GOOD": float(MOODS[adverb] == "GOOD"), "BAD": float(MOODS[adverb] == "BAD")}
    doc.spans["sc"] = doc.ents
    doc._.output = f"{adverb} {verb}"
    return doc


def _noun(dep: str, size: int) -> list[str]:
    return ["compound"] * (size - 1) + [dep]


def _iob(label: str, size: int) -> list[str]:
    return [f"B-{label}"] + [f"I-{label}"] * (size - 1)


def gold_examples(nlp: Language) -> list[Example]:
    """The sentences as examples for a pipeline."""
    return [Example(nlp.make_doc(gold.text), gold) for gold in gold_docs(nlp.vocab)]
