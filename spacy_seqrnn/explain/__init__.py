"""What goes on inside a trained pipeline: explanations, gates and gradients.

`spacy seqrnn explain`, `gates` and `gradients` show the same in a terminal.
"""

from .ner import NERExplanation, explain_ner
from .textcat import TextCatExplanation, explain_textcat

__all__ = ["NERExplanation", "TextCatExplanation", "explain_ner", "explain_textcat"]
