"""What docs/scaling.md says of the columns is true."""

import re
from pathlib import Path

import pyarrow as pa

from spacy_seqrnn.bulk.columns import COLUMNS, PLACE, SPAN

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"
NAMES = {SPAN: "span", PLACE: "place"}


def named(kind: pa.DataType) -> str:
    if pa.types.is_map(kind):
        return f"map from {named(kind.key_type)} to {named(kind.item_type)}"
    if pa.types.is_list(kind):
        return f"list of {named(kind.value_type)}s"
    return NAMES.get(kind, str(kind))


def test_the_table_has_every_column_with_its_type() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\w ]+?) \|", PAGE.read_text(encoding="utf8"), re.MULTILINE)
    assert rows == [(name, named(column.type)) for name, column in COLUMNS.items()]


def test_the_parts_of_places_and_spans() -> None:
    text = " ".join(PAGE.read_text(encoding="utf8").split())
    for name, kind in (("place", PLACE), ("span", SPAN)):
        *first, last = (f"`{field.name}`" for field in kind)
        assert f"A {name} is a struct of {', '.join(first)} and {last}." in text
