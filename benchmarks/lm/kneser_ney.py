"""Modified Kneser-Ney smoothing, interpolated (Chen and Goodman 1999).

An n-gram is identified by a number: a word is its own, and a longer one's is its row in the sorted
keys of its order, where the key of an n-gram joins the number of the (n-1)-gram that it begins with
and its last word. All that is counted or looked up is an array with one entry for each position of
the text.
"""

from dataclasses import dataclass

import numpy as np

# Used where the text is too small to estimate the discounts
FALLBACK = (0.5, 1.0, 1.5)
MISSING = -1


@dataclass(frozen=True)
class Order:
    """The n-grams of one order. An array has an entry per n-gram or per context, an (n-1)-gram.

    keys: of its n-grams, ascending.
    discounted: the count of each n-gram, less its discount.
    totals: the sum of the counts of the n-grams with each context.
    kept: the probability that the discounts leave to the lower order in each context.
    """

    keys: np.ndarray
    discounted: np.ndarray
    totals: np.ndarray
    kept: np.ndarray


class KneserNey:
    """The probability of each word of a text, given those before it in its line."""

    def __init__(self, text: np.ndarray, *, n_words: int, end: int, order: int = 5) -> None:
        """Count a text.

        text: numbers of words, each below `n_words`. Shape (n,).
        end: the word at the end of each line.
        order: of the longest n-grams.
        """
        self.n_words = n_words
        self.end = end
        self.begin = n_words  # the word before each line, which is never predicted
        self.orders: list[Order] = []
        padded = self._with_begins(text)
        begins = padded == self.begin
        grams, keys = [padded], [np.arange(n_words + 1)]  # by order
        while len(grams) < order and len(keys[-1]):
            found, of_order = self._number(_before(grams[-1]), padded, begins)
            grams.append(found)
            keys.append(of_order)
        n_contexts = [1, *map(len, keys)]
        for n, of_order in enumerate(keys):
            counts = np.bincount(_occurrences(grams, n, begins), minlength=len(of_order))
            contexts = of_order // (n_words + 1)  # 0 for a word alone
            self.orders.append(_make_order(of_order, counts, contexts, n_contexts[n]))

    @property
    def n_grams(self) -> int:
        """How many there are, of all orders."""
        return sum(len(order.keys) for order in self.orders)

    def probabilities(self, text: np.ndarray) -> np.ndarray:
        """Of each word of a text, given those before it in its line. Shape (n,)."""
        padded = self._with_begins(text)
        result = np.full(len(padded), 1.0 / self.n_words)
        contexts = np.zeros(len(padded), dtype="int64")
        for order in self.orders:
            grams = _find(order.keys, contexts * (self.n_words + 1) + padded)
            result = _interpolate(order, contexts, grams, result)
            contexts = _before(grams)
        found: np.ndarray = result[padded != self.begin]
        return found

    def _with_begins(self, text: np.ndarray) -> np.ndarray:
        """The text with a word before each line."""
        starts = np.flatnonzero(np.append(self.end, text[:-1]) == self.end)
        return np.insert(text, starts, self.begin)

    def _number(
        self, contexts: np.ndarray, words: np.ndarray, begins: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The n-gram that ends at each position, and the keys of all n-grams."""
        whole = np.flatnonzero((contexts != MISSING) & ~begins)
        keys, rows = np.unique(
            contexts[whole] * (self.n_words + 1) + words[whole], return_inverse=True
        )
        grams = np.full(len(words), MISSING)
        grams[whole] = rows
        return grams, keys


def _occurrences(grams: list[np.ndarray], n: int, begins: np.ndarray) -> np.ndarray:
    """The n-grams that are counted, as often as they are.

    Those of the longest order are counted as they occur, and shorter ones once for each different
    word before them. Nothing precedes what begins a line, so this too is counted as it occurs.

    grams: by order; n: the place of the order among them.
    """
    found = grams[n]
    counted = ~begins & (found != MISSING)
    if n + 1 < len(grams):
        longer, first = np.unique(grams[n + 1], return_index=True)
        is_first = np.zeros_like(begins)
        is_first[first[longer != MISSING]] = True
        begins_line = np.roll(begins, n) if n else np.zeros_like(begins)
        counted &= is_first | begins_line
    occurrences: np.ndarray = found[counted]
    return occurrences


def _before(grams: np.ndarray) -> np.ndarray:
    """The n-gram that ends before each position."""
    return np.append(MISSING, grams[:-1])


def _find(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The row of each wanted key, or `MISSING`."""
    if not len(keys):
        return np.full(len(wanted), MISSING)
    rows = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[rows] == wanted, rows, MISSING)


def discounts_of(counts: np.ndarray) -> tuple[float, float, float]:
    """What n-grams lose that were counted once, twice, and more often."""
    n1, n2, n3, n4 = (int((counts == i).sum()) for i in range(1, 5))
    if not min(n1, n2, n3, n4):
        return FALLBACK
    y = n1 / (n1 + 2 * n2)
    found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    return found if all(0 <= d <= i for i, d in enumerate(found, 1)) else FALLBACK


def _make_order(
    keys: np.ndarray, counts: np.ndarray, contexts: np.ndarray, n_contexts: int
) -> Order:
    discounts = np.asarray([0.0, *discounts_of(counts)])[np.minimum(counts, 3)]
    totals = np.bincount(contexts, counts, n_contexts)
    left = np.bincount(contexts, discounts, n_contexts)
    kept = np.divide(left, totals, out=np.ones(n_contexts), where=totals > 0)
    return Order(keys, counts - discounts, totals, kept)


def _interpolate(
    order: Order, contexts: np.ndarray, grams: np.ndarray, lower: np.ndarray
) -> np.ndarray:
    """The probabilities of one order; those of the lower one where the context is unknown."""
    known = (contexts != MISSING) & (order.totals[contexts] > 0)
    seen = known & (grams != MISSING)
    result: np.ndarray = np.where(known, order.kept[contexts], 1.0) * lower
    result[seen] += order.discounted[grams[seen]] / order.totals[contexts[seen]]
    return result
