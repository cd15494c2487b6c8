"""Explanations from Python; `spacy seqrnn explain` shows the same."""

from .inside.ner import NERExplanation, explain_ner
from .inside.textcat import TextCatExplanation, explain_textcat

__all__ = ["NERExplanation", "TextCatExplanation", "explain_ner", "explain_textcat"]
