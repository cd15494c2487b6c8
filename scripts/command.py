"""How the scripts of this project run and fail."""

import sys
from collections.abc import Callable

import typer


class UserError(Exception):
    """An error that the user can correct; its message is all they need to see."""


def run(main: Callable[..., None]) -> None:
    """Run a script's `main` with the command line's arguments.

    An expected error ends the script with one plain message on stderr and exit code 1. Wasabi and
    typer would wrap the message, and with it paths and URLs that a user wants to copy.
    """
    try:
        typer.run(main)
    except (UserError, OSError) as error:
        sys.exit(f"Error: {error}")
