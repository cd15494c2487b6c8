"""A pipeline's predictions for annotated documents, and the words of its training data."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Token
from spacy.training import Corpus, Example
from spacy.training.corpus import walk_corpus
from spacy.util import minibatch, registry
from spacy.vocab import Vocab

BATCH = 256
SUFFIX = ".spacy"
PAIRS = "spacy-seqrnn.Pairs.v1"


@dataclass(frozen=True)
class TrainingWords:
    """What occurs in the training data: words as in `word_of`, and entities as tuples of them."""

    words: frozenset[str]
    entities: frozenset[tuple[str, ...]]


def word_of(token: Token) -> str:
    """The form in which a token is looked up among the words of the training data."""
    return token.text.lower()


def read_examples(nlp: Language, data: Path | None) -> tuple[str, Iterable[Example]]:
    """The documents to evaluate on, and a name for them.

    data: a `.spacy` file or a folder of them; for a development corpus of pairs of texts, also a
        file of sources and targets. None: the development corpus of the config.

    Raises ValueError if there are none.
    """
    config = nlp.config.interpolate()
    name = config["training"]["dev_corpus"]
    section = _section(config, name)
    if data is not None:
        if section.get("@readers") == PAIRS and data.is_file() and data.suffix != SUFFIX:
            section = {**section, "path": str(data), "target_path": None}
            return str(data), registry.resolve({"corpus": section})["corpus"](nlp)
        return str(data), Corpus(checked_data(data, "--data"))(nlp)
    path = section.get("path")
    if path is None and "path" in section:
        raise ValueError(
            f"The pipeline's config names no data in [{name}]: name a file with --data."
        )
    if path is not None:  # overrides the path of whichever reader the section has
        _check_exists(Path(path), f"[{name}] of the pipeline's config; name a file with --data")
    corpus = registry.resolve({"corpus": section})["corpus"]
    return str(path or name), corpus(nlp)


def _section(config: dict[str, Any], dot_name: str) -> dict[str, Any]:
    """A section of an interpolated config, such as `corpora.dev`; empty if there is none."""
    section = config
    for key in dot_name.split("."):
        section = section.get(key, {})
    return section


def _check_exists(path: Path, where: str) -> None:
    if not path.exists():
        raise ValueError(f"'{path}' does not exist; it was named in {where}.")


def checked_data(path: Path, where: str) -> Path:
    """A path to annotated data. Raises ValueError if there are none.

    where: the option that names it.
    """
    _check_exists(path, where)
    if path.is_file() and path.suffix != SUFFIX:
        raise ValueError(
            f"'{path}' is not a `{SUFFIX}` file as written by `spacy convert` ({where})."
        )
    if not _has_data(path):
        raise ValueError(f"The folder '{path}' contains no `{SUFFIX}` file ({where}).")
    return path


def _has_data(path: Path) -> bool:
    return path.suffix == SUFFIX if path.is_file() else any(path.rglob(f"*{SUFFIX}"))


def predicted_examples(nlp: Language, examples: Iterable[Example]) -> Iterator[Example]:
    """The examples with the predictions of the whole pipeline, one batch in memory at a time."""
    for batch in minibatch(examples, BATCH):
        docs = nlp.pipe([example.predicted for example in batch])
        for example, doc in zip(batch, docs, strict=True):
            example.predicted = doc
            yield example


def read_training_words(nlp: Language, train: Path | None) -> TrainingWords | None:
    """The words and entities of the training data.

    train: a `.spacy` file or a folder of them; None: the training data of the pipeline's config.

    Returns None if the config names no such file, or one that no longer exists. Raises ValueError
    if `train` does not exist or is not such a file.
    """
    path = train if train is not None else _configured_training_data(nlp)
    if path is None:
        return None
    words: set[str] = set()
    entities: set[tuple[str, ...]] = set()
    path = checked_data(path, "--train")
    for doc in Corpus(path).read_docbin(Vocab(), walk_corpus(path, SUFFIX)):
        words.update(map(word_of, doc))
        entities.update(tuple(map(word_of, span)) for span in doc.ents)
    return TrainingWords(frozenset(words), frozenset(entities))


def _configured_training_data(nlp: Language) -> Path | None:
    config = nlp.config.interpolate()
    path = _section(config, config["training"]["train_corpus"]).get("path")
    usable = path is not None and _has_data(Path(path))
    return Path(path) if path is not None and usable else None
