"""Save pipelines of an older version of the package, which today's version has to load.

They are small and trained on the invented sentences. Run this with the older version and its entry
points first on the path:

    git archive --prefix=old/ d14f3a3 | tar -x -C /tmp
    (cd /tmp/old && python -c "import setuptools; setuptools.setup()" egg_info)
    PYTHONPATH=/tmp/old python tests/data/make_pipelines.py tests/data/d14f3a3
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config, fix_random_seed

import spacy_seqrnn
from tests.conftest import CLAUSES, ODD_TEXTS, gold_examples

# After which most is learned, but little is certain
STEPS = dict.fromkeys(["lstm_crf", "textcat", "textcat_ensemble"], 12) | {"shared": 60}
BYTES, PREDICTIONS = "pipeline.bytes", "predictions.json"  # beside the files that are on disk
# The sentences, others with the same words, and odd texts, except those with tokens of white space,
# which entities could not end with before
TEXTS = [
    *(" ".join(clause) + "." for clause in CLAUSES),
    *(
        f"{person} {verb} {city}, but {other} {adverb} left {person}."
        for (person, *_), (_, verb, *_), (other, _, city, adverb) in zip(
            CLAUSES, CLAUSES[1:] + CLAUSES[:1], CLAUSES[2:] + CLAUSES[:2], strict=True
        )
    ),
    *(text for text in ODD_TEXTS if text == " ".join(text.split())),
]


def block(name: str, **options: Any) -> dict[str, Any]:
    """A block of a config."""
    full = name if name.startswith("spacy.") else f"spacy-seqrnn.{name}.v1"
    return {"@architectures": full, **options}


def tok2vec(embed: dict[str, Any], **encoder: Any) -> dict[str, Any]:
    encode = block("RNNEncoder", **{"width": 8, **encoder})
    return block("spacy.Tok2Vec.v2", embed=embed, encode=encode)


HASHES = block(
    "spacy.MultiHashEmbed.v2",
    **{"width": 8, "attrs": ["NORM", "SUFFIX"], "rows": [60, 40], "include_static_vectors": False},
)
CHARS = block("CharCNNEmbed", width=8, char_width=8, rows=60)
CHAR_RNN = block("CharRNNEmbed", width=8, char_width=8, rows=60, cell="gru")
WORDS = block("WordEmbed", width=8, rows=50, dropout=0.1)
LISTENER = block("spacy.Tok2VecListener.v1", width=8)


def recogniser(model: dict[str, Any]) -> dict[str, Any]:
    return {"factory": "seqrnn_ner", "spans_key": "found", "model": model}


def attention(**options: Any) -> dict[str, Any]:
    encoder = tok2vec(block("LexemeEmbed", layers={"chars": CHARS}), **options)
    return block(
        "TextCat",
        tok2vec=encoder,
        pooling=["attention", "last", "first_last", "mean"],
        exclusive_classes=True,
    )


PIPELINES: dict[str, dict[str, dict[str, Any]]] = {
    "lstm_crf": {
        "seqrnn_ner": recogniser(
            block(
                "NER",
                tok2vec=tok2vec(
                    block("LexemeEmbed", layers={"chars": CHARS, "words": WORDS}),
                    **{"width": 12, "depth": 2, "residual": True, "word_dropout": 0.1},
                ),
            )
        )
    },
    "gru_softmax": {
        "seqrnn_ner": recogniser(
            block(
                "NER",
                tok2vec=tok2vec(
                    block(
                        "LexemeEmbed",
                        layers={"chars": CHAR_RNN, "hashes": HASHES},
                        include_static_vectors=True,
                        correction_rows=20,
                    ),
                    cell="gru",
                    bidirectional=False,
                ),
                decoder="softmax",
            )
        )
    },
    "ner_ensemble": {
        "seqrnn_ner": recogniser(
            block(
                "NEREnsemble",
                members={
                    "a": block("NER", tok2vec=tok2vec(block("LexemeEmbed", layers={"h": HASHES}))),
                    "b": block("NER", tok2vec=tok2vec(HASHES, cell="rnn"), max_grad_norm=1.0),
                },
            )
        )
    },
    "textcat": {"textcat": {"factory": "textcat", "model": attention()}},
    "textcat_ensemble": {
        "textcat": {
            "factory": "textcat",
            "model": block(
                "TextCatEnsemble",
                members={
                    "recurrent": attention(cell="gru"),
                    "ngrams": block("NgramTextCat", rows=100, exclusive_classes=True),
                },
            ),
        }
    },
    "shared": {
        "tok2vec": {"factory": "tok2vec", "model": tok2vec(HASHES)},
        "tagger": {"factory": "tagger", "model": block("spacy.Tagger.v2", tok2vec=LISTENER)},
        "seqrnn_ner": recogniser(block("NER", tok2vec=LISTENER)),
    },
}
CALIBRATED = "lstm_crf"
GUARDED = ("lstm_crf", "shared")  # with checksums of their files
WITH_VECTORS = "gru_softmax"


def make_pipeline(name: str) -> Language:
    """Train one of the pipelines."""
    fix_random_seed(0)
    guard = {"@callbacks": "spacy-seqrnn.whole_files.v1"} if name in GUARDED else None
    components = PIPELINES[name]
    settings = {"lang": "xx", "pipeline": list(components), "after_creation": guard}
    config = Config({"nlp": settings, "components": components})
    nlp = spacy.util.load_model_from_config(config, auto_fill=True)
    if name == WITH_VECTORS:
        for i, word in enumerate(["Oslo", "Bergen", "Mira", "Otto", "left", "likes", "gladly"]):
            vector: Any = np.asarray([i % 2, len(word) / 4, 1.0], dtype="float32")
            nlp.vocab.set_vector(word, vector)
    optimizer = nlp.initialize(lambda: gold_examples(nlp))
    optimizer.learn_rate = 0.02
    for _ in range(STEPS.get(name, 20)):
        nlp.update(gold_examples(nlp), sgd=optimizer, drop=0.1)
    if name == CALIBRATED:
        examples = gold_examples(nlp)
        examples[0].reference.set_ents([])  # so that not all predictions are right
        ner: Any = nlp.get_pipe("seqrnn_ner")
        ner.calibrate(nlp, examples)
    return nlp


def predictions(docs: Iterable[Doc]) -> list[dict[str, Any]]:
    """The predictions of a pipeline, as JSON."""
    return [
        {
            "text": doc.text,
            "ents": [[ent.start_char, ent.end_char, ent.label_] for ent in doc.ents],
            "scores": rounded(s for group in doc.spans.values() for s in group.attrs["scores"]),
            "cats": dict(zip(doc.cats, rounded(doc.cats.values()), strict=True)),
            "tags": [token.tag_ for token in doc],
            "tensor": rounded(doc.tensor.ravel()),
        }
        for doc in docs
    ]


def rounded(numbers: Iterable[float]) -> list[float]:
    return [round(float(number), 7) for number in numbers]


def save(nlp: Language, path: Path) -> None:
    """Save a pipeline both ways in one archive."""
    with TemporaryDirectory() as folder, ZipFile(path, "w", ZIP_DEFLATED, compresslevel=9) as file:
        nlp.to_disk(folder)
        for part in sorted(Path(folder).rglob("*")):
            if part.is_file():
                file.write(part, part.relative_to(folder))
        file.writestr(BYTES, nlp.to_bytes())


def main(folder: Path) -> None:
    print("Made by", spacy_seqrnn.__file__)
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for name in PIPELINES:
        nlp = make_pipeline(name)
        save(nlp, folder / f"{name}.zip")
        found[name] = predictions(nlp.pipe(TEXTS))
    (folder / PREDICTIONS).write_text(json.dumps(found, indent=None), encoding="utf8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
