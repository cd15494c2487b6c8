"""`spacy seqrnn translate`: write a text for a text, or for each line of a file."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from tqdm import tqdm

from .app import FORCE, JSON, MODEL, seqrnn_cli
from .output import as_json, busy, check_targets, clear_errors, load, write

TEXT = typer.Argument(None, help="The text to read", show_default=False)
INPUT = typer.Option(
    None, "--input", help="File with a text in each line, compressed by gzip or not"
)
OUTPUT = typer.Option(
    None,
    "--output",
    help="File for what is written, a line for each line of --input (else it is printed)",
)
BEAM = typer.Option(
    None,
    "--beam",
    min=1,
    show_default=False,
    help="How many beginnings are continued at a time (else what the component is set to)",
)
BEST = typer.Option(
    None,
    "--best",
    min=1,
    show_default=False,
    help="Show so many of the best outputs for TEXT, with their scores",
)


@seqrnn_cli.command("translate")
def translate_cli(
    model: str = MODEL,
    text: str | None = TEXT,
    source: Path | None = INPUT,
    output: Path | None = OUTPUT,
    beam: int | None = BEAM,
    best: int | None = BEST,
    json: Path | None = JSON,
    force: bool = FORCE,
) -> None:
    """Write the text that a seqrnn_text2text has learned to write: a translation, a normal form.

    White space around a text is not read. In the output for a file, an empty line stays empty, and
    a line end within a text becomes a space.
    """
    with clear_errors():
        _check_options(text, source, output, best, json)
        check_targets([output, json], force=force)
        if source is not None:
            lines = _read(source)
            written = _write_lines(*_load(model, beam), lines)
            if output is None:
                for line in written:
                    tqdm.write(line)
            else:
                write(output, "".join(f"{line}\n" for line in written))
        elif text is not None:
            found = _write_best(*_load(model, beam), text, beam, best or 1)
            for each in found:
                print(each["text"] if best is None else f"{each['score']:8.3f}  {each['text']}")
            write(json, as_json({"text": text, "outputs": found}) if json else "")


def _check_options(
    text: str | None, source: Path | None, output: Path | None, best: int | None, json: Path | None
) -> None:
    """Raise ValueError for arguments that do not go together."""
    if text is None and source is None:
        raise ValueError("`translate` was given neither TEXT nor `--input`: add one of the two.")
    if text is not None and source is not None:
        raise ValueError("`translate` was given both TEXT and `--input`: omit one of the two.")
    for option, value in {"--best": best, "--json": json}.items():
        if source is not None and value is not None:
            raise ValueError(
                f"`{option}` is for a single TEXT, but `--input {source}` is set: omit one of the "
                "two."
            )
    if source is None and output is not None:
        raise ValueError(
            f"`--output {output}` is for `--input`, but TEXT is given: omit it, or set `--json`."
        )


def _read(path: Path) -> list[str]:
    """The lines of a file. Raises ValueError if there is no such file, or if it is not text."""
    from ..seq2seq.pairs import read_lines  # noqa: PLC0415

    if not path.is_file():
        raise ValueError(f"`--input {path}` is no file: name a file with a text in each line.")
    return read_lines(path)


def _load(model: str, beam: int | None) -> tuple[Any, str]:
    """The pipeline, and the name of its first component that writes texts."""
    nlp = load(model)
    from ..checks import check_int  # noqa: PLC0415
    from ..explain import find  # noqa: PLC0415
    from ..seq2seq.pipe import WIDEST_BEAM  # noqa: PLC0415

    name, component = find.choose(nlp, find.find_text2text(nlp), "seqrnn_text2text", None)
    if beam is not None:
        check_int("beam", beam, 1, WIDEST_BEAM)
        component.beam = beam
    return nlp, name


def _write_best(
    nlp: Any, name: str, text: str, beam: int | None, k: int
) -> list[dict[str, str | float]]:
    """The best outputs for a text."""
    from ..explain.find import make_doc  # noqa: PLC0415

    with busy("Computing ..."):
        doc = make_doc(nlp, text.strip(), before=name)
        (found,) = nlp.get_pipe(name).best([doc], k, beam=beam)
    return [asdict(each) for each in found]


def _write_lines(nlp: Any, name: str, lines: list[str]) -> Iterator[str]:
    """The output for each line, on one line."""
    extension = nlp.get_pipe(name).output
    docs = nlp.pipe(line.strip() for line in lines)
    for doc in tqdm(docs, total=len(lines), unit="line", disable=None, leave=False):
        yield " ".join(doc._.get(extension).splitlines())
