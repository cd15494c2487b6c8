"""Errors for config options that cannot work, shown as spaCy's command line shows wrong types.

spaCy catches confection's `ConfigValidationError` and prints a few lines instead of a traceback.
Where it catches nothing, as in the training loop, the traceback ends with the place and the reason.
"""

from typing import Any

from confection import ConfigValidationError
from thinc.api import Model

from .config_places import find_block


class ConfigError(ConfigValidationError):
    """An option has a value that cannot work. This is a ValueError."""

    def __init__(
        self, option: str, value: Any, sentence: str, *, layer: Model[Any, Any] | None = None
    ) -> None:
        """option: its name.
        value: its value in the config.
        sentence: what is wrong with it, and what to do.
        layer: the layer that has the option, if the error is raised outside of it.
        """
        self.option, self.value, self.sentence, self.layer = option, value, sentence, layer
        super().__init__(errors=[{"loc": [option], "msg": sentence}], show_config=False)

    def __str__(self) -> str:
        block = self.block()
        return f"{block} -> {self.option}: {self.sentence}" if block else self.sentence

    def __reduce__(self) -> tuple[type, tuple[str, Any, str]]:
        return ConfigError, (self.option, self.value, self.sentence)

    def block(self) -> str:
        """The block that the option is in, such as "components.ner.model"; "" if unknown.

        It is read from the frames that the error has passed through so far.
        """
        return ".".join(find_block(self.option, self.value, self.__traceback__, self.layer))

    @classmethod
    def from_error(
        cls,
        err: ConfigValidationError,
        title: str | None = None,
        desc: str | None = None,
        parent: str | None = None,
        show_config: bool | None = None,
    ) -> ConfigValidationError:
        """The error as spaCy's command line shows it, with the location of the option."""
        errors = err.errors
        if isinstance(err, ConfigError):
            block = err.block()
            errors = [{"loc": [*([block] if block else []), err.option], "msg": err.sentence}]
        return ConfigValidationError(
            errors=errors, title=title, desc=desc, parent=parent, show_config=False
        )
