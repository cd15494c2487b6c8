"""Models that meet word vectors other than those in training."""

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vectors import BaseVectors, Vectors
from spacy.vocab import Vocab
from thinc.api import Model, fix_random_seed

from spacy_seqrnn.embed.known_vectors import digest

from ..conftest import LISTENER, gold_examples, tok2vec_config
from ..pipes import get_pipe

WORDS = ["Oslo", "Mira", "Otto", "left", "likes", "gladly", "sadly", "Bergen"]
TEXTS = ["Mira left Bergen sadly .", "Otto likes Oslo gladly ."]
STATIC = {
    "@architectures": "spacy.MultiHashEmbed.v2",
    **{"width": 8, "attrs": ["NORM"], "rows": [50], "include_static_vectors": True},
}
KINDS = ["seqrnn_ner", "textcat", "shared", "spacy's layer", "ensemble"]
KINDS += ["spacy's layer in a tagger", "spacy's layer in an ensemble"]


def vectors(vocab: Vocab, *, seed: int = 0, width: int = 4, name: str = "first") -> Vectors:
    data = np.random.default_rng(seed).normal(size=(len(WORDS), width)).astype("float32")
    return Vectors(strings=vocab.strings, data=data, keys=WORDS, name=name)


def make_blank(**options: Any) -> Language:
    nlp = spacy.blank("en")
    if options.get("width", 4):
        nlp.vocab.vectors = vectors(nlp.vocab, **options)
    return nlp


def trained(kind: str, **options: Any) -> Language:
    fix_random_seed(0)
    nlp = make_blank(**options)
    tok2vec = tok2vec_config(vectors=True)
    if kind == "spacy's layer":
        tok2vec["embed"] = STATIC
    elif kind.startswith("spacy's layer"):
        layers = {"words": STATIC}
        tok2vec["embed"] = {"@architectures": "spacy-seqrnn.LexemeEmbed.v1", "layers": layers}
    ner = {"@architectures": "spacy-seqrnn.NER.v1", "tok2vec": tok2vec}
    if kind == "shared":
        nlp.add_pipe("tok2vec", config={"model": tok2vec})
        ner["tok2vec"] = LISTENER
    if kind.endswith("ensemble"):
        ner = {"@architectures": "spacy-seqrnn.NEREnsemble.v1", "members": {"a": ner, "b": ner}}
    if kind == "textcat":
        name = "spacy-seqrnn.TextCat.v1"
        model = {"@architectures": name, "tok2vec": tok2vec, "exclusive_classes": True}
        nlp.add_pipe("textcat", config={"model": model})
    elif kind.endswith("tagger"):
        model = {"@architectures": "spacy.Tagger.v2", "tok2vec": tok2vec}
        nlp.add_pipe("tagger", config={"model": model})
    else:
        nlp.add_pipe("seqrnn_ner", config={"model": ner})
    optimizer = nlp.initialize(lambda: examples_of(nlp))
    nlp.update(examples_of(nlp), sgd=optimizer)
    return nlp


def examples_of(nlp: Language) -> list[Example]:
    examples = gold_examples(nlp)
    for token in (token for example in examples for token in example.reference):
        token.tag_ = "A" if token.i % 2 else "B"
    return examples


def sourced(source: Language, **options: Any) -> Language:
    """A pipeline with other vectors that has taken the components of the first."""
    nlp = make_blank(**options)
    for name in source.pipe_names:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"\[W113\]")
            nlp.add_pipe(name, source=source)
    return nlp


def told(nlp: Language, docs: Any = None) -> list[str]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        list(nlp.pipe(TEXTS if docs is None else docs))
        list(nlp.pipe(TEXTS if docs is None else docs))
    return of_vectors(found)


def of_vectors(found: list[warnings.WarningMessage]) -> list[str]:
    return [str(each.message) for each in found if "was trained with" in str(each.message)]


def layers_that_know(nlp: Language) -> list[Model[Any, Any]]:
    pipes: list[tuple[str, Any]] = nlp.pipeline
    models = [component.model for _, component in pipes]
    return [node for model in models for node in model.walk() if "known_vectors" in node.attrs]


@pytest.fixture(params=KINDS)
def nlp(request: pytest.FixtureRequest) -> Language:
    return trained(request.param)


