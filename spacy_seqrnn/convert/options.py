"""How to read files: the options of `spacy seqrnn convert`, which imports them at every start."""

from dataclasses import dataclass, field
from enum import StrEnum

AUTO = "auto"


class Scheme(StrEnum):
    """Schemes that tags can be written in."""

    auto = "auto"
    io = "io"
    iob1 = "iob1"
    iob2 = "iob2"
    biluo = "biluo"
    bioes = "bioes"
    bmewo = "bmewo"
    bmes = "bmes"


class Form(StrEnum):
    """Formats of files with texts."""

    auto = "auto"
    jsonl = "jsonl"
    csv = "csv"
    tsv = "tsv"
    # The label first, then a space and the text, as in TREC; or labels with fastText's prefix
    lines = "lines"
    fasttext = "fasttext"


@dataclass(frozen=True, kw_only=True)
class ColumnOptions:
    """How to read files with columns.

    token_column, tag_column, pos_column, comment: see `find_layout` and `read_table`.
    scheme: the scheme of the tags.
    outside: the tag of tokens outside any entity. None: O.
    missing: the tag of tokens without annotation. None: - and _, if another tag marks the outside.
    rename: new names for labels.
    encoding: the encoding of the files.
    n_sents: sentences per document; 0 keeps the documents of the file.
    """

    token_column: int | None = None
    tag_column: int | None = None
    pos_column: int | None = None
    comment: str = "#"
    scheme: Scheme = Scheme.auto
    outside: str | None = None
    missing: list[str] | None = None
    rename: dict[str, str] = field(default_factory=dict)
    encoding: str = AUTO
    n_sents: int = 1


@dataclass(frozen=True, kw_only=True)
class TextOptions:
    """How to read files with texts.

    form: the format; `auto` finds out.
    text_field: the name of the field with the text, or the number of a column. None: find it.
    label_field: the same for the labels; with several fields, each is a yes-or-no label.
    header: whether the first row of a table has names. None: find out.
    delimiter: what separates the cells of a table. None: find out.
    quote: see `read_rows`.
    separator: what separates the labels of a text, or "" for a single label. None: ask if in doubt.
    until: what ends the part of a label to keep, such as ":" in TREC's "LOC:city".
    exclusive: whether each text has exactly one label.
    tokenised: whether the tokens are what white space separates.
    rename: new names for labels.
    encoding: the encoding of the files.
    """

    form: Form = Form.auto
    text_field: str | None = None
    label_field: list[str] = field(default_factory=list)
    header: bool | None = None
    delimiter: str | None = None
    quote: str | None = None
    separator: str | None = None
    until: str | None = None
    exclusive: bool = True
    tokenised: bool = False
    rename: dict[str, str] = field(default_factory=dict)
    encoding: str = AUTO
