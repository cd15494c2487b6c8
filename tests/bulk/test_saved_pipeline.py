"""What is known of a pipeline without loading it."""

import sys
from pathlib import Path

import pytest
import spacy
from spacy.language import Language

from spacy_seqrnn.bulk.columns import columns_for
from spacy_seqrnn.bulk.saved_pipeline import attributes_set_by, checksum_of_pipeline, folder_of


def saved(folder: Path, *factories: str) -> Path:
    """A folder with the config of a pipeline, which is all that is read."""
    nlp = spacy.blank("en")
    for factory in factories:
        nlp.add_pipe(factory)
    folder.mkdir(exist_ok=True)
    nlp.config.to_disk(folder / "config.cfg")
    return folder


@pytest.mark.parametrize(
    ("factory", "columns"),
    [
        ("seqrnn_ner", ["entities"]),
        ("entity_ruler", ["entities"]),
        ("textcat", ["cats"]),
        ("spancat", ["spans"]),
        ("senter", ["sentences"]),
        ("tagger", ["tokens", "tags"]),
        ("morphologizer", ["tokens", "pos", "morphs"]),
        ("parser", ["tokens", "sentences", "deps", "heads"]),
        ("seqrnn_lemmatizer", ["tokens", "lemmas"]),
        ("seqrnn_lm", ["doc._.perplexity:double"]),
        ("seqrnn_text2text", ["doc._.output:string"]),
        ("merge_entities", []),
    ],
)
def test_columns_follow_from_the_components(
    tmp_path: Path, factory: str, columns: list[str]
) -> None:
    found = columns_for(attributes_set_by(saved(tmp_path, factory)))
    assert sorted(found) == sorted(columns)


def test_a_disabled_component_sets_nothing(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("entity_ruler")
    nlp.disable_pipe("entity_ruler")
    nlp.config.to_disk(tmp_path / "config.cfg")
    assert columns_for(attributes_set_by(tmp_path)) == ["sentences"]


def test_an_unknown_component(tmp_path: Path) -> None:
    config = saved(tmp_path, "sentencizer") / "config.cfg"
    config.write_text(config.read_text().replace('factory = "sentencizer"', 'factory = "mine"'))
    with pytest.raises(ValueError, match="a component of the kind 'mine', which is not known here"):
        attributes_set_by(tmp_path)


def test_own_components_are_known(tmp_path: Path) -> None:
    Language.component("test_bulk_own", assigns=["doc.ents"], func=_own)
    assert columns_for(attributes_set_by(saved(tmp_path, "test_bulk_own"))) == ["entities"]


def _own(doc: spacy.tokens.Doc) -> spacy.tokens.Doc:
    return doc


def test_folders_and_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "en_test_bulk"
    inner = package / "en_test_bulk-1.0"
    package.mkdir()
    saved(inner, "sentencizer")
    (package / "meta.json").write_text('{"lang": "en", "name": "test_bulk", "version": "1.0"}')
    (package / "__init__.py").touch()
    info = tmp_path / "en_test_bulk-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: en_test_bulk\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert folder_of("en_test_bulk") == inner
    assert folder_of(str(inner)) == inner
    sys.modules.pop("en_test_bulk")
    for wrong in ("nobody", str(tmp_path)):
        with pytest.raises(ValueError, match=f"'{wrong}' is not a pipeline"):
            folder_of(wrong)


def test_the_checksum_is_of_all_files(tmp_path: Path) -> None:
    folder = saved(tmp_path / "one", "sentencizer")
    (folder / "vocab").mkdir()
    sums = set()
    for name in ("vocab/strings.json", "vocab/key2row"):
        sums.add(checksum_of_pipeline(folder))
        (folder / name).write_bytes(b"x")
    sums.add(checksum_of_pipeline(folder))
    (folder / "vocab/key2row").write_bytes(b"y")
    sums.add(checksum_of_pipeline(folder))
    assert len(sums) == 4
    assert checksum_of_pipeline(folder.rename(tmp_path / "two")) in sums
