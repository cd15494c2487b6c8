"""Any config of our parts works, or an error names the option and its value.

The cases are generated from the signatures of all functions that the package registers. A new
option is tested at once, or the tests require a decision.
"""

import inspect
import math
import re
import traceback
import types
from collections.abc import Callable, Sequence
from configparser import ConfigParser
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from spacy.language import Language
from spacy.training import Example
from spacy.util import load_model_from_config, registry
from thinc.api import Config, Model

from ..conftest import gold_examples
from ..lm.models import small_lm
from ..seq2seq.models import small_seq2seq
from ..small import small_ner, small_tok2vec

SETUP = Path(__file__).parents[2] / "setup.cfg"
HUGE = 10**18
NAME = "@architectures"


def chars(**options: Any) -> dict[str, Any]:
    return {NAME: "spacy-seqrnn.CharCNNEmbed.v1", "width": 6, "char_width": 4, **options}


def lexemes(**layers: Any) -> dict[str, Any]:
    return {NAME: "spacy-seqrnn.LexemeEmbed.v1", "layers": layers}


def encoder(**options: Any) -> dict[str, Any]:
    return {NAME: "spacy-seqrnn.RNNEncoder.v1", "width": 8, **options}


def tok2vec(embed: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    return {NAME: "spacy.Tok2Vec.v2", "embed": embed or chars(), "encode": encoder(**options)}


def listener(width: int) -> dict[str, Any]:
    return {NAME: "spacy.Tok2VecListener.v1", "width": width}


def ner(tok2vec: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {NAME: "spacy-seqrnn.NER.v1", "tok2vec": tok2vec, **options}


def textcat(tok2vec: dict[str, Any], *, exclusive: bool = True, **options: Any) -> dict[str, Any]:
    name = "spacy-seqrnn.TextCat.v1"
    return {NAME: name, "tok2vec": tok2vec, "exclusive_classes": exclusive, **options}


def ngrams(*, exclusive: bool = True, **options: Any) -> dict[str, Any]:
    name = "spacy-seqrnn.NgramTextCat.v1"
    return {NAME: name, "exclusive_classes": exclusive, "rows": 20, **options}


def ensemble(kind: str, **members: Any) -> dict[str, Any]:
    return {NAME: f"spacy-seqrnn.{kind}Ensemble.v1", "members": members}


# Each option by itself

# What a block of each function needs to work
BLOCKS: dict[str, dict[str, Any]] = {
    "spacy-seqrnn.RNNEncoder.v1": {"width": 8},
    "spacy-seqrnn.CharCNNEmbed.v1": {"width": 4, "char_width": 4, "rows": 20},
    "spacy-seqrnn.CharRNNEmbed.v1": {"width": 4, "char_width": 4, "rows": 20},
    "spacy-seqrnn.WordEmbed.v1": {"width": 4},
    "spacy-seqrnn.HashEmbedRNN.v1": {"width": 8, "embed_size": 20},
    "spacy-seqrnn.FeatureTok2Vec.v1": {"embed": chars(), "encode": encoder(), "features": chars()},
    "spacy-seqrnn.LexemeEmbed.v1": {"layers": {"chars": chars()}},
    "spacy-seqrnn.NER.v1": {"tok2vec": tok2vec()},
    "spacy-seqrnn.NEREnsemble.v1": {"members": {"one": ner(tok2vec())}},
    "spacy-seqrnn.TextCat.v1": {"tok2vec": tok2vec(), "exclusive_classes": True},
    "spacy-seqrnn.TextCatEnsemble.v1": {"members": {"one": ngrams()}},
    "spacy-seqrnn.NgramTextCat.v1": {"exclusive_classes": True, "rows": 20},
    "spacy-seqrnn.NgramScores.v1": {"rows": 20},
    "spacy-seqrnn.LanguageModel.v1": {"tok2vec": tok2vec()},
    "spacy-seqrnn.LMEmbed.v1": {"tok2vec": tok2vec()},
    "spacy-seqrnn.Seq2Seq.v1": {"tok2vec": tok2vec(), "width": 8, "embed_width": 8},
    "spacy-seqrnn.Seq2SeqEnsemble.v1": {"members": {"one": small_seq2seq()}},
    "spacy-seqrnn.PretrainLM.v1": {"corpus": {"@readers": "spacy.JsonlCorpus.v1", "path": None}},
    "spacy-seqrnn.Texts.v1": {"path": str(Path(__file__).parent)},
    "spacy-seqrnn.Pairs.v1": {"path": __file__},
    "spacy-seqrnn.hallucinate.v1": {},
    "spacy-seqrnn.lm_scorer.v1": {},
    "spacy-seqrnn.text2text_scorer.v1": {},
    "seqrnn_ner": {"model": small_ner()},
    "seqrnn_lm": {"model": small_lm()},
    "seqrnn_text2text": {"model": small_seq2seq()},
    "seqrnn_lemmatizer": {"model": small_seq2seq()},
    "spacy-seqrnn.whole_files.v1": {},
    "spacy-seqrnn.whole_checkpoints.v1": {},
    "spacy-seqrnn.TrainingLog.v1": {},
}
# The factories of models, by a part of the architecture's name
COMPONENTS = {
    "LanguageModel": "seqrnn_lm",
    "Seq2Seq": "seqrnn_text2text",
    "NER": "seqrnn_ner",
    "TextCat": "textcat",
}
# Registries, and functions of others, whose results are no part of a pipeline
NOT_IN_A_PIPELINE = {"spacy_augmenters", "spacy_loggers", "spacy_readers", "spacy_scorers"}
NOT_IN_A_PIPELINE |= {"spacy-seqrnn.PretrainLM.v1"}
NOT_IN_A_CONFIG = {"nlp", "name"}  # of a factory; spaCy passes them

# Values to try for each type: wrong ones, and some at the edge
OF_TYPE: dict[Any, list[Any]] = {
    int: ["three", "3", 1.5, math.nan, True, [3], {"a": 3}, None, 0, 1, -1, HUGE],
    float: [
        *("much", "0.5", "nan", True, [0.5], {"a": 3}, None),
        *(math.nan, math.inf, -math.inf, -1.0, 0, 1.0, 1e300),
    ],
    bool: ["true", 0, 1, 0.5, [], None],
    str: ["", " ", "unknown", 3, ["unknown"], {"a": "b"}, True, None],
    list: [[], [3], [""], ["unknown"], [None], [["max"]], None],
    dict: [{}, {"a": 3}, {"a": None}, {"a": {}}, {"a": "x"}, {"a": math.nan}, [], 3, None],
    Model: [3, "x", None, {}, [], {"width": 3}],
    Callable: [3, "x", {}, [], None],
    Path: [],  # written as text
    Sequence: [[], [3], [""], ["unknown"], [None], [3, 3], [9, 3], [1.5], [0], "3", 3, None],
    types.NoneType: [None],
}

# The values of `OF_TYPE` that work for components that write, and why
LEGAL_OF_WRITERS: dict[str, dict[str, str]] = {
    "model": {
        "{}": "spaCy fills in the default model",
        "{'width': 3}": "of the default model",
    },
    "scorer": {"{}": "spaCy fills in the default", "None": "no scorer"},
    "min_count": {"1": "every unit"},
    "max_units": {"1": "one unit", str(HUGE): "all units"},
    "beam": {"1": "greedy"},
    "length_penalty": {"0": "none", "1.0": "by unit"},
    "max_length": {"1": "one unit"},
    "max_growth": {
        "0": "ten units",
        "1.0": "a unit for each",
        "1e+300": "no bound of its own",
    },
}
# Those of them that work, as written, and why. "*" means all functions.
LEGAL: dict[tuple[str, str], dict[str, str]] = {
    ("*", "nO"): {"None": "the component sets it", "1": "the component sets it anew"},
    ("*", "max_grad_norm"): {"0": "no clipping", "1.0": "a norm", "1e+300": "a norm"},
    ("NER", "adversarial"): {"0": "not against the model"},
    ("*", "char_width"): {"1": "narrow, but it works"},
    ("*", "rows"): {"1": "all share one row, but it works"},
    ("*", "max_chars"): {"1": "only the first character counts", str(HUGE): "no word is longer"},
    ("*", "dropout"): {"0": "no dropout"},
    ("RNNEncoder", "dropout"): {"0": "no dropout", "None": "that of [training]"},
    ("RNNEncoder", "word_dropout"): {"0": "no dropout"},
    ("RNNEncoder", "depth"): {"1": "one layer"},
    ("HashEmbedRNN", "depth"): {"1": "one layer"},
    ("CharCNNEmbed", "width"): {"1": "narrow, but it works"},
    ("CharCNNEmbed", "window_size"): {"1": "one character on either side"},
    ("WordEmbed", "width"): {"1": "narrow, but it works"},
    ("WordEmbed", "rows"): {"1": "one word has a vector", str(HUGE): "made when needed: no limit"},
    ("LexemeEmbed", "table_size"): {
        "0": "no table",
        "1": "one word",
        str(HUGE): "made when needed",
    },
    ("LexemeEmbed", "correction_rows"): {"0": "no corrections"},
    ("LexemeEmbed", "correction_scale"): {"1.0": "as fast as other weights"},
    ("NgramTextCat", "ngram_size"): {"1": "single words"},
    ("NgramScores", "ngram_size"): {"1": "single words"},
    ("TextCat", "ngrams"): {"None": "the network alone"},
    ("TextCat", "bidirectional"): {"None": "as the encoder"},
    ("TrainingLog", "progress_bar"): {"None": "no bar"},
    ("LMEmbed", "source"): {"None": "as new, for a pipeline that is loaded"},
    ("LanguageModel", "cutoffs"): {"[]": "one softmax over all units", "[3]": "one cluster"},
    ("PretrainLM", "cutoffs"): {"[]": "one softmax over all words", "[3]": "one cluster"},
    ("PretrainLM", "min_count"): {"1": "every word", str(HUGE): "known when words are counted"},
    ("PretrainLM", "max_units"): {"1": "one word", str(HUGE): "all words"},
    ("Texts", "max_length"): {"0": "texts are not cut", "1": "words", str(HUGE): "not cut"},
    ("Texts", "limit"): {"0": "all texts", "1": "one text", str(HUGE): "all texts"},
    ("seqrnn_lm", "model"): {"{}": "spaCy fills in the default model"},
    ("seqrnn_lm", "scorer"): {"{}": "spaCy fills in the default scorer", "None": "no scorer"},
    ("seqrnn_lm", "min_count"): {"1": "every unit", str(HUGE): "no unit occurs so often"},
    ("seqrnn_lm", "max_units"): {"1": "one unit", str(HUGE): "all units"},
    **{
        (factory, option): values
        for factory in ("seqrnn_text2text", "seqrnn_lemmatizer")
        for option, values in LEGAL_OF_WRITERS.items()
    },
    ("seqrnn_lemmatizer", "table_size"): {"0": "no table", "1": "one lemma", str(HUGE): "all"},
    ("seqrnn_text2text", "max_subwords"): {"1": "there are none"},
    ("text2text_scorer", "output"): {"'unknown'": "any name is a name"},
    ("hallucinate", "per_pair"): {"0": "no new pairs", "1": "one"},
    ("hallucinate", "kept"): {"0": "none", "1": "one", str(HUGE): "all"},
    ("hallucinate", "output"): {"'unknown'": "any name is a name"},
    ("Pairs", "output"): {"'unknown'": "any name is a name"},
    ("Pairs", "target_path"): {"None": "one file has both"},
    ("Pairs", "max_length"): {"0": "any", "1": "words", str(HUGE): "any"},
    ("Pairs", "limit"): {"0": "all pairs", "1": "one pair", str(HUGE): "all pairs"},
    ("Seq2Seq", "width"): {"1": "narrow, but it works"},
    ("Seq2Seq", "embed_width"): {"1": "narrow, but it works"},
    ("Seq2Seq", "depth"): {"1": "one layer"},
    ("Seq2Seq", "label_smoothing"): {"0": "none"},
    ("seqrnn_ner", "model"): {"{}": "spaCy fills in the default model"},
    ("seqrnn_ner", "scorer"): {"{}": "spaCy fills in the default scorer", "None": "no scorer"},
    ("seqrnn_ner", "spans_key"): {"'unknown'": "any name is a name", "None": "no spans"},
    ("seqrnn_ner", "incorrect_spans_key"): {"'unknown'": "any name is a name", "None": "no spans"},
    ("seqrnn_ner", "label_weights"): {
        "1.0": "usual",
        "3": "dear",
        "1e+300": "dear",
        "{}": "all are usual",
    },
}


def entry_points() -> dict[str, dict[str, str]]:
    """The functions that the package registers, by registry."""
    setup = ConfigParser()
    setup.read(SETUP)
    # Commands are not options of a config.
    groups = [g for g in setup["options.entry_points"].items() if g[0] != "spacy_cli"]
    return {
        group: dict(line.split(" = ") for line in lines.strip().split("\n"))
        for group, lines in groups
    }


ENTRY_POINTS = entry_points()
GROUPS = {name: group for group, names in ENTRY_POINTS.items() for name in names}


def function(name: str) -> Callable[..., Any]:
    module, _, attribute = ENTRY_POINTS[GROUPS[name]][name].partition(":")
    function: Callable[..., Any] = getattr(import_module(module), attribute)
    return function


def options() -> list[tuple[str, str, Any]]:
    """Each registered function with each of its options and the type of that."""
    return [
        (name, option, hint)
        for name in GROUPS
        for option, hint in get_type_hints(function(name)).items()
        if option in set(inspect.signature(function(name)).parameters) - NOT_IN_A_CONFIG
    ]


def values_for(hint: Any) -> list[Any]:
    """Values to try for an option of this type."""
    kind = get_origin(hint) or hint
    if kind in (Union, types.UnionType):
        found = [value for part in get_args(hint) for value in values_for(part)]
        return list({repr(value): value for value in found}.values())
    kind = Callable if kind is get_origin(Callable[..., Any]) else kind
    if kind not in OF_TYPE:
        pytest.fail(f"Decide which values are wrong for the type {hint} and add it to OF_TYPE.")
    return OF_TYPE[kind]


def legal_values(name: str, option: str) -> dict[str, str]:
    """The values of an option that work, as they are written, and why."""
    return LEGAL.get((short(name), option), LEGAL.get(("*", option), {}))


def short(name: str) -> str:
    return name.removeprefix("spacy-seqrnn.").removesuffix(".v1")


def resolve(name: str, block: dict[str, Any]) -> Any:
    """What spaCy creates from a block of a config; from a factory's, a pipeline."""
    if GROUPS[name] == "spacy_factories":
        return make_nlp({name: block.pop("model")}, **block)
    group = GROUPS[name].removeprefix("spacy_")
    return registry.resolve({"block": {f"@{group}": name, **block}})["block"]


def make_nlp(models: dict[str, dict[str, Any]], **settings: Any) -> Language:
    """A pipeline of one component for each factory, with these models, as a config makes it."""
    components = {
        name: {"factory": name, "model": model, **settings} for name, model in models.items()
    }
    nlp = {"lang": "en", "pipeline": list(models)}
    return load_model_from_config(Config({"nlp": nlp, "components": components}), auto_fill=True)


def use(nlp: Language, examples: list[Example] | None = None) -> None:
    """Do everything a user does: initialise, train, predict."""
    examples = examples or gold_examples(nlp)
    nlp.initialize(lambda: examples)
    nlp.update(examples)
    list(nlp.pipe(["Oslo sleeps", ""]))


def pipeline_with(name: str, block: dict[str, Any]) -> Language:
    """A pipeline with the block where it belongs."""
    block = dict(block)
    nlp: Language
    if GROUPS[name] == "spacy_factories":
        nlp = resolve(name, block)
        return nlp
    if "whole" in name:
        nlp = resolve(name, block)(make_nlp({}))
        return nlp
    block[NAME] = name
    for part, factory in COMPONENTS.items():
        if part in name:
            return make_nlp({factory: block})
    if "Encoder" in name:
        block = {**tok2vec(), "encode": block}
    elif "NgramScores" in name:
        return make_nlp({"textcat": textcat(tok2vec(), ngrams=block)})
    elif "HashEmbedRNN" not in name and "FeatureTok2Vec" not in name:
        block = tok2vec(block)
    return make_nlp({"tok2vec": block})


def is_part_of_a_pipeline(name: str) -> bool:
    return not {name, GROUPS[name]} & NOT_IN_A_PIPELINE


def error_of(name: str, block: dict[str, Any]) -> Exception | None:
    """The error that a user gets for a block, at any stage; None if it works."""
    try:
        if GROUPS[name] != "spacy_factories":
            resolve(name, dict(block))  # alone; spaCy lets nothing undefined into a pipeline
        if not is_part_of_a_pipeline(name):
            return None
        use(pipeline_with(name, block))
    except Exception as error:
        return error
    return None


def is_sentence(error: Exception | None) -> bool:
    """Whether the error comes from our checks or spaCy's config, and not from deeper code."""
    if not isinstance(error, ValueError):
        return False
    innermost = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
    return any(part in ("spacy_seqrnn", "confection", "spacy") for part in innermost.parts)


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *(leaf for inner in value.values() for leaf in leaves(inner))]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in leaves(inner)]
    return [value]


