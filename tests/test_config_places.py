"""Errors name the block of a wrong option, wherever it is in a config.

The messages themselves are tested in `trust/test_bad_configs.py`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies._internal.core import DataObject
from spacy.language import Language
from spacy.pipeline import TextCategorizer
from spacy.schemas import ConfigSchemaTraining
from spacy.training import Example
from spacy.util import load_model_from_config, registry
from thinc.api import Config, Model

from spacy_seqrnn import config_places
from spacy_seqrnn.config_errors import ConfigError
from spacy_seqrnn.config_places import pipeline_at_work

from .conftest import gold_examples
from .pipes import get_pipe
from .trust.test_bad_configs import (
    CNN,
    NAME,
    chars,
    encoder,
    ensemble,
    lexemes,
    listener,
    make_nlp,
    ner,
    ngrams,
    textcat,
    tok2vec,
    use,
)

SHARED = {"tok2vec": tok2vec()}  # 8 wide
HASHES = {NAME: "spacy.MultiHashEmbed.v2", "width": 8, "attrs": ["NORM"], "rows": [50]}
HASHES = {**HASHES, "include_static_vectors": True}
RIGHT = tok2vec(chars(width=8), residual=True)
WRONG = tok2vec(chars(width=6), residual=True)
LISTENS = {**tok2vec(listener(6), width=6), "encode": encoder(width=6)}
NER, TEXTCAT = "components.seqrnn_ner.model", "components.textcat.model"

# Models by component, and the place that is named
PLACES: dict[str, tuple[dict[str, dict[str, Any]], str]] = {
    "the same value elsewhere": (
        {"seqrnn_ner": ner(tok2vec(chars(width=7), width=7))},
        f"{NER}.tok2vec.encode -> width",
    ),
    "one of several embeddings": (
        {"textcat": textcat(tok2vec(lexemes(a=chars(), b=chars(width=0))))},
        f"{TEXTCAT}.tok2vec.embed.layers.b -> width",
    ),
    "no embedding": (
        {"textcat": textcat(tok2vec(lexemes(a={"width": 8})))},
        f"{TEXTCAT}.tok2vec.embed -> layers.a",
    ),
    "no member": (
        {"textcat": ensemble("TextCat", a=ngrams(), b=ner(tok2vec()))},
        f"{TEXTCAT} -> members.b",
    ),
    "one of several members": (
        {"seqrnn_ner": ensemble("NER", a=ner(RIGHT), b=ner(WRONG), c=ner(RIGHT))},
        f"{NER}.members.b.tok2vec.encode -> residual",
    ),
    "one of several components": (
        {"seqrnn_ner": ner(RIGHT), "textcat": textcat(WRONG)},
        f"{TEXTCAT}.tok2vec.encode -> residual",
    ),
    "embedding as encoder": (
        {"tok2vec": {**tok2vec(), "encode": chars()}},
        "components.tok2vec.model.encode -> @architectures",
    ),
    "encoder as one of several embeddings": (
        {"tok2vec": tok2vec(lexemes(a=chars(), b=encoder()))},
        "components.tok2vec.model.embed.layers.b -> @architectures",
    ),
    "listener of a recogniser": (
        {**SHARED, "seqrnn_ner": ner(listener(6))},
        f"{NER}.tok2vec -> width",
    ),
    "listener of a recogniser's member": (
        {**SHARED, "seqrnn_ner": ensemble("NER", a=ner(tok2vec(width=6)), b=ner(listener(6)))},
        f"{NER}.members.b.tok2vec -> width",
    ),
    "listener of a classifier": (
        {**SHARED, "textcat": textcat(listener(6))},
        f"{TEXTCAT}.tok2vec -> width",
    ),
    "listener of a classifier's member": (
        {**SHARED, "textcat": ensemble("TextCat", a=ngrams(), b=textcat(listener(6)))},
        f"{TEXTCAT}.members.b.tok2vec -> width",
    ),
    "listener of a classifier of several": (
        {**SHARED, "textcat_multilabel": textcat(listener(6), exclusive=False)},
        "components.textcat_multilabel.model.tok2vec -> width",
    ),
    "listener before an encoder": (
        {**SHARED, "seqrnn_ner": ner(LISTENS)},
        f"{NER}.tok2vec.embed -> width",
    ),
    "listener before spaCy's encoder": (
        {**SHARED, "textcat": textcat({**LISTENS, "encode": {**CNN, "width": 6}})},
        f"{TEXTCAT}.tok2vec.embed -> width",
    ),
    "listener after its encoder": (
        {**SHARED, "seqrnn_ner": ner({"encode": encoder(width=6), **LISTENS})},
        f"{NER}.tok2vec.embed -> width",
    ),
    "word vectors of spaCy's embedding": (
        {"seqrnn_ner": ner(tok2vec(HASHES))},
        f"{NER}.tok2vec.embed -> include_static_vectors",
    ),
    "word vectors of an embedding of single words": (
        {"tok2vec": tok2vec(lexemes(a=chars(), b=HASHES))},
        "components.tok2vec.model.embed.layers.b -> include_static_vectors",
    ),
    "word vectors of the default": (
        {"seqrnn_ner": ner({NAME: "spacy-seqrnn.HashEmbedRNN.v1", "include_static_vectors": True})},
        f"{NER}.tok2vec -> include_static_vectors",
    ),
}


def place(error: ConfigError) -> str:
    return f"{error.block()} -> {error.option}"


@pytest.mark.parametrize(("models", "expected"), PLACES.values(), ids=list(PLACES))
def test_the_block_of_the_option_is_named(models: dict[str, dict[str, Any]], expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        use(make_nlp(models))
    assert place(caught.value) == expected
    # The last line of a traceback, where spaCy's command line shows one
    assert str(caught.value) == f"{expected}: {caught.value.sentence}"


Tree = dict[str, Any] | None
TREES = st.recursive(
    st.none(), lambda tree: st.dictionaries(st.sampled_from("abc"), tree, min_size=1)
)


def leaves(tree: Tree, path: str = TEXTCAT) -> Iterator[str]:
    if tree is None:
        yield path
    for name, part in (tree or {}).items():
        yield from leaves(part, f"{path}.members.{name}")


def grown(
    tree: Tree, wrong: str, model: Callable[[bool], dict[str, Any]], path: str = TEXTCAT
) -> dict[str, Any]:
    """The config of ensembles within ensembles, with a wrong model at one place."""
    if tree is None:
        return model(path == wrong)
    parts = {k: grown(part, wrong, model, f"{path}.members.{k}") for k, part in tree.items()}
    return ensemble("TextCat", **parts)


@pytest.mark.parametrize("when", ["made", "initialised"])
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_the_member_is_found_at_any_depth(when: str, data: DataObject) -> None:
    """All members have the same values; only together with another option one of them is wrong."""
    tree = data.draw(TREES.filter(lambda tree: len(list(leaves(tree))) < 8))
    wrong = data.draw(st.sampled_from(list(leaves(tree))))

    def model(is_wrong: bool) -> dict[str, Any]:
        if when == "made":
            return textcat(tok2vec(width=7, bidirectional=is_wrong))
        return textcat(WRONG if is_wrong else RIGHT)

    option = "width" if when == "made" else "residual"
    with pytest.raises(ConfigError) as caught:
        use(make_nlp({"textcat": grown(tree, wrong, model)}))
    assert place(caught.value) == f"{wrong}.tok2vec.encode -> {option}"


def test_variables_are_followed() -> None:
    """The value identifies the block, as `LexemeEmbed` has another block with that option."""
    embed = lexemes(a={**HASHES, "include_static_vectors": "${vars.vectors}"})
    config = {
        "vars": {"vectors": True},
        "nlp": {"lang": "en", "pipeline": ["textcat"]},
        "components": {"textcat": {"factory": "textcat", "model": textcat(tok2vec(embed))}},
    }
    text = Config(config).to_str().replace('"${vars.vectors}"', "${vars.vectors}")
    nlp = load_model_from_config(Config().from_str(text, interpolate=False), auto_fill=True)
    with pytest.raises(ConfigError) as caught:
        use(nlp)
    assert place(caught.value) == f"{TEXTCAT}.tok2vec.embed.layers.a -> include_static_vectors"


def test_components_have_their_own_names() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("seqrnn_ner", name="fine", config={"model": ner(RIGHT)})
    nlp.add_pipe("seqrnn_ner", name="wrong", config={"model": ner(WRONG)})
    with pytest.raises(ConfigError) as caught:
        nlp.add_pipe("seqrnn_ner", name="early", config={"model": ner(tok2vec(depth=0))})
    assert place(caught.value) == "components.early.model.tok2vec.encode -> depth"
    with pytest.raises(ConfigError) as caught:
        use(nlp)
    assert place(caught.value) == "components.wrong.model.tok2vec.encode -> residual"


def test_sections_of_functions_are_named() -> None:
    logger = {"@loggers": "spacy-seqrnn.TrainingLog.v1", "progress_bar": "both"}
    with pytest.raises(ConfigError) as caught:
        registry.resolve({"logger": logger}, schema=ConfigSchemaTraining, validate=False)
    assert place(caught.value) == "training.logger -> progress_bar"


def test_positional_blocks_are_named() -> None:
    layers = {"a": chars(), "b": chars(width=0)}
    with pytest.raises(ConfigError) as caught:
        registry.resolve({"block": {"@layers": "concatenate.v1", "*": layers}})
    assert place(caught.value) == "block.*.b -> width"


def OwnConfig() -> Model[Any, Any]:
    inner: Model[Any, Any] = registry.resolve({"inner": encoder(width=7)})["inner"]
    return inner


registry.architectures("tests.OwnConfig.v1")(OwnConfig)


def test_a_config_that_a_function_resolves_is_not_the_users() -> None:
    with pytest.raises(ConfigError) as caught:
        make_nlp({"tok2vec": {**tok2vec(), "encode": {NAME: "tests.OwnConfig.v1"}}})
    assert caught.value.block() == "components.tok2vec.model.encode"


@Language.factory("tests_own_factory", default_config={"network": textcat(WRONG)})
def own_factory(nlp: Language, name: str, network: Model[Any, Any]) -> TextCategorizer:
    return TextCategorizer(nlp.vocab, network, name, threshold=0.5, scorer=None)


def test_a_factory_may_have_other_options() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("tests_own_factory", name="own")
    with pytest.raises(ConfigError) as caught:
        use(nlp)
    assert place(caught.value) == "components.own.network.tok2vec.encode -> residual"


def test_a_frozen_component_is_listened_to_as_well() -> None:
    nlp = make_nlp({"tok2vec": tok2vec(), "textcat": textcat(listener(6))})
    examples = gold_examples(nlp)
    get_pipe(nlp, "tok2vec").initialize(lambda: examples, nlp=nlp)
    with nlp.select_pipes(disable="tok2vec"), pytest.raises(ConfigError, match=r"'tok2vec', .* 8"):
        nlp.initialize(lambda: examples)


@pytest.mark.parametrize(
    "models",
    [
        {"seqrnn_ner": ner(listener(8))},
        {"seqrnn_ner": ensemble("NER", a=ner(tok2vec()), b=ner(listener(8)))},
        {"textcat": textcat(listener(8))},
        {"textcat": ensemble("TextCat", a=ngrams(), b=textcat(listener(8), pooling="mean"))},
    ],
)
def test_another_width_after_initialisation(models: dict[str, dict[str, Any]]) -> None:
    """In training and in prediction, where spaCy's command line shows a traceback."""
    nlp = with_wider_tok2vec({**SHARED, **models})
    examples = gold_examples(nlp)
    for work in (
        lambda: nlp.update(examples),
        lambda: nlp("Oslo"),
        lambda: list(nlp.pipe(["Oslo"])),
    ):
        with pytest.raises(
            ConfigError, match="10 wide, but the `tok2vec` has `width = 8`"
        ) as caught:
            work()
        assert place(caught.value).endswith(".tok2vec -> width")


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("model", [ner, textcat])
def test_an_encoder_reads_no_other_width(model: Callable[..., Any], cell: str) -> None:
    """For few documents, torch's kernel would read on with the weights of another width."""
    name = "seqrnn_ner" if model is ner else "textcat"
    nlp = with_wider_tok2vec({**SHARED, name: model(tok2vec(listener(8), cell=cell))})
    examples: list[Example] = gold_examples(nlp)
    texts = ["Oslo sleeps"] * 40
    for work in (lambda: nlp.update(examples), lambda: nlp("Oslo"), lambda: list(nlp.pipe(texts))):
        with pytest.raises(ValueError, match="for an input that is 8 wide, but get one that is 10"):
            work()


