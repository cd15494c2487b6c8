"""`spacy seqrnn convert`: convert annotated files of other programs to `.spacy` files."""

import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer
from wasabi import msg

from ..convert.options import AUTO, ColumnOptions, Form, Scheme, TextOptions
from .app import FORCE, seqrnn_cli
from .output import check_targets, clear_errors, write


class Task(StrEnum):
    """The task that the files are training data for."""

    ner = "ner"
    textcat = "textcat"
    textcat_multilabel = "textcat_multilabel"
    text2text = "text2text"


COLUMNS, TEXTS, PAIRS = "Entities in columns", "Text categories", "Pairs of texts"
INPUTS = typer.Argument(..., help="Files and folders to read", show_default=False)
OUTPUT = typer.Argument(..., help="Folder for the .spacy files, created if necessary")
TASK = typer.Option(Task.ner, "--task", "-t", help="What to train on the files")
ENCODING = typer.Option(AUTO, "--encoding", help="Encoding of the files; auto: UTF-8, or by BOM")
NAMES = typer.Option(
    "", "--names", help="Names of the outputs, separated by commas (else those of the inputs)"
)
RENAME = typer.Option([], "--rename", help="OLD=NEW, a new name for a label; may be repeated")
LANG = typer.Option(
    "en", "--lang", "-l", help="Language whose tokenizer splits the texts", rich_help_panel=TEXTS
)

TOKEN = typer.Option(
    None,
    "--token-column",
    show_default=False,
    help="Column of the tokens, from 1, or counted from the last, -1",
    rich_help_panel=COLUMNS,
)
TAG = typer.Option(
    None, "--tag-column", show_default=False, help="Column of the tags", rich_help_panel=COLUMNS
)
POS = typer.Option(
    None,
    "--pos-column",
    show_default=False,
    help="Column of the parts of speech; 0 for none (else the one after the tokens)",
    rich_help_panel=COLUMNS,
)
SCHEME = typer.Option(Scheme.auto, "--scheme", help="Scheme of the tags", rich_help_panel=COLUMNS)
OUTSIDE = typer.Option(
    None,
    "--outside",
    help="Tag of tokens outside any entity (else O)",
    show_default=False,
    rich_help_panel=COLUMNS,
)
MISSING = typer.Option(
    None,
    "--missing",
    help="Tag of tokens without annotation (else - and _); may be repeated",
    show_default=False,
    rich_help_panel=COLUMNS,
)
COMMENT = typer.Option(
    "#",
    "--comment",
    help="Prefix of comments before a sentence; '' for none",
    rich_help_panel=COLUMNS,
)
N_SENTS = typer.Option(
    1,
    "--n-sents",
    "-n",
    min=0,
    help="Sentences per document; 0 for all until -DOCSTART- or the end",
    rich_help_panel=COLUMNS,
)

FORMAT = typer.Option(
    Form.auto, "--format", help="Format of the files, else by their names", rich_help_panel=TEXTS
)
TEXT_FIELD = typer.Option(
    None,
    "--text-field",
    help="Name of the field with the text, or its column number",
    show_default=False,
    rich_help_panel=TEXTS,
)
LABEL_FIELD = typer.Option(
    [],
    "--label-field",
    help="The same for the label; if repeated, each is a label with yes (1) or no (0)",
    show_default=False,
    rich_help_panel=TEXTS,
)
HEADER = typer.Option(
    None,
    "--header/--no-header",
    help="Whether the first row has field names",
    show_default=False,
    rich_help_panel=TEXTS,
)
DELIMITER = typer.Option(
    None,
    "--delimiter",
    help="Separator between the cells of a table, or tab",
    show_default=False,
    rich_help_panel=TEXTS,
)
QUOTE = typer.Option(
    None,
    "--quote",
    help="Quotation mark around cells; '' for none",
    show_default=False,
    rich_help_panel=TEXTS,
)
SEPARATOR = typer.Option(
    None,
    "--label-separator",
    help="Separator between the labels of a text; '' for a single label",
    show_default=False,
    rich_help_panel=TEXTS,
)
UNTIL = typer.Option(
    None,
    "--label-until",
    help="Cut labels at this string, such as : for TREC's coarse labels",
    show_default=False,
    rich_help_panel=TEXTS,
)
TOKENISED = typer.Option(
    False,
    "--tokenised",
    help="The texts are tokenised: white space separates tokens",
    rich_help_panel=TEXTS,
)
TARGETS = typer.Option(
    [],
    "--targets",
    help="File with a text in each line for those of an input, once for each input; without it, an "
    "input has both, as JSON or with a tab between them",
    show_default=False,
    rich_help_panel=PAIRS,
)
OF_COLUMNS, OF_TEXTS = (Task.ner,), (Task.textcat, Task.textcat_multilabel)
# The tasks of the options that not all have, by the function's parameter
TASKS = {
    **dict.fromkeys(("token_column", "tag_column", "pos_column", "scheme", "outside"), OF_COLUMNS),
    **dict.fromkeys(("missing", "comment", "n_sents"), OF_COLUMNS),
    **dict.fromkeys(("form", "text_field", "label_field", "header", "delimiter"), OF_TEXTS),
    **dict.fromkeys(("quote", "separator", "until", "tokenised"), OF_TEXTS),
    "rename": (*OF_COLUMNS, *OF_TEXTS),
    "lang": (*OF_TEXTS, Task.text2text),
    "target_files": (Task.text2text,),
}


