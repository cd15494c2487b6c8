"""New pairs of texts with other letters in what both texts share (Anastasopoulos and Neubig 2019).

From `<PAST>remember` and `remembered`, such as `<PAST>dowanber` and `dowanbered`: so few examples
are enough to learn to copy stems, and to change what is around them. The end of a stem stays,
because the form often depends on it, as by vowel harmony.
"""

import random
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher

from spacy.language import Language
from spacy.training import Example

from ..checks import check_int
from .extension import check_extension, set_extension
from .units import CharactersAndTags

MOST_PER_PAIR = 1000
KIND = CharactersAndTags()  # letters are replaced, but not those of tags


class Hallucination:
    """Pairs, each followed by new ones; see `make_hallucination`."""

    def __init__(self, *, per_pair: int, kept: int, output: str) -> None:
        self.per_pair = per_pair
        self.kept = kept
        self.output = output

    def __call__(self, nlp: Language, example: Example) -> Iterator[Example]:
        """Yield an example and the new ones."""
        yield example
        target = example.reference._.get(self.output)
        letters = find_letters(nlp, self.output)
        if target is None or not letters:
            return
        units = KIND.split(example.reference.text), KIND.split(target)
        places = self._find_places(*units)
        for _ in range(self.per_pair if places else 0):
            source, target = replace_letters(*units, places, letters)
            reference = nlp.make_doc(source)
            reference._.set(self.output, target)
            yield Example(nlp.make_doc(source), reference)

    def _find_places(self, source: list[str], target: list[str]) -> list[tuple[int, int]]:
        """Which letters of source and target are the same, and not at the end of what is shared."""
        runs = SequenceMatcher(None, source, target, autojunk=False).get_matching_blocks()
        return [
            (run.a + i, run.b + i)
            for run in runs
            for i in range(run.size - self.kept)
            if source[run.a + i].isalpha()
        ]


def find_letters(nlp: Language, output: str) -> list[str]:
    """The letters that a component has learned to write, none before it is initialized.

    output: the extension that it writes to.
    """
    for _, component in nlp.pipeline:
        if getattr(component, "output", None) == output and hasattr(component, "vocabulary"):
            return [
                unit for unit in component.vocabulary.units if len(unit) == 1 and unit.isalpha()
            ]
    return []


def replace_letters(
    source: list[str], target: list[str], places: list[tuple[int, int]], letters: list[str]
) -> tuple[str, str]:
    """The texts of units, with other letters at the places; small for small ones."""
    source, target = source.copy(), target.copy()
    of_case = {
        small: [letter for letter in letters if letter.islower() == small] or letters
        for small in (True, False)
    }
    for in_source, in_target in places:
        letter = random.choice(of_case[source[in_source].islower()])
        source[in_source] = target[in_target] = letter
    return "".join(source), "".join(target)


def make_hallucination(
    *, per_pair: int = 1, kept: int = 3, output: str = "output"
) -> Callable[[Language, Example], Iterator[Example]]:
    """Add pairs with other letters in what source and target share, each time they are read.

    An augmenter for `[corpora.train.augmenter]`, registered as `spacy-seqrnn.hallucinate.v1`. The
    letters are those that `seqrnn_text2text` has seen in targets; letters of tags, `<PAST>`, stay.

    per_pair: how many new pairs each pair gets.
    kept: how many characters at the end of each part that both texts share stay as they are.
    output: the extension with the targets.

    Raises ValueError for an option out of its range.
    """
    check_int("per_pair", per_pair, 0, MOST_PER_PAIR)
    check_int("kept", kept, 0)
    check_extension(output)
    set_extension(output)
    return Hallucination(per_pair=per_pair, kept=kept, output=output)