def names_value(text: str, value: Any) -> bool:
    return not leaves(value) or any(str(leaf) in text for leaf in leaves(value))


TELLS_WHAT_TO_DO = re.compile(r"\b(set|name|give|leave|make)\b", re.IGNORECASE)


def test_all_functions_are_known() -> None:
    """A new function needs a decision here on what its block needs."""
    assert set(BLOCKS) == set(GROUPS)
    groups = {
        *("factories", "architectures", "augmenters", "callbacks", "loggers", "readers", "scorers")
    }
    assert set(ENTRY_POINTS) == {f"spacy_{group}" for group in groups}


@pytest.mark.parametrize("name", BLOCKS)
def test_the_blocks_work_as_they_are(name: str) -> None:
    resolve(name, dict(BLOCKS[name]))
    if "whole" not in name and is_part_of_a_pipeline(name):
        use(pipeline_with(name, BLOCKS[name]))


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(
    ("name", "option", "hint"), options(), ids=[f"{name}-{option}" for name, option, _ in options()]
)
def test_a_value_works_or_is_named(name: str, option: str, hint: Any) -> None:
    for value in values_for(hint):
        error = error_of(name, {**BLOCKS[name], option: value})
        if repr(value) in legal_values(name, option):
            assert error is None, f"{option} = {value!r}: {error}"
            continue
        assert error is not None, f"{option} = {value!r} passes: reject it or name it in LEGAL"
        text = str(error)
        assert is_sentence(error), f"{option} = {value!r}: {type(error).__name__}: {text}"
        assert option in text
        assert names_value(text, value)
        if type(error) is ValueError and "[E" not in text:  # ours
            assert TELLS_WHAT_TO_DO.search(text)


