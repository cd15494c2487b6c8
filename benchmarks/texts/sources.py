"""Readers of public corpora that give texts with categories."""

import gzip
import lzma
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from spacy.language import Language
from spacy.tokens import Doc, DocBin

from spacy_seqrnn.convert.entities import labels_of, make_docs, read_columns
from spacy_seqrnn.convert.options import ColumnOptions

# Documents by the part they belong to: train, dev, test
Parts: TypeAlias = dict[str, Iterable[Doc]]
Reader: TypeAlias = Callable[[Language, Path], Parts]

SHORTEST = 4  # tokens of a sentence that can say something about its category


def spacy_files(folder: str) -> Reader:
    """Texts that are in spaCy's format already, in a folder below that of the corpora."""
    return lambda nlp, data: _read_files(nlp, data / folder)


def of_project(name: str) -> Reader:
    """Texts that the project's own commands have fetched and converted."""
    return lambda nlp, data: _read_files(nlp, Path("corpus", name))


def _read_files(nlp: Language, folder: Path) -> Parts:
    return {
        part: DocBin().from_disk(folder / f"{part}.spacy").get_docs(nlp.vocab)
        for part in ("train", "dev", "test")
    }


def genres(nlp: Language, data: Path) -> Parts:
    """Sentences of Universal Dependencies EWT; a sentence's number names its genre."""
    names = {"train": "train.rebuilt", "dev": "dev", "test": "test"}
    return {
        part: _sentences_of_genres(nlp, data / "ud" / f"en_ewt-ud-{name}.conllu.xz")
        for part, name in names.items()
    }


def _sentences_of_genres(nlp: Language, path: Path) -> Iterator[Doc]:
    genre = ""
    with lzma.open(path, "rt", encoding="utf8") as file:
        for line in file:
            name, _, value = line.partition(" = ")
            if name == "# sent_id":
                genre = value.split("-")[0]
            elif name == "# text":
                yield from _labelled(
                    nlp.make_doc(value.strip()),
                    {genre},
                    ["answers", "email", "newsgroup", "reviews", "weblog"],
                )


def entity_types(files: dict[str, str], folder: str) -> Reader:
    """Sentences of a corpus of entities, labelled with the types of the entities in them."""

    def read(nlp: Language, data: Path) -> Parts:
        columns = {
            part: read_columns(data / folder / name, ColumnOptions())
            for part, name in files.items()
        }
        types = sorted(labels_of(columns["train"]))
        return {
            part: [
                doc
                for sentence in make_docs(of_part, nlp.vocab, n_sents=1)
                for doc in _labelled(sentence, {ent.label_ for ent in sentence.ents}, types)
            ]
            for part, of_part in columns.items()
        }

    return read


def translations(lang: str) -> Reader:
    """Captions of the test sets of Multi30k, labelled with the set they are from."""

    def read(nlp: Language, data: Path) -> Parts:
        sources = ["2016_flickr", "2017_flickr", "2017_mscoco", "2018_flickr"]
        docs: list[Doc] = []
        for source in sources:
            path = data / "multi30k" / f"test_{source}.{lang}.gz"
            with gzip.open(path, "rt", encoding="utf8") as file:
                for line in file:
                    docs += _labelled(nlp.make_doc(line.strip()), {source}, sources)
        random.Random(0).shuffle(docs)
        return {"train": docs[1000:], "dev": docs[:500], "test": docs[500:1000]}

    return read


def _labelled(doc: Doc, categories: set[str], all_categories: list[str]) -> Iterator[Doc]:
    """The document with its categories, unless it is too short."""
    if len(doc) >= SHORTEST:
        doc.cats = {label: float(label in categories) for label in all_categories}
        yield doc
