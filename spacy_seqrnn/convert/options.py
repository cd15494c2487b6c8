"""How files are read: the options of `spacy seqrnn convert`, which imports them at each start."""

from dataclasses import dataclass, field
from enum import StrEnum

AUTO = "auto"


class Scheme(StrEnum):
    """What tags can be written in."""

    auto = "auto"
    io = "io"
    iob1 = "iob1"
    iob2 = "iob2"
    biluo = "biluo"
    bioes = "bioes"
    bmewo = "bmewo"
    bmes = "bmes"


class Form(StrEnum):
    """What a file with texts can be."""

    auto = "auto"
    jsonl = "jsonl"
    csv = "csv"
    tsv = "tsv"
    # The label first, then a space and the text, as in TREC; or labels as fastText marks them
    lines = "lines"
    fasttext = "fasttext"


@dataclass(frozen=True, kw_only=True)
class ColumnOptions:
    """How files with columns are read.

    token_column, tag_column, pos_column, comment: see `find_layout` and `read_table`.
    scheme: of the tags.
    outside: the tag of tokens outside any entity. None: O.
    missing: the tags of tokens that nobody annotated. None: - and _, if others are outside.
    rename: other names for labels.
    encoding: of the files.
    n_sents: how many sentences are a document; 0 for as many as the file has in one.
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
    """How files with texts are read.

    form: what they are; `auto` finds out.
    text_field: the name of the field with the text, or the number of a column. None: look for it.
    label_field: the same for the labels; of several, each is a label that says yes or no.
    header: whether the first row of a table has names. None: find out.
    delimiter: what is between the cells of a table. None: find out.
    quote: see `read_rows`.
    separator: what stands between the labels of a text, or "" if all is one. None: ask if it may.
    until: what ends the part of a label that is kept, such as ":" of TREC's "LOC:city".
    exclusive: whether each text has one label and no more.
    tokenised: take what white space separates for the tokens.
    rename: other names for labels.
    encoding: of the files.
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
