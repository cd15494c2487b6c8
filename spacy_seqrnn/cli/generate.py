"""`spacy seqrnn generate`: write text with a language model."""

from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer
from tqdm import tqdm

from .app import FORCE, JSON, MODEL, seqrnn_cli
from .output import as_json, check_targets, clear_errors, load, write


class Stop(StrEnum):
    """Where a text ends."""

    document = "document"
    sentence = "sentence"


@dataclass(frozen=True)
class Sampling:
    """The options of a text that is left to chance, with the command's defaults."""

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    samples: int = 1
    seed: int | None = None
    stop: Stop = Stop.document


PROMPT = typer.Option("", "--prompt", help="Beginning of the text; without one, a text begins")
WORDS = typer.Option(50, "--words", min=0, help="The most words, or characters, to write")
TEMPERATURE = typer.Option(1.0, "--temperature", help="Below 1 more likely words; 0 the likeliest")
TOP_K = typer.Option(None, "--top-k", help="Choose among so many of the likeliest words")
TOP_P = typer.Option(
    None, "--top-p", help="Choose among the fewest words with this much probability together"
)
SAMPLES = typer.Option(1, "--samples", min=1, help="How many texts to write side by side")
BEAM = typer.Option(
    None,
    "--beam",
    min=1,
    help="Search for the likeliest texts, reading on so many; nothing is left to chance",
)
SEED = typer.Option(None, "--seed", help="The same number gives the same text")
STOP = typer.Option(Stop.document, "--stop", help="Where a text ends")


@seqrnn_cli.command("generate")
def generate_cli(
    model: str = MODEL,
    prompt: str = PROMPT,
    words: int = WORDS,
    temperature: float = TEMPERATURE,
    top_k: int | None = TOP_K,
    top_p: float | None = TOP_P,
    samples: int = SAMPLES,
    beam: int | None = BEAM,
    seed: int | None = SEED,
    stop: Stop = STOP,
    json: Path | None = JSON,
    force: bool = FORCE,
) -> None:
    """Continue a text with a language model."""
    sampling = Sampling(temperature, top_k, top_p, samples, seed, stop)
    with clear_errors():
        check_targets([json], force=force)
        if beam is not None:
            _check_beam(sampling)
            texts = _search(load(model), prompt, words, beam)
        else:
            texts = _write(load(model), prompt, words, sampling)
        write(json, as_json({"prompt": prompt, "texts": texts}) if json else "")


def _check_beam(sampling: Sampling) -> None:
    """Raise ValueError for an option that has no effect with --beam."""
    for option in fields(sampling):
        if getattr(sampling, option.name) != option.default:
            raise ValueError(
                f"`--{option.name.replace('_', '-')}` has no effect with `--beam`, which leaves "
                "nothing to chance: omit one of the two."
            )


def _search(nlp: Any, prompt: str, words: int, beam: int) -> list[dict[str, Any]]:
    from ..lm.generation import beam_search  # noqa: PLC0415

    found = beam_search(nlp, prompt, words=words, beam=beam)
    for each in found:
        print(f"{each.per_unit:8.3f}  {prompt}{each.text}")
    return [{"text": each.text, "log_probability": each.log_probability} for each in found]


def _write(nlp: Any, prompt: str, words: int, sampling: Sampling) -> list[dict[str, Any]]:
    from ..lm.find import find_language_model  # noqa: PLC0415
    from ..lm.generation import Choice, Writer  # noqa: PLC0415

    choice = Choice(sampling.temperature, sampling.top_k, sampling.top_p)
    writer = Writer(nlp, find_language_model(nlp))
    n_texts = sampling.samples
    steps = writer.write(prompt, n_texts, words, choice, sampling.seed, sampling.stop.value)
    texts = [""] * n_texts
    if n_texts == 1:  # as it is written
        print(prompt, end="", flush=True)
        for (piece,) in steps:
            print(piece, end="", flush=True)
            texts[0] += piece
        print()
    else:
        for pieces in tqdm(steps, total=words, unit="word", disable=None, leave=False):
            texts = [text + piece for text, piece in zip(texts, pieces, strict=True)]
        for text in texts:
            print(f"{prompt}{text}")
    return [{"text": text} for text in texts]
