"""A language model beside the encoders of a config, for `spacy seqrnn init-config --lm`."""

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
    from ..config_places import all_parts  # noqa: PLC0415

    if task in ("lemmatizer", "lm", "text2text"):
        raise ValueError(
            "`--lm` puts a language model under another component, for entities, categories or "
            f"tags, but `task = {task!r}`: omit it."
        )
    features = _features(source)
    reads_vectors = any(
        keys[-1] == "include_static_vectors" and value is True
        for keys, value in all_parts(features)
    )
    if vectors is None and reads_vectors:
        raise ValueError(
            f"The language model in `--lm {source}` reads word vectors: add `--vectors` with the "
            "pipeline of its `[initialize] vectors`."
        )
    for _, block in list(all_parts(components)):
        if isinstance(block, dict) and block.get(ARCHITECTURE) == TOK2VEC:
            block.update({ARCHITECTURE: "spacy-seqrnn.FeatureTok2Vec.v1", "features": features})


def _features(source: str) -> dict[str, Any]:
    """The block with a language model, whose encoder is configured as in its own pipeline."""
    import spacy  # noqa: PLC0415

    from ..lm.find import find_language_model  # noqa: PLC0415
    from ..lm.shared import find_upstream, is_listener  # noqa: PLC0415

    if not (source.strip() and has_pipeline(source)):
        raise ValueError(
            f"`--lm {source}` is not a pipeline: name the folder or package of one with a language "
            "model, as `spacy seqrnn init-config --task lm --both-directions` configures it."
        )
    nlp = spacy.load(source)
    component = find_language_model(nlp)
    blocks = nlp.config.interpolate()["components"]
    tok2vec = component.model.get_ref("tok2vec")
    block = (
        blocks[find_upstream(tok2vec, nlp).name]["model"]
        if is_listener(tok2vec)
        else blocks[component.name]["model"]["tok2vec"]
    )
    return {
        ARCHITECTURE: "spacy-seqrnn.LMEmbed.v1",
        "source": source,
        "unit": component.unit,
        "frozen": True,
        "dropout": DROPOUT,
        "tok2vec": block,
    }
