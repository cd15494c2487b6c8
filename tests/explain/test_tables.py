"""What all tables have in common."""

from collections.abc import Callable
from typing import Any

import pytest
from spacy.language import Language

from spacy_seqrnn.explain import explain_ner, explain_textcat
from spacy_seqrnn.explain.gates import gates_of_text

LINES = "Mira\n\nlikes \t Oslo\u2028too\n"


@pytest.mark.parametrize("explain", [explain_ner, gates_of_text, explain_textcat])
def test_no_line_break_and_no_empty_name_in_a_table(
    explain: Callable[..., Any], ner: Language, textcat: Language
) -> None:
    found = explain(textcat if explain is explain_textcat else ner, LINES)
    *_, (_, header, rows) = found.tables()
    assert header[0] == "token"
    assert len(rows) == len(found.tokens)
    for row in rows:
        assert row[0].strip()
        assert all(len(cell.splitlines()) == 1 for cell in row)
