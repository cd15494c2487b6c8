"""Documents with entities, from columns of tokens and tags."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spacy.tokens import Doc, Span
from spacy.training.iob_utils import tags_to_entities
from spacy.vocab import Vocab

from .columns import Sentence, Table, read_table
from .encodings import read_text
from .layout import Layout, find_layout, without_ranges
from .options import ColumnOptions, Scheme
from .schemes import MISSING, OUTSIDE, Tags, read_tags


@dataclass(frozen=True)
class Columns:
    """The content of a file with columns, and how it was read."""

    table: Table
    documents: list[list[Sentence]]
    tags: Tags
    layout: Layout
    scheme: Scheme

    def __str__(self) -> str:
        left = self.table.n_comments
        comments = f", {left:,} comments skipped" if left else ""
        return f"{len(self.tags):,} sentences ({self.layout}; scheme {self.scheme}{comments})"


def read_columns(path: Path, options: ColumnOptions) -> Columns:
    """Read a file with a token per line. Raises ValueError, naming the line, if that fails."""
    table = read_table(read_text(path, options.encoding), path, comment=options.comment)
    outside = OUTSIDE if options.outside is None else options.outside
    missing = {MISSING, "_"} if options.missing is None else set(options.missing)
    layout = find_layout(
        table,
        token=options.token_column,
        tag=options.tag_column,
        pos=options.pos_column,
        outside=outside,
        missing=frozenset(missing),
    )
    documents = without_ranges(table)
    sentences = [sentence for document in documents for sentence in document]
    found = {row.cells[layout.tag] for sentence in sentences for row in sentence}
    if options.outside is None and options.missing is None and outside not in found:
        _ask_about(found & missing, path)
    plain = {outside: OUTSIDE, **dict.fromkeys(missing - {outside}, MISSING)}
    tags = [
        [plain.get(row.cells[layout.tag], row.cells[layout.tag]) for row in sentence]
        for sentence in sentences
    ]

    def where(sentence: int, token: int) -> str:
        return f"'{path}', line {sentences[sentence][token].line}"

    biluo, scheme = read_tags(tags, where, options.scheme)
    renamed = [[_rename(tag, options.rename) for tag in sentence] for sentence in biluo]
    return Columns(table, documents, renamed, layout, scheme)


def make_docs(columns: Columns, vocab: Vocab, n_sents: int) -> Iterator[Doc]:
    """Yield documents of `n_sents` sentences each; 0 keeps the documents of the file."""
    tags = iter(columns.tags)
    for document in columns.documents:
        size = n_sents or len(document)
        for start in range(0, len(document), size):
            group = document[start : start + size]
            yield _make_doc(group, [next(tags) for _ in group], columns.layout, vocab)


def labels_of(columns: Columns) -> set[str]:
    """The labels of all entities."""
    return {tag[2:] for sentence in columns.tags for tag in sentence if tag[1:2] == "-"}


def _ask_about(tags: set[str], path: Path) -> None:
    if tags:
        tag = sorted(tags)[0]
        raise ValueError(
            f"'{path}' has no tag O, but {tag!r}: set `--outside {tag}` if it marks tokens outside "
            f"any entity, or `--missing {tag}` if it marks tokens without annotation."
        )


def _rename(tag: str, names: dict[str, str]) -> str:
    return tag if tag in {OUTSIDE, MISSING} else f"{tag[:2]}{names.get(tag[2:], tag[2:])}"


def _make_doc(group: list[Sentence], tags: Tags, layout: Layout, vocab: Vocab) -> Doc:
    """Like spaCy's `conll_ner_to_docs`, but that function splits tokens at any white space."""
    rows = [row for sentence in group for row in sentence]
    doc = Doc(
        vocab,
        words=[row.cells[layout.token] for row in rows],
        tags=["-" if layout.pos is None else row.cells[layout.pos] for row in rows],
        sent_starts=[i == 0 for sentence in group for i in range(len(sentence))],
    )
    flat = [tag for sentence in tags for tag in sentence]
    spans = [(label, start, end + 1) for label, start, end in tags_to_entities(flat)]
    doc.set_ents(
        [Span(doc, start, end, label=label) for label, start, end in spans if label],
        missing=[doc[start:end] for label, start, end in spans if not label],
        default="outside",
    )
    return doc
