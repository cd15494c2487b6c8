"""Raw text as a corpus for `spacy train`."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..checks import check_choice, check_int
from ..config_errors import ConfigError
from ..convert.encodings import read_text

DOCUMENTS = ("lines", "blocks")
TEXT, JSON_LINES = ".txt", (".jsonl", ".ndjson")


class Texts:
    """The documents of raw text files; see `make_texts`."""

    def __init__(
        self,
        path: Path,
        *,
        documents: str,
        tokenized: bool,
        shuffle: bool,
        max_length: int,
        limit: int,
    ) -> None:
        self.path = path
        self.documents = documents
        self.tokenized = tokenized
        self.shuffle = shuffle
        self.max_length = max_length
        self.limit = limit

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """Yield each document as an example without annotation."""
        texts = list(self._texts())
        order = np.random.permutation(len(texts)) if self.shuffle else np.arange(len(texts))
        for number in order.tolist():
            for doc in self._cut(self._read(nlp, texts[number])):
                # Nothing is annotated, so nothing has to be kept apart.
                yield Example(doc, doc)

    def _read(self, nlp: Language, text: str) -> Doc:
        return Doc(nlp.vocab, words=text.split()) if self.tokenized else nlp.make_doc(text)

    def _texts(self) -> Iterator[str]:
        n_texts = 0
        for source in find_texts(self.path):
            for text in read_texts(source, self.documents):
                if self.limit and n_texts == self.limit:
                    return
                n_texts += 1
                yield text

    def _cut(self, doc: Doc) -> Iterable[Doc]:
        if not self.max_length or len(doc) <= self.max_length:
            return [doc] if len(doc) else []
        starts = range(0, len(doc), self.max_length)
        return [doc[start : start + self.max_length].as_doc() for start in starts]


def find_texts(path: Path) -> list[Path]:
    """The files of raw text that a path stands for: itself, or those of a folder, by name.

    Raises ValueError if a folder has none.
    """
    if path.is_file():
        return [path]
    files = [each for each in sorted(path.rglob("*")) if suffix_of(each) in (TEXT, *JSON_LINES)]
    if not files:
        raise ValueError(f"'{path}' has no text: put .txt or .jsonl files there.")
    return files


def suffix_of(path: Path) -> str:
    """The suffix of a file, without that of its compression."""
    return Path(path.stem).suffix if path.suffix == ".gz" else path.suffix


def read_texts(path: Path, documents: str) -> Iterator[str]:
    """The documents of a file that are not blank.

    path: JSON lines with the field "text", or text in UTF-8; either may be compressed by gzip.
    documents: what is a document in a text file: one of its "lines", or one of the "blocks" that
        are separated by empty lines.

    Raises ValueError for a file in another format.
    """
    content = read_text(path)
    lines = content.split("\n")
    found: Iterator[str]
    if suffix_of(path) in JSON_LINES:
        found = (_text_of(line, path, number) for number, line in enumerate(lines, 1) if line)
    else:
        found = iter(lines if documents == "lines" else content.split("\n\n"))
    return (text.strip() for text in found if text.strip())


def _text_of(line: str, path: Path, number: int) -> str:
    try:
        text = json.loads(line)["text"]
    except (ValueError, KeyError, TypeError):
        text = None
    if not isinstance(text, str):
        raise ValueError(
            f"'{path}', line {number}: expected JSON with the field \"text\", not {line[:50]!r}."
        )
    return text


def make_texts(
    path: Path | str | None,
    documents: str = "lines",
    tokenized: bool = False,
    shuffle: bool = True,
    max_length: int = 0,
    limit: int = 0,
) -> Callable[[Language], Iterator[Example]]:
    """Read raw text. Registered as `spacy-seqrnn.Texts.v1`.

    path: a file or a folder of files: .txt, or .jsonl with the field "text", which may be
        compressed by gzip.
    documents: what is a document in a .txt file: one of its "lines", or one of the "blocks" that
        are separated by empty lines.
    tokenized: whether words are separated by white space already. If not, the pipeline's tokenizer
        does that.
    shuffle: read the documents in another order each time, which `max_epochs = -1` of [training],
        where spaCy does not shuffle them, needs.
    max_length: cut longer documents into parts of this many tokens; 0 for none.
    limit: the most documents; 0 for all.

    Raises ValueError for an option that cannot work, or if there is nothing to read.
    """
    check_choice("documents", documents, list(DOCUMENTS))
    check_int("max_length", max_length, 0)
    check_int("limit", limit, 0)
    if path is None or not str(path).strip() or not Path(path).exists():
        raise ConfigError(
            "path",
            path,
            f"`path = {path}` does not exist: name a file or folder of raw text, as in "
            "`--paths.train texts/`.",
        )
    return Texts(
        Path(path),
        documents=documents,
        tokenized=tokenized,
        shuffle=shuffle,
        max_length=max_length,
        limit=limit,
    )