def test_all_legal_values_are_tried() -> None:
    for (name, option), values in LEGAL.items():
        hints = [
            t for other, found, t in options() if found == option and name in (short(other), "*")
        ]
        assert set(values) <= {repr(value) for hint in hints for value in values_for(hint)}


@pytest.mark.parametrize("name", BLOCKS)
def test_an_option_that_does_not_exist_is_named(name: str) -> None:
    error = error_of(name, {**BLOCKS[name], "widht": 3})
    assert is_sentence(error)
    assert "widht" in str(error)


# Options that do not go together


def several_categories(nlp: Language) -> list[Example]:
    examples = gold_examples(nlp)
    for example in examples:
        example.reference.cats = {"GOOD": 1.0, "BAD": 1.0}
    return examples


@dataclass(frozen=True)
class Combination:
    """Models that do not work together.

    models: of each component, by its factory.
    message: what the error has to say.
    """

    models: dict[str, dict[str, Any]]
    message: str
    examples: Callable[[Language], list[Example]] = gold_examples
    settings: dict[str, Any] = field(default_factory=dict)


CNN = {NAME: "spacy.MaxoutWindowEncoder.v2", "width": 8, "window_size": 1}
CNN |= {"maxout_pieces": 2, "depth": 1}
TAGGER = {NAME: "spacy.Tagger.v2", "tok2vec": tok2vec()}
CHAR_RNN = {NAME: "spacy-seqrnn.CharRNNEmbed.v1", "width": 5}
WITH_VECTORS = {**lexemes(chars=chars()), "include_static_vectors": True}
FOR_TEXTCAT = "predicts categories of texts: set its `@architectures` .* `textcat`"
FOR_NER = "scores tag sequences: set its `@architectures` .* `seqrnn_ner`"
NO_CHAIN = "The model of 'seqrnn_ner' does not score tag sequences: set `@architectures"
LISTENER_WIDTH = "listener has `width = {}`, but the token vectors of 'tok2vec', .* are 8 wide"
NO_VECTORS = "`include_static_vectors = true`, but the pipeline has no word vectors: set `vectors`"
NO_TOKEN_VECTORS = "`tok2vec = '.*'` cannot be initialised to give token vectors: "
SEVERAL = "`exclusive_classes = true`, but a text of the training data has several categories"
AN_ENCODER = "encodes token vectors, but got documents: name it as `encode`"

