"""A language model beside the encoders of a config, for `spacy seqrnn init-config --lm`."""

from collections.abc import Iterator
from typing import Any

from .plan import has_pipeline

ARCHITECTURE = "@architectures"
TOK2VEC = "spacy.Tok2Vec.v2"
DROPOUT = 0.25  # locked, on its states


def add_language_model(
    components: dict[str, Any], source: str, *, task: str, vectors: str | None
) -> None:
    """Append the states of a language model to those of all encoders of a config, in place.

    components: the block of a config that is not interpolated.
    source: the folder or package of the pipeline with the language model.
    vectors: that of the pipeline with word vectors, if any.

    Raises ValueError for what is no such pipeline, or does not fit the config.
    """
    if task == "lm":
        raise ValueError(
            "`--lm` puts a language model under another component, but `task = 'lm'`: omit it."
        )
    features = _features(source)
    if vectors is None and _reads_vectors(features):
        raise ValueError(
            f"The language model in `--lm {source}` reads word vectors: add `--vectors` with the "
            "pipeline of its `[initialize] vectors`."
        )
    for tok2vec in list(_blocks(components, TOK2VEC)):
        tok2vec[ARCHITECTURE] = "spacy-seqrnn.FeatureTok2Vec.v1"
        tok2vec["features"] = features


def _features(source: str) -> dict[str, Any]:
    """The block with a language model, whose encoder is configured as in its own pipeline."""
    import spacy  # noqa: PLC0415

    from ..lm.find import find_language_model  # noqa: PLC0415

    if not (source.strip() and has_pipeline(source)):
        raise ValueError(
            f"`--lm {source}` is not a pipeline: name the folder or package of one with a language "
            "model, as `spacy seqrnn init-config --task lm --both-directions` configures it."
        )
    nlp = spacy.load(source)
    component = find_language_model(nlp)
    blocks = nlp.config.interpolate()["components"]
    tok2vec = blocks[component.name]["model"]["tok2vec"]
    listens_to = tok2vec.get("upstream")
    if listens_to:
        tok2vec = blocks["tok2vec" if listens_to == "*" else listens_to]["model"]
    return {
        ARCHITECTURE: "spacy-seqrnn.LMEmbed.v1",
        "source": source,
        "unit": component.unit,
        "frozen": True,
        "dropout": DROPOUT,
        "tok2vec": tok2vec,
    }


def _reads_vectors(block: Any) -> bool:
    """Whether any layer of a block reads the pipeline's word vectors."""
    if not isinstance(block, dict):
        return False
    return block.get("include_static_vectors") is True or any(map(_reads_vectors, block.values()))


def _blocks(block: Any, architecture: str) -> Iterator[dict[str, Any]]:
    """All blocks of an architecture within a block, but for those that are copied by reference."""
    if not isinstance(block, dict):
        return
    if block.get(ARCHITECTURE) == architecture:
        yield block
    for part in block.values():
        yield from _blocks(part, architecture)
