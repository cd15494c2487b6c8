"""English sentences from a small grammar, in which the verb agrees with the first noun.

    the cat that saw the dogs near the old birds was asleep

Each modifier between subject and verb has four words and a noun, which may be of the other number
and then tempts the model to let the verb agree with it (Linzen et al. 2016).
"""

import random
from dataclasses import dataclass

NOUNS = ["cat", "dog", "bird", "boy", "girl", "farmer", "painter", "pilot", "king", "teacher"]
VERBS = [("was", "were"), ("is", "are"), ("seems", "seem"), ("looks", "look")]
COMPLEMENTS = ["asleep", "hungry", "late", "outside", "happy", "tired"]
PREPOSITIONS = ["near", "behind", "beside", "above"]
ADJECTIVES = ["old", "tall", "small", "kind"]
# In the past tense, so that they agree with nothing
ACTIONS = ["saw", "liked", "followed", "heard", "knew", "helped"]
WORDS_PER_MODIFIER = 4


@dataclass(frozen=True)
class Sentence:
    """A sentence up to its verb, and what may follow.

    prefix: the words from the beginning to the last one before the verb.
    right, wrong: the form of the verb that agrees with the subject, and the other one.
    complement: the word behind the verb.
    n_modifiers: how many stand between subject and verb.
    """

    prefix: tuple[str, ...]
    right: str
    wrong: str
    complement: str
    n_modifiers: int

    @property
    def words(self) -> list[str]:
        """All words of the sentence."""
        return [*self.prefix, self.right, self.complement]


def make_sentence(chance: random.Random, n_modifiers: int, *, attracts: bool = False) -> Sentence:
    """A sentence.

    chance: chooses the words.
    n_modifiers: how many stand between subject and verb.
    attracts: whether all nouns between them are of the other number; else chance decides.
    """
    plural = chance.random() < 0.5
    prefix = ["the", noun(chance, plural=plural)]
    for _ in range(n_modifiers):
        other = not plural if attracts else chance.random() < 0.5
        prefix += modifier(chance, noun(chance, plural=other))
    singular, many = chance.choice(VERBS)
    right, wrong = (many, singular) if plural else (singular, many)
    return Sentence(tuple(prefix), right, wrong, chance.choice(COMPLEMENTS), n_modifiers)


def noun(chance: random.Random, *, plural: bool) -> str:
    """A noun of the given number."""
    return chance.choice(NOUNS) + "s" * plural


def modifier(chance: random.Random, of: str) -> list[str]:
    """A prepositional phrase, or a relative clause without or with a subject of its own."""
    kind = chance.randrange(3)
    if kind == 0:
        return [chance.choice(PREPOSITIONS), "the", chance.choice(ADJECTIVES), of]
    action = chance.choice(ACTIONS)
    return ["that", action, "the", of] if kind == 1 else ["that", "the", of, action]
