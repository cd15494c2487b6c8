"""The corpora of the benchmark: texts with categories, or made from what other corpora annotate.

Those that were used to choose the recipe are marked. The others show what it is worth elsewhere.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import DocBin

from .sources import Parts, entity_types, genres, of_project, spacy_files, translations

FOLDER = Path("corpus/texts")
RESULTS = Path(__file__).parent / "results"
SMALL = 500  # texts of the small training sets, chosen once


@dataclass(frozen=True)
class TextCorpus:
    """One row of the table.

    title: its name in the table.
    read: reads its parts from the folder with the public corpora.
    lang: its language. vectors: whether all sides use word vectors.
    exclusive: whether each text has exactly one category. If so the metric is the accuracy, else
        the macro-averaged F1 with a threshold for each label, fitted on development data.
    tuned: whether the recipe was chosen with its development data.
    small: whether it is also trained on a few texts.
    """

    title: str
    read: Callable[[Language, Path], Parts]
    lang: str = "en"
    vectors: bool = True
    exclusive: bool = True
    tuned: bool = True
    small: bool = True

    @property
    def sizes(self) -> list[str]:
        """The sizes of its training data."""
        return ["small", "full"] if self.small else ["full"]


CORPORA = {
    "trec": TextCorpus("TREC-6, questions", spacy_files("textcat/trec")),
    "rt-polarity": TextCorpus("rt-polarity", of_project("rt-polarity")),
    "sst2": TextCorpus("SST-2, sentences only", of_project("sst2")),
    "ag": TextCorpus("AG news, a part", spacy_files("textcat/ag")),
    "goemotions": TextCorpus("GoEmotions", spacy_files("textcat/goemo"), exclusive=False),
    "movie-reviews": TextCorpus("movie-reviews", of_project("movie-reviews"), small=False),
    "ewt-genres": TextCorpus("EWT, genre of a sentence", genres, vectors=False),
    "es-types": TextCorpus(
        "CoNLL-2002 Spanish, entity types of a sentence",
        entity_types({"train": "esp.train", "dev": "esp.testa", "test": "esp.testb"}, "conll2002"),
        lang="es",
        vectors=False,
        exclusive=False,
    ),
    "wnut-types": TextCorpus(
        "WNUT-17, entity types of a tweet",
        entity_types(
            {
                "train": "wnut17train.conll",
                "dev": "emerging.dev.conll",
                "test": "emerging.test.annotated",
            },
            "wnut17",
        ),
        exclusive=False,
        tuned=False,
    ),
    "en-types": TextCorpus(
        "CoNLL-2003, entity types of a sentence, no vectors",
        entity_types({"train": "train.txt", "dev": "valid.txt", "test": "test.txt"}, "conll2003"),
        vectors=False,
        exclusive=False,
        tuned=False,
    ),
    "de-sources": TextCorpus(
        "Multi30k German, source of a caption",
        translations("de"),
        lang="de",
        vectors=False,
        tuned=False,
    ),
}


def prepare(name: str, data: Path) -> None:
    """Write a corpus to `corpus/texts`, and its small training set beside it.

    data: the folder with the public corpora. Raises OSError if the corpus is not there.
    """
    corpus = CORPORA[name]
    if part_of(name, "full", "test").is_file():
        return
    nlp = spacy.blank(corpus.lang)
    parts = {part: list(docs) for part, docs in corpus.read(nlp, data).items()}
    parts["small"] = random.Random(0).sample(parts["train"], min(SMALL, len(parts["train"])))
    (FOLDER / name).mkdir(parents=True, exist_ok=True)
    for part, docs in parts.items():
        DocBin(docs=docs, store_user_data=True).to_disk(FOLDER / name / f"{part}.spacy")


def part_of(name: str, size: str, part: str) -> Path:
    """The file of one part: the training data have two sizes."""
    return FOLDER / name / f"{'small' if part == 'train' and size == 'small' else part}.spacy"
