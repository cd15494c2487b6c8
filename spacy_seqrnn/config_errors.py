"""Options of a config that cannot work, told as spaCy's command line tells of wrong types.

It catches confection's `ConfigValidationError` and prints a few lines instead of a traceback. What
is wrong with an option is found out where it is used, by functions that do not know which block of
the config they were called for. So the place is looked up when the error is shown, in the calls
that it has passed through. Where spaCy catches nothing, as in its training loop, the last line of
the traceback has the place too.
"""

from collections.abc import Iterator
from traceback import walk_tb
from types import FrameType, TracebackType
from typing import Any

from confection import ConfigValidationError

OWN_BLOCKS = "spacy-seqrnn."
OWN_FACTORIES = ("seqrnn_ner",)


class ConfigError(ConfigValidationError):
    """A value of an option that cannot work. It is a ValueError."""

    def __init__(self, option: str, value: Any, sentence: str) -> None:
        """option: its name.
        value: what the config has.
        sentence: what is wrong with it, and what to do.
        """
        self.option, self.value, self.sentence = option, value, sentence
        super().__init__(errors=[{"loc": [option], "msg": sentence}], show_config=False)

    def __str__(self) -> str:
        return "".join([*(f"{block} -> {self.option}: " for block in self._block()), self.sentence])

    def _block(self) -> list[str]:
        return find_block(self.option, self.value, self.__traceback__)

    def __reduce__(self) -> tuple[type, tuple[str, Any, str]]:
        return ConfigError, (self.option, self.value, self.sentence)

    @classmethod
    def from_error(
        cls,
        err: ConfigValidationError,
        title: str | None = None,
        desc: str | None = None,
        parent: str | None = None,
        show_config: bool | None = None,
    ) -> ConfigValidationError:
        """The error as spaCy's command line shows it, with the place of the option."""
        errors = err.errors
        if isinstance(err, ConfigError):
            errors = [{"loc": [*err._block(), err.option], "msg": err.sentence}]
        return ConfigValidationError(
            errors=errors, title=title, desc=desc, parent=parent, show_config=False
        )


def find_block(option: str, value: Any, traceback: TracebackType | None) -> list[str]:
    """The block that has an option with this value, e.g. ["components.ner.model"]; [] if unknown.

    traceback: of the error, through spaCy's `Language`, which knows the component and its config.
    """
    for frame, _ in walk_tb(traceback):
        name, config = _component(frame)
        if name is not None:
            path = f"components.{name}"
            return [min(_blocks(config, option, value, path), default=(0, path))[1]]
    return []


def _component(frame: FrameType) -> tuple[str | None, Any]:
    """The component that `Language` is making or initialising, with its config."""
    if frame.f_globals.get("__name__") != "spacy.language":
        return None, None
    name = frame.f_locals.get("name")
    if frame.f_code.co_name == "create_pipe":
        return name, {"factory": frame.f_locals["factory_name"], **frame.f_locals["config"]}
    if frame.f_code.co_name in ("initialize", "update") and name is not None:
        return name, frame.f_locals["self"].config["components"].get(name, {})
    return None, None


def _blocks(block: Any, option: str, value: Any, path: str) -> Iterator[tuple[int, str]]:
    """All blocks that may be meant, and how badly they fit."""
    if not isinstance(block, dict):
        return
    own = str(block.get("@architectures", "")).startswith(OWN_BLOCKS)
    own = own or block.get("factory") in OWN_FACTORIES
    if option in block and block[option] == value:
        yield (0 if own else 1), path
    elif own:
        yield (2 if option in block else 3), path
    for key, part in block.items():
        yield from _blocks(part, option, value, f"{path}.{key}")
