"""Texts with the texts to write for them, as a corpus for `spacy train`."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..checks import check_int
from ..config_errors import ConfigError
from ..convert.encodings import read_text
from ..convert.options import AUTO
from ..lm.texts import JSON_LINES, suffix_of
from .extension import check_extension, set_extension

FIELDS = ("source", "target")  # of JSON


class Pairs:
    """The pairs of a file or of two; see `make_pairs_reader`."""

    def __init__(
        self,
        path: Path,
        target_path: Path | None,
        *,
        output: str,
        tokenized: bool,
        max_length: int,
        limit: int,
    ) -> None:
        self.path = path
        self.target_path = target_path
        self.output = output
        self.tokenized = tokenized
        self.max_length = max_length
        self.limit = limit

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """Yield each pair as an example whose reference has the target."""
        n_pairs = 0
        for source, target in read_pairs(self.path, self.target_path):
            if self.limit and n_pairs == self.limit:
                return
            doc = self._read(nlp, source)
            if not len(doc) or (self.max_length and len(doc) > self.max_length):
                continue
            n_pairs += 1
            reference = doc.copy()
            reference._.set(self.output, target)
            yield Example(doc, reference)

    def _read(self, nlp: Language, text: str) -> Doc:
        return Doc(nlp.vocab, words=text.split()) if self.tokenized else nlp.make_doc(text)


def read_pairs(
    path: Path, target_path: Path | None, encoding: str = AUTO
) -> Iterator[tuple[str, str]]:
    """The pairs of sources and targets.

    path, target_path: see `make_pairs_reader`.
    encoding: that of the files.

    Raises ValueError for files that do not belong together, or a line in another format.
    """
    lines = read_lines(path, encoding)
    if target_path is not None:
        yield from _aligned(path, lines, target_path, read_lines(target_path, encoding))
        return
    read = _from_json if suffix_of(path) in JSON_LINES else _from_tabs
    for number, line in enumerate(lines, start=1):
        if line:
            yield read(line, path, number)


def _aligned(
    path: Path, sources: list[str], target_path: Path, targets: list[str]
) -> Iterator[tuple[str, str]]:
    if len(sources) != len(targets):
        raise ValueError(
            f"'{path}' has {len(sources)} lines, but '{target_path}' has {len(targets)}: each line "
            "needs the one for it at the same place in the other file."
        )
    yield from ((s.strip(), t.strip()) for s, t in zip(sources, targets, strict=True))


def read_lines(path: Path, encoding: str = AUTO) -> list[str]:
    """The lines of a text file, compressed by gzip or not.

    encoding: see `read_text`.

    Raises ValueError if the file is not text.
    """
    lines = read_text(path, encoding).split("\n")
    return lines if lines[-1] else lines[:-1]


def _from_tabs(line: str, path: Path, number: int) -> tuple[str, str]:
    columns = line.split("\t")
    if len(columns) != len(FIELDS):
        raise ValueError(
            f"'{path}', line {number}: expected two columns with a tab between them, not "
            f"{len(columns)} in {line[:50]!r}."
        )
    return columns[0].strip(), columns[1].strip()


def _from_json(line: str, path: Path, number: int) -> tuple[str, str]:
    try:
        record = json.loads(line)
        source, target = (record[field] for field in FIELDS)
    except (ValueError, KeyError, TypeError):
        source = target = None
    if not isinstance(source, str) or not isinstance(target, str):
        raise ValueError(
            f'\'{path}\', line {number}: expected JSON with the fields "source" and "target", '
            f"not {line[:50]!r}."
        )
    return source, target


def make_pairs_reader(
    path: Path | str | None,
    target_path: Path | str | None = None,
    output: str = "output",
    tokenized: bool = False,
    max_length: int = 0,
    limit: int = 0,
) -> Callable[[Language], Iterator[Example]]:
    """Read texts with the texts to write for them. Registered as `spacy-seqrnn.Pairs.v1`.

    Any of the files may be compressed by gzip. Pairs without a source are omitted.

    path: with a `target_path`, a file with a source in each line. Without, a file with both:
        .jsonl with the fields "source" and "target", else two columns with a tab between them.
    target_path: a file with the target of each line of the other one.
    output: the extension of the reference documents that gets the target.
    tokenized: whether words are separated by white space already. If not, the pipeline's tokenizer
        does that.
    max_length: omit sources of more tokens than this; 0 for none.
    limit: the most pairs; 0 for all.

    Raises ValueError for an option that cannot work, or if there is nothing to read.
    """
    check_extension(output)
    check_int("max_length", max_length, 0)
    check_int("limit", limit, 0)
    _check_file("path", path)
    if target_path is not None:
        _check_file("target_path", target_path)
    set_extension(output)
    return Pairs(
        Path(str(path)),
        None if target_path is None else Path(target_path),
        output=output,
        tokenized=tokenized,
        max_length=max_length,
        limit=limit,
    )


def _check_file(option: str, path: Path | str | None) -> None:
    """Raise ConfigError if there is no such file."""
    if path is None or not Path(path).is_file():
        raise ConfigError(
            option,
            path,
            f"`{option} = {path}` is no file: name a file of texts, as in `--paths.train a.tsv`.",
        )
