"""Documents as a pipeline gets them."""

from spacy.tokens import Doc


def bare(doc: Doc) -> Doc:
    """The document's words alone, without what has been annotated or predicted."""
    return Doc(doc.vocab, words=[t.text for t in doc], spaces=[bool(t.whitespace_) for t in doc])
