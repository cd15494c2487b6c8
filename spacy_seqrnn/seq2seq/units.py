"""The kinds of units that texts consist of: words, characters, with tags or without, and subwords.

Subwords are those of sentencepiece (Kudo 2018), an extra: pieces of words, learned from the
training texts, of which any word can be put together.
"""

import io
import re
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from ..config_errors import ConfigError
from ..lm.units import CHARACTERS, WORDS

SUBWORDS = "subwords"
CHARACTERS_AND_TAGS = "characters_and_tags"
UNITS = [WORDS, CHARACTERS, CHARACTERS_AND_TAGS, SUBWORDS]
SPACE = "▁"  # what sentencepiece writes for a space, also before the first word
TAG = re.compile(r"<[^<>\s]+>")
TAG_OR_CHARACTER = re.compile(rf"{TAG.pattern}|.", re.DOTALL)


class Units(Protocol):
    """A kind of units: how a text is split into them, and put together again."""

    def split(self, text: str) -> list[str]:
        """The units of a text."""

    def join(self, units: list[str]) -> str:
        """The text of units."""

    def has(self, text: str) -> bool:
        """Whether a token of a source can be one unit."""


class Words:
    """What is between white space. The amount of that is lost."""

    def split(self, text: str) -> list[str]:
        return text.split()

    def join(self, units: list[str]) -> str:
        return " ".join(units)

    def has(self, text: str) -> bool:
        return text.split() == [text]


class Characters:
    """The characters, white space too."""

    def split(self, text: str) -> list[str]:
        return list(text)

    def join(self, units: list[str]) -> str:
        return "".join(units)

    def has(self, text: str) -> bool:
        return len(text) == 1


class CharactersAndTags(Characters):
    """The characters, and whole tags: words such as `<PAST>`, in angle brackets."""

    def split(self, text: str) -> list[str]:
        return TAG_OR_CHARACTER.findall(text)

    def has(self, text: str) -> bool:
        return len(text) == 1 or TAG.fullmatch(text) is not None


class Subwords:
    """Pieces of words. Spaces around a text, and all but one between words, are lost."""

    def __init__(self, model: bytes) -> None:
        """model: what `learn_subwords` gives."""
        self.model = model
        self._encode: Callable[..., list[str]] = (
            _sentencepiece().SentencePieceProcessor(model_proto=model).encode
        )

    def __reduce__(self) -> tuple[type, tuple[bytes]]:
        return Subwords, (self.model,)

    def split(self, text: str) -> list[str]:
        return self._encode(text, out_type=str)

    def join(self, units: list[str]) -> str:
        return "".join(units).replace(SPACE, " ").removeprefix(" ")

    def has(self, text: str) -> bool:
        return True


def make_units(kind: str, subwords: bytes) -> Units:
    """kind: one of `UNITS`. subwords: what `learn_subwords` gives, if that is needed."""
    if kind == SUBWORDS:
        return Subwords(subwords)
    kinds: dict[str, type[Units]] = {
        WORDS: Words,
        CHARACTERS: Characters,
        CHARACTERS_AND_TAGS: CharactersAndTags,
    }
    return kinds[kind]()


def learn_subwords(texts: Iterable[str], most: int) -> bytes:
    """Learn the subwords of texts, as a model of sentencepiece.

    most: how many there are at most, at least one for each character.

    Raises ConfigError if the texts need more, or have none.
    """
    written = io.BytesIO()
    try:
        _sentencepiece().SentencePieceTrainer.train(
            sentence_iterator=(text for text in texts if text.strip()),
            model_writer=written,
            vocab_size=most,
            hard_vocab_limit=False,  # less where the texts have no more
            character_coverage=1.0,
            normalization_rule_name="identity",
            bos_id=-1,
            eos_id=-1,
            num_threads=1,  # for the same subwords each time
            minloglevel=2,
        )
    except RuntimeError as error:
        raise ConfigError(
            "max_subwords",
            most,
            f"`max_subwords = {most}` subwords cannot be learned from the training texts "
            f"({error}): set it to some thousands, and to fewer for little text.",
        ) from error
    return written.getvalue()


def check_subwords(option: str, kind: str) -> None:
    """Raise ConfigError if units are subwords, and sentencepiece is not installed."""
    if kind != SUBWORDS:
        return
    try:
        _sentencepiece()
    except ImportError as error:
        raise ConfigError(
            option,
            kind,
            f"`{option} = {kind!r}` needs sentencepiece: `pip install spacy-seqrnn[translation]`, "
            f'or set it to "{WORDS}" or "{CHARACTERS}".',
        ) from error


def _sentencepiece() -> Any:
    import sentencepiece  # noqa: PLC0415  # an extra

    return sentencepiece
