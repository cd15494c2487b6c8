"""Convert tags of any scheme to BILUO tags.

The scheme is inferred from all tags of a file: L and U occur only in BILUO, E and S in BIOES (or
IOBES), M with W or S in BMEWO and BMES, and only B and I in IOB1 or IOB2. I alone is IOB1 too. Tags
without any prefix are labels (IO); neighbouring tokens with one label are one entity.
"""

import re
import warnings
from collections.abc import Callable
from itertools import pairwise

from .options import Scheme

LETTERS = {
    Scheme.iob1: "BI",
    Scheme.iob2: "BI",
    Scheme.biluo: "BILU",
    Scheme.bioes: "BIES",
    Scheme.bmewo: "BMEW",
    Scheme.bmes: "BMES",
}
IOB = (
    Scheme.io,
    Scheme.iob1,
    Scheme.iob2,
)  # IO tags are read as IOB once their labels have a prefix
BILUO = str.maketrans("MESW", "ILUU")
OUTSIDE, MISSING = "O", "-"
# The letter of a token, by whether its entity continues from the token before and after it
BY_NEIGHBOURS = {(False, False): "U", (False, True): "B", (True, True): "I", (True, False): "L"}
PREFIXED = re.compile(r"([BILUESMW])-(\S+)")
# Malformed prefixes that would pass for parts of labels: B_x, b-x, x-B
FOREIGN = re.compile(r"[bilouesmw][-_:/|.]\S+|\S+[-_:/|.][bilouesmw]", re.IGNORECASE)

# Tags by sentence; a function that describes a place; the indices of a sentence and of a token
Tags = list[list[str]]
Where = Callable[[int, int], str]
Place = tuple[int, int]


def read_tags(tags: Tags, where: Where, scheme: Scheme = Scheme.auto) -> tuple[Tags, Scheme]:
    """Convert the tags of a file, in which `OUTSIDE` and `MISSING` mean that there is no label.

    where: returns "'file', line 7" for the indices of a sentence and of its token.
    scheme: the scheme of the tags. `auto`: infer it.

    Returns BILUO tags and the scheme. Raises ValueError for a tag that does not fit the scheme, or
    any scheme, and for entities without the begin or end tag that the scheme requires.
    """
    places = _first_places(tags)
    for tag, place in places.items():
        if not tag.isprintable() or " " in tag:
            raise ValueError(f"{where(*place)}: the tag {tag!r} contains white space: correct it.")
        if re.fullmatch(r"[BILUESMW]-", tag):
            raise ValueError(f"{where(*place)}: the tag {tag!r} has no label: correct it.")
    if scheme is Scheme.auto:
        scheme = _find_scheme(places, where)
        scheme = _find_iob(tags, where) if scheme in IOB[1:] else scheme
    elif scheme is not Scheme.io:
        _check_letters(places, where, scheme)
        _check_iob(tags, where, scheme)
    if scheme is Scheme.io and not all(tag.startswith("I-") for tag in places):
        tags = [_as_inside(sentence) for sentence in tags]
    if scheme in IOB:
        return [_from_iob(sentence) for sentence in tags], scheme
    biluo = [[_translate(tag) for tag in sentence] for sentence in tags]
    _check_biluo(biluo, tags, where, scheme)
    return biluo, scheme


def _first_places(tags: Tags) -> dict[str, Place]:
    """Where each tag with a label first occurs."""
    places: dict[str, Place] = {}
    for i, sentence in enumerate(tags):
        for j, tag in enumerate(sentence):
            if tag not in {OUTSIDE, MISSING}:
                places.setdefault(tag, (i, j))
    return places


def _find_scheme(places: dict[str, Place], where: Where) -> Scheme:
    """The scheme that has all these tags; IOB2 for IOB1, which has the same tags."""
    bare = [tag for tag in places if not PREFIXED.fullmatch(tag)]
    if places and len(bare) == len(places):
        zero = next((tag for tag in bare if tag in {"0", "o"}), None)
        if zero:
            raise ValueError(
                f"{where(*places[zero])}: the tag {zero!r} is not a label, but may mean O: correct "
                "it, or set `--outside` or `--scheme io`."
            )
        if all(map(FOREIGN.fullmatch, bare)):
            raise ValueError(
                f"{where(*places[bare[0]])}: the tag {bare[0]!r} seems to have a prefix, but not "
                "in "
                "the form 'B-PER': correct it, or set `--scheme io` if whole tags are labels."
            )
        return Scheme.io
    if bare:
        other = next(tag for tag in places if tag not in bare)
        raise ValueError(
            f"{where(*places[bare[0]])}: the tag {bare[0]!r} has no prefix, but others such as "
            f"{other!r} have one: correct it, or set `--scheme io` if whole tags are labels."
        )
    first: dict[str, str] = {}
    for tag in places:
        first.setdefault(tag[0], tag)
    found = [scheme for scheme, letters in LETTERS.items() if set(first) <= set(letters)]
    if not found:
        tags = ", ".join(f"{tag!r} ({where(*places[tag])})" for tag in first.values())
        raise ValueError(
            f"No scheme has all of these tags: {tags}. Correct them, or set `--scheme`."
        )
    return found[0]