def test_own_vectors_are_known_after_saving(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    copies = [nlp, loaded, pickle.loads(pickle.dumps(loaded))]
    for copy in copies:
        assert told(copy) == []


def test_other_vectors_of_the_same_width_are_told_of_once(nlp: Language) -> None:
    (sentence, *others) = told(sourced(nlp, seed=1, name="second"))
    assert len(others) == len(layers_that_know(nlp)) - 1
    assert "the word vectors 'first' (8 x 4, by ORTH, checksum" in sentence
    assert "the word vectors 'second' (8 x 4, by ORTH, checksum" in sentence


def test_others_are_noticed_after_loading_too(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path)
    assert len(told(sourced(spacy.load(tmp_path), seed=1))) >= 1


def test_vectors_of_another_width_are_an_error(nlp: Language) -> None:
    with pytest.raises(ValueError, match=r"trained with .* \(8 x 4, .* cannot read .* \(8 x 7, "):
        list(sourced(nlp, width=7).pipe(TEXTS))


def test_no_vectors_at_all_are_an_error(nlp: Language) -> None:
    sentence = r"vocab has no word vectors, but the model was trained with .*'first' \(8 x 4"
    with pytest.raises(ValueError, match=sentence):
        list(sourced(nlp, width=0).pipe(TEXTS))
    foreign = Doc(spacy.blank("en").vocab, words=["Mira", "left"])
    with pytest.raises(ValueError, match=r"DocBin.get_docs\(nlp.vocab\)"):
        list(nlp.pipe([foreign]))


def test_the_same_vectors_in_another_table_are_the_same(nlp: Language) -> None:
    other = sourced(nlp)
    old = other.vocab.vectors
    order = np.random.default_rng(0).permutation(len(WORDS))
    data = np.concatenate([old.data[order], old.data[:3]])  # and rows that no word has
    keys = [WORDS[i] for i in order]
    new = Vectors(strings=other.vocab.strings, shape=data.shape, name="shuffled")
    new.data = data
    for row, key in enumerate(keys):
        new.add(key, row=row)
    other.vocab.vectors = new
    assert told(other) == []


def test_pruned_vectors_are_others(nlp: Language) -> None:
    other = sourced(nlp)
    other.vocab.prune_vectors(3)
    assert len(told(other)) >= 1


def test_models_saved_without_a_digest_say_nothing_until_they_are_trained(nlp: Language) -> None:
    for node in layers_that_know(nlp):
        node.attrs["known_vectors"] = None
    assert told(sourced(nlp, seed=1)) == []
    nlp.update(examples_of(nlp), sgd=nlp.resume_training())
    assert len(told(sourced(nlp, seed=2))) == len(layers_that_know(nlp))


def test_who_trains_on_with_others_is_told_once(nlp: Language, tmp_path: Path) -> None:
    other = sourced(nlp, seed=1)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        for _ in range(2):
            other.update(examples_of(other), sgd=other.resume_training())
    assert len(of_vectors(found)) == len(layers_that_know(nlp))
    other.to_disk(tmp_path)
    assert told(spacy.load(tmp_path)) == []
    assert len(told(sourced(spacy.load(tmp_path)))) == len(layers_that_know(nlp))


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_is_loaded_into_one_that_was_trained_with_others(kind: str) -> None:
    nlp, other = trained(kind), trained(kind, seed=1)
    for name in other.pipe_names:
        get_pipe(other, name).from_bytes(
            get_pipe(nlp, name).to_bytes(exclude=["vocab"]), exclude=["vocab"]
        )
    assert len(told(other)) == len(layers_that_know(other))


def test_each_vocab_of_a_batch_is_looked_at() -> None:
    nlp = trained("spacy's layer in a tagger")
    foreign = Doc(make_blank(width=7).vocab, words=["Mira", "left"])
    with pytest.raises(ValueError, match=r"cannot read .* \(8 x 7, "):
        list(nlp.pipe([nlp.make_doc(TEXTS[0]), foreign]))


def test_another_attribute_is_told_of_where_it_matters() -> None:
    """Our layer remembers the attribute. spaCy's layer reads another one after saving."""
    for kind, n_told in {"seqrnn_ner": 0, "spacy's layer": 1}.items():
        nlp = sourced(trained(kind))
        data = nlp.vocab.vectors.data
        strings = nlp.vocab.strings
        nlp.vocab.vectors = Vectors(strings=strings, data=data.copy(), keys=WORDS, attr="LOWER")
        assert len(told(nlp)) == n_told


@pytest.mark.parametrize("embed", [STATIC, None])
def test_no_vectors_to_train_with_is_an_error(embed: dict[str, Any] | None) -> None:
    nlp = make_blank(width=0)
    tok2vec = tok2vec_config(vectors=True)
    tok2vec["embed"] = embed or tok2vec["embed"]
    model = {"@architectures": "spacy-seqrnn.NER.v1", "tok2vec": tok2vec}
    nlp.add_pipe("seqrnn_ner", config={"model": model})
    with pytest.raises(ValueError, match=r"true`, but the pipeline has no word vectors: set"):
        nlp.initialize(lambda: examples_of(nlp))


GOOD = {"name": "a", "rows": 8, "width": 4, "attr": "ORTH", "checksum": "00"}


@pytest.mark.parametrize("saved", [{}, [], 0, "x", {**GOOD, "checksum": 0}, {**GOOD, "more": 1}])
def test_what_is_no_digest_is_not_loaded(saved: Any) -> None:
    nlp = trained("seqrnn_ner")
    (node,) = layers_that_know(nlp)
    node.attrs["known_vectors"] = saved
    model = get_pipe(nlp, "seqrnn_ner").model
    with pytest.raises(ValueError, match=r"known_vectors = .* is not a digest of vectors"):
        model.from_bytes(model.to_bytes())


class WithoutTable(BaseVectors):  # type: ignore[misc]  # spaCy has no types of it
    """Vectors of a user's class, with no more than spaCy requires."""

    mode, name, n_keys, shape = "own", "own", 0, (0, 4)

    def __len__(self) -> int:
        return 0

    def get_batch(self, keys: Any) -> np.ndarray:
        return np.asarray([[int(key) % 7] * 4 for key in keys], dtype="float32")


def test_vectors_of_the_users_own_class_are_taken_as_they_are() -> None:
    nlp = sourced(trained("seqrnn_ner"))
    nlp.vocab.vectors = WithoutTable(strings=nlp.vocab.strings)
    assert told(nlp) == []
    nlp.initialize(lambda: examples_of(nlp))
    assert told(nlp) == []
    assert layers_that_know(nlp)[0].attrs["known_vectors"] is None


@given(st.integers(1, 30), st.integers(1, 9), st.integers(0, 100))
def test_digests_are_of_what_words_mean(n_keys: int, width: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    data = random.normal(size=(n_keys, width)).astype("float32")
    keys = [f"w{i}" for i in range(n_keys)]

    def checksum(data: np.ndarray, keys: list[str]) -> str:
        return str(
            digest(Vectors(strings=spacy.blank("xx").vocab.strings, data=data, keys=keys))[
                "checksum"
            ]
        )

    first = checksum(data, keys)
    order = random.permutation(n_keys)
    assert checksum(data[order], [keys[i] for i in order]) == first
    changed = data.copy()
    changed[random.integers(n_keys), random.integers(width)] += 1
    assert checksum(changed, keys) != first
    assert checksum(data, [f"v{i}" for i in range(n_keys)]) != first
    if n_keys > 1:
        assert checksum(data[np.roll(np.arange(n_keys), 1)], keys) != first


def test_digests_of_floret_vectors() -> None:
    data = np.random.default_rng(0).normal(size=(50, 4)).astype("float32")
    options = {"mode": "floret", "minn": 2, "maxn": 3, "hash_count": 2}
    one, same = (Vectors(data=data, **options) for _ in range(2))
    other = Vectors(data=data[::-1].copy(), **options)
    assert digest(one) == digest(same)
    assert digest(one)["checksum"] != digest(other)["checksum"]


@pytest.mark.parametrize("way", [{"minn": 1}, {"maxn": 4}, {"hash_seed": 1}, {"bow": "_"}])
def test_floret_vectors_that_find_rows_in_another_way_are_others(way: dict[str, Any]) -> None:
    data = np.random.default_rng(0).normal(size=(50, 4)).astype("float32")
    options = {"mode": "floret", "minn": 2, "maxn": 3, "hash_count": 2}
    one, other = Vectors(data=data, **options), Vectors(data=data, **{**options, **way})
    assert digest(one)["checksum"] != digest(other)["checksum"]
