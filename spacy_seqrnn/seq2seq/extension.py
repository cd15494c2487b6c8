"""The extension of documents that has the text which is written for them."""

from typing import Any

from spacy.tokens import Doc

from ..config_errors import ConfigError

OUTPUT = "output"  # unless another name is set


def check_extension(output: Any) -> None:
    """Raise ConfigError if a name cannot be one of an extension."""
    if not output.isidentifier():
        raise ConfigError(
            "output",
            output,
            f"`output = {output!r}` is not a name for an extension: set it to a name such as "
            '"output", which makes it `doc._.output`.',
        )


def set_extension(output: str) -> None:
    """Offer `doc._.<output>`, unless there is one. It is None for a document without a text."""
    if not Doc.has_extension(output):
        Doc.set_extension(output, default=None)
