"""How a script of this project runs and fails."""

import sys
from collections.abc import Callable

import typer


class UserError(Exception):
    """Something the user can put right; its message is all they need to see."""


def run(main: Callable[..., None]) -> None:
    """Run a script's `main` with the command line's arguments.

    An expected fault ends it with one plain message on stderr and exit code 1. Wasabi and typer
    would both wrap the message, and with it the paths and URLs a user wants to copy.
    """
    try:
        typer.run(main)
    except (UserError, OSError) as error:
        sys.exit(f"Error: {error}")