def with_wider_tok2vec(models: dict[str, dict[str, Any]]) -> Language:
    """A pipeline whose shared `tok2vec` of width 8 is replaced by one of 10, when initialised."""
    nlp = make_nlp(models)
    examples = gold_examples(nlp)
    nlp.initialize(lambda: examples)
    nlp.remove_pipe("tok2vec")
    nlp.add_pipe("tok2vec", first=True, config={"model": tok2vec(width=10)})
    get_pipe(nlp, "tok2vec").initialize(lambda: examples, nlp=nlp)
    nlp.add_pipe("sentencizer")  # so that the component with the listener is not the last
    return nlp


def test_without_a_pipeline_there_is_no_place() -> None:
    assert pipeline_at_work() is None
    block = {"block": {NAME: "spacy-seqrnn.RNNEncoder.v1", "width": 7}}
    with pytest.raises(ConfigError) as caught:
        registry.resolve(block)
    assert place(caught.value) == "block -> width"
    function = registry.get("architectures", "spacy-seqrnn.RNNEncoder.v1")
    with pytest.raises(ConfigError) as caught:
        function(width=7)
    assert caught.value.block() == ""
    assert str(caught.value) == caught.value.sentence


def test_a_place_that_cannot_be_looked_up_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with other versions of the callers, whose variables have other names."""

    def renamed(*args: Any) -> None:
        raise KeyError("key")

    monkeypatch.setattr(config_places, "_resolved_block", renamed)
    with pytest.raises(ConfigError) as caught:
        spacy.blank("en").add_pipe("seqrnn_ner", config={"model": ner(tok2vec(cell="x"))})
    assert str(caught.value).startswith("Unknown cell 'x'")
