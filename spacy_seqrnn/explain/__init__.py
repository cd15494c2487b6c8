"""What goes on inside a trained pipeline: explanations, gates and gradients.

`spacy seqrnn explain`, `gates` and `gradients` show the same in a terminal.
"""

TYPE_CHECKING = False  # `typing` takes longer to import than this package

if TYPE_CHECKING:
    from .alignment import Alignment, Text2TextExplanation, explain_text2text
    from .continuations import Comparison, Continuation, compare_continuations
    from .gates import GatesOfText, GateView, gates_of_text
    from .gradients import GradientCurve, GradientCurves, gradients_of_cells, gradients_of_text
    from .lemmas import LemmatizerExplanation, WrittenLemma, explain_lemmatizer
    from .lm import LMExplanation, explain_lm
    from .ner import EntityScore, NERExplanation, TagPath, explain_ner
    from .predictions import Candidate, Prediction
    from .remedies import compare_clipping, compare_forget_bias, compare_residual
    from .textcat import ModelExplanation, PoolingView, TextCatExplanation, explain_textcat

__all__ = [
    "Alignment",
    "Candidate",
    "Comparison",
    "Continuation",
    "EntityScore",
    "GateView",
    "GatesOfText",
    "GradientCurve",
    "GradientCurves",
    "LMExplanation",
    "LemmatizerExplanation",
    "ModelExplanation",
    "NERExplanation",
    "PoolingView",
    "Prediction",
    "TagPath",
    "Text2TextExplanation",
    "TextCatExplanation",
    "WrittenLemma",
    "compare_clipping",
    "compare_continuations",
    "compare_forget_bias",
    "compare_residual",
    "explain_lemmatizer",
    "explain_lm",
    "explain_ner",
    "explain_text2text",
    "explain_textcat",
    "gates_of_text",
    "gradients_of_cells",
    "gradients_of_text",
]

# Names by module; a module is imported when one of its names is first used.
_MODULES = {
    "alignment": ["Alignment", "Text2TextExplanation", "explain_text2text"],
    "continuations": ["Comparison", "Continuation", "compare_continuations"],
    "gates": ["GateView", "GatesOfText", "gates_of_text"],
    "gradients": ["GradientCurve", "GradientCurves", "gradients_of_cells", "gradients_of_text"],
    "lemmas": ["LemmatizerExplanation", "WrittenLemma", "explain_lemmatizer"],
    "lm": ["LMExplanation", "explain_lm"],
    "ner": ["EntityScore", "NERExplanation", "TagPath", "explain_ner"],
    "predictions": ["Candidate", "Prediction"],
    "remedies": ["compare_clipping", "compare_forget_bias", "compare_residual"],
    "textcat": ["ModelExplanation", "PoolingView", "TextCatExplanation", "explain_textcat"],
}

if not TYPE_CHECKING:  # else a type checker would accept any name

    def __getattr__(name: str) -> object:
        from ..lazy import load_name  # noqa: PLC0415  # only now, as it imports `typing`

        return load_name(globals(), _MODULES, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
