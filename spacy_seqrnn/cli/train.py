"""`spacy seqrnn train`: `spacy train` that may be killed at any moment."""

import logging
import sys
from pathlib import Path
from typing import Any

import typer
from wasabi import msg

from .app import seqrnn_cli

# As in `spacy train`, except that the output is required
CONFIG = typer.Argument(..., help="Path to config file", exists=True, allow_dash=True)
OUTPUT = typer.Option(
    ..., "--output", "--output-path", "-o", help="Folder for model-best and model-last"
)
CODE = typer.Option(None, "--code", "-c", help="Python file with functions that the config names")
VERBOSE = typer.Option(False, "--verbose", "-V", "-VV", help="Display more information")
RESUME = typer.Option(False, "--resume", help="Go on with the unfinished run in that folder")
GPU = typer.Option(-1, "--gpu-id", "-g", help="GPU to use, -1 for the CPU")
OVERRIDES = {"allow_extra_args": True, "ignore_unknown_options": True}


@seqrnn_cli.command("train", context_settings=OVERRIDES)
def train_cli(
    ctx: typer.Context,
    config_path: Path = CONFIG,
    output: Path = OUTPUT,
    code: Path | None = CODE,
    verbose: bool = VERBOSE,
    gpu_id: int = GPU,
    resume: bool = RESUME,
) -> None:
    """Train like `spacy train`, so that an interruption never leaves a damaged pipeline.

    Options of the config can be set as for `spacy train`, such as --training.max_steps 100.

    After an interruption, the same command with --resume goes on from the last evaluation, and its
    result is the same as without the interruption.
    """
    from spacy.cli._util import import_code, parse_config_overrides  # noqa: PLC0415
    from spacy.util import logger  # noqa: PLC0415

    from ..saved.unfinished import CannotResume  # noqa: PLC0415

    if verbose:
        logger.setLevel(logging.DEBUG)
    overrides = parse_config_overrides(ctx.args)
    import_code(code)
    try:
        train(config_path, output, use_gpu=gpu_id, overrides=overrides, resume=resume)
    except CannotResume as error:
        msg.fail(str(error))
        raise typer.Exit(1) from None


def train(
    config_path: Path,
    output: Path,
    *,
    use_gpu: int = -1,
    overrides: dict[str, Any] | None = None,
    resume: bool = False,
) -> None:
    """Train the pipeline of a config, like the function of the same name in `spacy.cli.train`.

    resume: whether to go on with the unfinished run in the folder.

    Raises CannotResume if there is none, or if it cannot go on.
    """
    from spacy.cli._util import setup_gpu, show_validation_error  # noqa: PLC0415
    from spacy.training.initialize import init_nlp  # noqa: PLC0415
    from spacy.util import load_config  # noqa: PLC0415

    from ..saved import training  # noqa: PLC0415
    from ..saved.unfinished import FILE, find_state  # noqa: PLC0415

    unfinished = find_state(output) if resume else None
    if unfinished is None and (output / FILE).exists():
        msg.warn(
            f"This run is going to replace the unfinished one in {output}: to go on with that "
            "one instead, interrupt this one now and add --resume"
        )
    if not output.exists():
        output.mkdir(parents=True)
        msg.good(f"Created output directory: {output}")
    msg.info(f"Saving to output directory: {output}")
    setup_gpu(use_gpu)
    with show_validation_error(config_path):
        config = load_config(config_path, overrides=overrides or {}, interpolate=False)
    msg.divider("Initializing pipeline")
    with show_validation_error(config_path, hint_fill=False):
        nlp = init_nlp(config, use_gpu=use_gpu)
    msg.good("Initialized pipeline")
    msg.divider("Training pipeline")
    training.train(
        nlp,
        output,
        use_gpu=use_gpu,
        stdout=sys.stdout,
        stderr=sys.stderr,
        unfinished=unfinished,
    )