@seqrnn_cli.command("convert")
def convert_cli(
    context: typer.Context,
    inputs: list[Path] = INPUTS,
    output: Path = OUTPUT,
    task: Task = TASK,
    encoding: str = ENCODING,
    names: str = NAMES,
    rename: list[str] = RENAME,
    force: bool = FORCE,
    token_column: int | None = TOKEN,
    tag_column: int | None = TAG,
    pos_column: int | None = POS,
    scheme: Scheme = SCHEME,
    outside: str | None = OUTSIDE,
    missing: list[str] | None = MISSING,
    comment: str = COMMENT,
    n_sents: int = N_SENTS,
    form: Form = FORMAT,
    text_field: str | None = TEXT_FIELD,
    label_field: list[str] = LABEL_FIELD,
    header: bool | None = HEADER,
    delimiter: str | None = DELIMITER,
    quote: str | None = QUOTE,
    separator: str | None = SEPARATOR,
    until: str | None = UNTIL,
    tokenised: bool = TOKENISED,
    lang: str = LANG,
    target_files: list[Path] = TARGETS,
) -> None:
    """Convert annotated files of other programs to .spacy files, one for each input."""
    from ..convert.files import find_sources, name_targets  # noqa: PLC0415

    with clear_errors(), _plain_warnings():
        _check_options(context, task)
        if output.is_file():
            raise ValueError(f"'{output}' is a file, but the last argument has to be a folder.")
        sources, left_out = find_sources(inputs, columns=task is Task.ner)
        targets = name_targets(sources, output, [each for each in names.split(",") if each])
        check_targets([*targets.values()], force=force, make_folders=True)
        for path in left_out:
            msg.warn(f"Skipped because of its name: '{path}'")
        renamed = _pairs(rename)
        if task is Task.text2text:
            _convert_pairs(targets, target_files, encoding, lang)
        elif task is Task.ner:
            columns = ColumnOptions(
                token_column=token_column,
                tag_column=tag_column,
                pos_column=pos_column,
                comment=comment,
                scheme=scheme,
                outside=outside,
                missing=missing or None,
                rename=renamed,
                encoding=encoding,
                n_sents=n_sents,
            )
            _convert_columns(targets, columns)
        else:
            texts = TextOptions(
                form=form,
                text_field=text_field,
                label_field=label_field,
                header=header,
                delimiter=_delimiter(delimiter),
                quote=quote,
                separator=separator,
                until=until,
                exclusive=task is Task.textcat,
                tokenised=tokenised,
                rename=renamed,
                encoding=encoding,
            )
            _convert_texts(targets, texts, lang)


def _check_options(context: typer.Context, task: Task) -> None:
    """Raise ValueError for an option that the task does not have."""
    for name, tasks in TASKS.items():
        source = context.get_parameter_source(name)
        if task not in tasks and source is not None and source.name == "COMMANDLINE":
            option = next(each.opts[0] for each in context.command.params if each.name == name)
            raise ValueError(
                f"`{option}` is for {' and '.join(tasks)}, but `--task {task}` is set: omit it, or "
                "set the task."
            )


def _delimiter(given: str | None) -> str | None:
    delimiter = "\t" if given in {"tab", r"\t"} else given
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise ValueError(f"`--delimiter {given}` is not one character: set one, or tab.")
    return delimiter