def _check_letters(places: dict[str, Place], where: Where, scheme: Scheme) -> None:
    for tag, place in places.items():
        if not PREFIXED.fullmatch(tag) or tag[0] not in LETTERS[scheme]:
            raise ValueError(
                f"{where(*place)}: the tag {tag!r} does not belong to `--scheme {scheme}`, whose "
                "letters "
                f"are {', '.join(LETTERS[scheme])}: omit the option, or correct the tag."
            )


def _find_iob(tags: Tags, where: Where) -> Scheme:
    """Whether entities always begin with B (IOB2) or only where they touch (IOB1)."""
    inside, needless = _iob_beginnings(tags)
    if inside and needless:
        warnings.warn(
            f"Entities begin with B, but {len(inside)} with I, the first in {where(*inside[0])}: "
            "these are read as beginnings, as the CoNLL scorer reads them.",
            stacklevel=2,
        )
    return Scheme.iob1 if inside and not needless else Scheme.iob2


def _check_iob(tags: Tags, where: Where, scheme: Scheme) -> None:
    """Raise ValueError for tags of the other IOB scheme than the one that was set."""
    if scheme not in IOB:
        return
    inside, needless = _iob_beginnings(tags)
    odd = inside if scheme is Scheme.iob2 else needless
    if odd:
        i, j = odd[0]
        raise ValueError(
            f"{where(i, j)}: the tag {tags[i][j]!r} does not begin an entity there in `--scheme "
            f"{scheme}`: omit the option, or correct the tag."
        )


def _iob_beginnings(tags: Tags) -> tuple[list[Place], list[Place]]:
    """Where entities begin with I, and where with B although no entity of that label precedes."""
    inside: list[Place] = []
    needless: list[Place] = []
    for i, sentence in enumerate(tags):
        for j, (before, tag) in enumerate(pairwise([OUTSIDE, *sentence])):
            if tag[:1] in {"I", "B"} and tag[1:] != before[1:]:
                (inside if tag[0] == "I" else needless).append((i, j))
    return inside, needless


def _as_inside(sentence: list[str]) -> list[str]:
    return [tag if tag in {OUTSIDE, MISSING} else f"I-{tag}" for tag in sentence]


def _from_iob(sentence: list[str]) -> list[str]:
    """Convert IOB1 or IOB2 as `spacy.training.iob_to_biluo` does, but with missing tags."""
    goes_on = [
        tag[0] == "I" and tag[1:] == before[1:]
        for before, tag in pairwise([OUTSIDE, *sentence, OUTSIDE])
    ]
    return [
        tag if tag in {OUTSIDE, MISSING} else BY_NEIGHBOURS[neighbours] + tag[1:]
        for tag, neighbours in zip(sentence, pairwise(goes_on), strict=True)
    ]


def _translate(tag: str) -> str:
    return tag if tag in {OUTSIDE, MISSING} else tag[0].translate(BILUO) + tag[1:]


def _check_biluo(biluo: Tags, tags: Tags, where: Where, scheme: Scheme) -> None:
    for i, sentence in enumerate(biluo):
        for j, (before, tag) in enumerate(pairwise([OUTSIDE, *sentence, OUTSIDE])):
            is_open, goes_on = before[0] in "BI", tag[0] in "IL"
            if is_open != goes_on or (goes_on and before[1:] != tag[1:]):
                shown = repr(tags[i][j]) if j < len(sentence) else "the end"
                after = repr(tags[i][j - 1]) if j else "the beginning"
                raise ValueError(
                    f"{where(i, min(j, len(sentence) - 1))}: {shown} cannot follow {after} in "
                    f"the scheme {scheme}: correct the tags, or set `--scheme`."
                )