COMBINATIONS = {
    "odd width in both directions": Combination(
        {"tok2vec": tok2vec(width=7)}, "cannot be 7 wide.*set `width` to an even number"
    ),
    "odd width of characters": Combination(
        {"tok2vec": tok2vec(CHAR_RNN)}, "cannot be 5 wide.*set `width` to an even number"
    ),
    "residual of another width": Combination(
        {"tok2vec": tok2vec(residual=True)}, "`residual = true` .* input is 6 wide and the output 8"
    ),
    "listener too narrow": Combination(
        {"tok2vec": tok2vec(), "seqrnn_ner": ner(listener(6))}, LISTENER_WIDTH.format(6)
    ),
    "listener too wide": Combination(
        {"tok2vec": tok2vec(), "seqrnn_ner": ner(listener(10))}, LISTENER_WIDTH.format(10)
    ),
    "listener of a classifier": Combination(
        {"tok2vec": tok2vec(), "textcat": textcat(listener(6))}, LISTENER_WIDTH.format(6)
    ),
    "listener of a classifier with attention": Combination(
        {"tok2vec": tok2vec(), "textcat": textcat(listener(6), pooling="attention")},
        LISTENER_WIDTH.format(6),
    ),
    "listener to nobody": Combination({"seqrnn_ner": ner(listener(8))}, "E203"),
    "one of several categories": Combination(
        {"textcat_multilabel": textcat(tok2vec())}, SEVERAL, several_categories
    ),
    "n-grams for one of several": Combination(
        {"textcat_multilabel": ensemble("TextCat", ngrams=ngrams())}, SEVERAL, several_categories
    ),
    "members that disagree": Combination(
        {"textcat": ensemble("TextCat", a=ngrams(), b=ngrams(exclusive=False))},
        "do not agree on `exclusive_classes`",
    ),
    "recogniser in textcat": Combination({"textcat": ner(tok2vec())}, "nO|seqrnn_ner"),
    "recogniser in a tagger": Combination({"tagger": ner(tok2vec())}, FOR_NER),
    "classifier in a tagger": Combination({"tagger": textcat(tok2vec())}, FOR_TEXTCAT),
    "n-grams in a tagger": Combination({"tagger": ngrams()}, FOR_TEXTCAT),
    "encoder in a tagger": Combination({"tagger": encoder()}, AN_ENCODER),
    "classifier in the recogniser": Combination({"seqrnn_ner": textcat(tok2vec())}, NO_CHAIN),
    "encoder in the recogniser": Combination({"seqrnn_ner": encoder()}, NO_CHAIN),
    "encoder without embedding": Combination(
        {"seqrnn_ner": ner(encoder())}, NO_TOKEN_VECTORS + ".*" + AN_ENCODER
    ),
    "spaCy's encoder without embedding": Combination({"seqrnn_ner": ner(CNN)}, NO_TOKEN_VECTORS),
    "recogniser as token vectors": Combination(
        {"seqrnn_ner": ner(ner(tok2vec()))}, NO_TOKEN_VECTORS
    ),
    "classifier as token vectors": Combination({"textcat": textcat(ngrams())}, NO_TOKEN_VECTORS),
    "tagger as token vectors": Combination({"textcat": textcat(TAGGER)}, NO_TOKEN_VECTORS),
    "encoder as embedding": Combination({"tok2vec": tok2vec(encoder())}, AN_ENCODER),
    "embedding as encoder": Combination(
        {"tok2vec": {**tok2vec(), "encode": chars()}}, "embeds the words of documents, but got"
    ),
    "last of unknown directions": Combination(
        {"textcat": textcat({**tok2vec(), "encode": CNN}, pooling="last")},
        '`pooling = "last"` cannot tell .*: set `bidirectional` to true or false',
    ),
    "last of two directions that are one": Combination(
        {"textcat": textcat(tok2vec(bidirectional=False), pooling="last", bidirectional=True)},
        "`bidirectional = True` is wrong: the `RNNEncoder` in `tok2vec` has False",
    ),
    "last of one direction that are two": Combination(
        {"textcat": textcat(tok2vec(), pooling=["max", "last"], bidirectional=False)},
        "`bidirectional = False` is wrong: the `RNNEncoder` in `tok2vec` has True",
    ),
    "last of two directions of odd width": Combination(
        {"textcat": textcat(chars(width=5), pooling="last", bidirectional=True)},
        "`bidirectional = True` cannot work, because the token vectors are 5 wide",
    ),
    "an encoder for single words": Combination(
        {"tok2vec": tok2vec(lexemes(a=encoder()))}, AN_ENCODER
    ),
    "a sentence for single words": Combination(
        {"tok2vec": tok2vec(lexemes(a=tok2vec()))}, "vector for a word depends on the context"
    ),
    "a listener for single words": Combination(
        {"tok2vec": tok2vec(lexemes(a=listener(8)))}, "cannot embed the output of a listener"
    ),
    "a classifier for single words": Combination(
        {"tok2vec": tok2vec(lexemes(a=ngrams()))}, FOR_TEXTCAT
    ),
    "tags of single words": Combination(
        {"tok2vec": tok2vec(lexemes(a={NAME: "spacy-seqrnn.WordEmbed.v1", "attr": "TAG"}))},
        "cannot embed the attribute 'TAG'",
    ),
    "corrections of no vectors": Combination(
        {"tok2vec": tok2vec({**lexemes(a=chars()), "correction_rows": 3})},
        "`correction_rows = 3` has nothing to correct",
    ),
    "a scale of no corrections": Combination(
        {"tok2vec": tok2vec({**lexemes(a=chars()), "correction_scale": 0.3})},
        "`correction_scale = 0.3` has no corrections to scale",
    ),
    "no word vectors": Combination({"tok2vec": tok2vec(WITH_VECTORS)}, NO_VECTORS),
    "no word vectors for a recogniser": Combination(
        {"seqrnn_ner": ner(tok2vec(WITH_VECTORS))}, NO_VECTORS
    ),
    "ensemble of ensembles": Combination(
        {"seqrnn_ner": ensemble("NER", a=ensemble("NER", b=ner(tok2vec())))},
        "`members.a` is itself an ensemble: list its members",
    ),
    "recognisers of classifiers": Combination(
        {"seqrnn_ner": ensemble("NER", a=textcat(tok2vec()))},
        "`members.a = the model 'seqrnn_textcat'` cannot be a member of NEREnsemble",
    ),
    "classifiers of recognisers": Combination(
        {"textcat": ensemble("TextCat", a=ner(tok2vec()))},
        "`members.a = the model 'seqrnn_ner'` cannot be a member of TextCatEnsemble",
    ),
    "ensemble of ensembles that write": Combination(
        {"seqrnn_text2text": ensemble("Seq2Seq", a=ensemble("Seq2Seq", b=small_seq2seq()))},
        "`members.a` is itself an ensemble: list its members",
    ),
    "writers of other units": Combination(
        {
            "seqrnn_text2text": ensemble(
                "Seq2Seq", a=small_seq2seq("words"), b=small_seq2seq("characters")
            )
        },
        "do not agree on `source_unit`: a has 'words', b has 'characters'",
    ),
    "members of another size": Combination(
        {"seqrnn_ner": ensemble("NER", a=ner(tok2vec(), nO=5))},
        "`members.a.nO = 5` differs from that",
    ),
    "weight of an unknown label": Combination(
        {"seqrnn_ner": ner(tok2vec())},
        "Label 'PRE' in .*label_weights. is not one of the labels CITY, PERSON",
        settings={"label_weights": {"PRE": 2.0}},
    ),
}


