"""A text with its entities, as displaCy marks them."""

from collections.abc import Iterable
from html import escape

from spacy import displacy

# Isolated, so that a label stands behind its entity where the text runs from right to left; room at
# the end of the lines for the padding of an entity that goes on in the next one.
STYLE = """
.seqrnn .entities { overflow-wrap: anywhere; padding-inline-end: .8em; }
.seqrnn .entities mark { color: #1b1b1f; unicode-bidi: isolate;
  -webkit-box-decoration-break: clone; box-decoration-break: clone; }
.seqrnn .entities mark span { unicode-bidi: isolate; margin-inline: .5rem 0 !important; }
""".strip()


def entity_text(text: str, spans: Iterable[tuple[int, int, str]], *, direction: str) -> str:
    """A text whose entities are marked in displaCy's colours. All text is escaped.

    spans: first character, the one after the last, and label of each entity, in the order of the
        text.
    direction: of the text, "ltr" or "rtl".
    """
    marked = [
        # displaCy chooses the colour by the label, and writes what is in `params` as it is.
        {"start": start, "end": end, "label": label, "params": {"label": escape(label)}}
        for start, end, label in spans
    ]
    content = {"text": text, "ents": marked, "settings": {"direction": direction}}
    # Not minified, as that would take line breaks and spaces out of the text too.
    return displacy.render(content, style="ent", manual=True, page=False, jupyter=False)