def _pairs(rename: list[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in rename]
    for old, sign, new in pairs:
        if not (old and sign and new):
            raise ValueError(
                f"`--rename {old}{sign}{new}` is not a pair of labels: set OLD=NEW, such as "
                "1=positive."
            )
    return {old: new for old, _, new in pairs}


def _convert_columns(targets: dict[Path, Path], options: ColumnOptions) -> None:
    from ..convert.entities import labels_of, make_docs, read_columns  # noqa: PLC0415

    nlp = _blank("xx")
    # All files are read before any is written.
    found = {path: read_columns(path, options) for path in _progress(targets, "Reading")}
    _tell_of_new_labels({path: labels_of(columns) for path, columns in found.items()})
    for path, columns in found.items():
        docs = make_docs(columns, nlp.vocab, options.n_sents)
        _write(targets[path], _progress(docs, targets[path].name), str(columns))


def _convert_texts(targets: dict[Path, Path], options: TextOptions, lang: str) -> None:
    from ..convert.categories import labels_of, make_docs, read_texts  # noqa: PLC0415

    nlp = _blank(lang)
    found = {path: read_texts(path, options) for path in _progress(targets, "Reading")}
    _tell_of_new_labels({path: set(labels_of([texts])) for path, texts in found.items()})
    labels = labels_of(list(found.values()))
    for path, texts in found.items():
        docs = make_docs(texts, labels, nlp, tokenised=options.tokenised)
        _write(targets[path], _progress(docs, targets[path].name, len(texts.texts)), str(texts))
    msg.text(f"Labels: {', '.join(labels)}")


def _convert_pairs(
    targets: dict[Path, Path], target_files: list[Path], encoding: str, lang: str
) -> None:
    from ..seq2seq.extension import OUTPUT, set_extension  # noqa: PLC0415
    from ..seq2seq.pairs import read_pairs  # noqa: PLC0415

    if target_files and len(target_files) != len(targets):
        raise ValueError(
            f"`--targets` is given {len(target_files)} times for {len(targets)} inputs: give it "
            "once for each, in the same order."
        )
    nlp = _blank(lang)
    set_extension(OUTPUT)
    others: list[Path | None] = [*target_files] or [None] * len(targets)
    found = {
        path: list(read_pairs(path, other, encoding))
        for path, other in zip(_progress(targets, "Reading"), others, strict=True)
    }
    for path, pairs in found.items():
        docs = (_doc_of(nlp, source, target) for source, target in pairs if source)
        _write(targets[path], _progress(docs, targets[path].name, len(pairs)), "pairs of texts")


def _doc_of(nlp: Any, source: str, target: str) -> Any:
    doc = nlp.make_doc(source)
    doc._.output = target
    return doc


def _blank(lang: str) -> Any:
    import spacy  # noqa: PLC0415

    try:
        nlp = spacy.blank(lang)
    except ImportError as error:
        raise ValueError(
            f"`--lang {lang}` is unknown to spaCy: set a language code such as en, "
            "or xx for several languages."
        ) from error
    nlp.max_length = sys.maxsize  # the limit is for parsers and recognisers
    return nlp


def _progress(what: Iterable[Any], name: str, total: int | None = None) -> Iterable[Any]:
    """Show progress, on a terminal and only if it takes long."""
    from tqdm import tqdm  # noqa: PLC0415

    shown: Iterable[Any] = tqdm(what, desc=name, total=total, disable=None, delay=1, leave=False)
    return shown


def _tell_of_new_labels(labels: dict[Path, set[str]]) -> None:
    """Warn of labels that do not occur in the first input, which usually is the training data."""
    first, *others = labels
    for path in others:
        new = sorted(labels[path] - labels[first])
        if new:
            msg.warn(f"Labels in '{path}' that '{first}' does not have: {', '.join(new)}")


def _write(target: Path, docs: Iterable[Any], what: str) -> None:
    from spacy.tokens import DocBin  # noqa: PLC0415

    docbin = DocBin(docs=docs, store_user_data=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    write(target, docbin.to_bytes())
    msg.text(f"{len(docbin):,} documents, {what}")


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show only the sentences of warnings, without a line of code."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            yield
        finally:
            for each in caught:
                if each.category is UserWarning:
                    msg.warn(str(each.message))