@pytest.mark.parametrize("case", COMBINATIONS.values(), ids=list(COMBINATIONS))
def test_what_does_not_go_together_is_named(case: Combination) -> None:
    with pytest.raises(ValueError, match=case.message) as caught:
        use(nlp := make_nlp(case.models, **case.settings), case.examples(nlp))
    assert is_sentence(caught.value)


@pytest.mark.parametrize(
    "models",
    [
        {"tok2vec": tok2vec(residual=True, depth=2)},
        {"tok2vec": tok2vec(residual=True, width=6)},
        {"textcat": textcat(tok2vec(bidirectional=False), pooling="last", bidirectional=False)},
        {"textcat": textcat(tok2vec(), pooling=["max", "max"])},  # wasteful, but it works
        {"textcat": ensemble("TextCat", a=ensemble("TextCat", b=ngrams()), c=ngrams())},
        {"textcat": textcat(tok2vec(), exclusive=False)},  # textcat uses the likeliest
        {"textcat_multilabel": textcat(tok2vec())},  # and the training data has one category
        {"tok2vec": tok2vec(lexemes(a=lexemes(b=chars())))},
        {"seqrnn_ner": ner(lexemes(a=chars()))},
        {"tok2vec": tok2vec(), "seqrnn_ner": ner(listener(8)), "textcat": textcat(listener(8))},
    ],
)
def test_what_goes_together_works(models: dict[str, dict[str, Any]]) -> None:
    use(make_nlp(models))


def test_a_number_in_quotes_is_no_number(tmp_path: Path) -> None:
    """As in a file: spaCy accepts it, because it reads like a number."""
    config = Config({"nlp": {"lang": "en", "pipeline": ["tok2vec"]}, "components": {}})
    config["components"]["tok2vec"] = {"factory": "tok2vec", "model": small_tok2vec()}
    text = config.to_str().replace("width = 16\n", 'width = "16"\n')
    (tmp_path / "config.cfg").write_text(text)
    with pytest.raises(
        ValueError, match="`width = '16'` is not a whole number: set it to 1 or more"
    ):
        load_model_from_config(Config().from_disk(tmp_path / "config.cfg"), auto_fill=True)
