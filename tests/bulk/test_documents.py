"""Folders of text files, and files of documents."""

import shutil
from pathlib import Path

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import DocBin, Span

from spacy_seqrnn.bulk.parts import Reading, find_types, plan, read
from spacy_seqrnn.bulk.pipelines import Tokens

from .reading import read_all, texts_of


@given(
    texts=st.dictionaries(
        st.sampled_from(["a.txt", "b/a.txt", "b/c/é.TXT", "b.txt", "_x.txt"]),
        st.binary(max_size=9) | st.text().map(str.encode),
        min_size=1,
    ),
    size=st.integers(1, 30),
)
def test_each_file_is_a_row(
    texts: dict[str, bytes], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("texts")
    for name, data in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / ".hidden").touch()
    rows, rejects, planned = read_all(folder, Reading(part_bytes=size))
    names = sorted(texts)
    assert not rejects
    assert [kept["file"] for _, _, kept in rows] == names
    assert planned.size == sum(map(len, texts.values()))
    for name, text in zip(names, texts_of(rows), strict=True):
        assert (text.encode() if isinstance(text, str) else text) == texts[name].removeprefix(
            b"\xef\xbb\xbf" * isinstance(text, str)
        )
    for part in planned.parts:
        sizes = [len(texts[name]) for name in names[part.start : part.stop]]
        assert sum(sizes) <= size or len(sizes) == 1
    shutil.rmtree(folder)


def test_the_checksum_is_that_of_names_and_documents(tmp_path: Path) -> None:
    def checksum() -> str:
        return plan(str(tmp_path), Reading(), abs).sha256

    (tmp_path / "a.txt").write_text("a", encoding="utf8")
    first = checksum()
    (tmp_path / "b.txt").write_text("b", encoding="utf8")
    second = checksum()
    (tmp_path / "b.txt").write_text("c", encoding="utf8")
    third = checksum()
    (tmp_path / "b.txt").rename(tmp_path / "c.txt")
    assert len({first, second, third, checksum()}) == 4


def test_the_name_is_the_only_column_to_keep(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a", encoding="utf8")
    reading = find_types(Reading(), [str(tmp_path)])
    assert reading.kept == ("file",)
    assert reading.implied
    asked = find_types(Reading(id_column="file"), [str(tmp_path)])
    assert asked.kept == ("file",)
    assert not asked.implied
    for wrong in (Reading(id_column="id"), Reading(keep=("id",))):
        with pytest.raises(ValueError, match="has no column 'id': a folder of"):
            find_types(wrong, [str(tmp_path)])


def test_folders_of_documents_are_read_alone(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a", encoding="utf8")
    with pytest.raises(ValueError, match=r"is a folder of documents and 'a.jsonl' is not"):
        find_types(Reading(keep=("file",)), [str(tmp_path), "a.jsonl"])


def test_spacy_files_have_tokens_alone(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    texts = ["Mira left Oslo.", "", "  two  words ", "é"]
    docs = [nlp(text) for text in texts]
    docs[0].ents = [Span(docs[0], 2, 3, "CITY")]
    path = tmp_path / "a.spacy"
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    rows, rejects, planned = read_all(path, Reading())
    assert not rejects
    assert len(planned.parts) == 1
    assert texts_of(rows) == [
        Tokens([t.text for t in doc], [bool(t.whitespace_) for t in doc]) for doc in docs
    ]
    with pytest.raises(ValueError, match=r"a.spacy' has documents and no columns, so 'id'"):
        find_types(Reading(id_column="id"), [str(path)])
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"a.spacy' is not a whole file of spaCy's documents"):
        plan(str(path), Reading(), abs)


def test_spacy_files_without_documents_have_no_parts(tmp_path: Path) -> None:
    DocBin().to_disk(tmp_path / "a.spacy")
    assert not plan(str(tmp_path / "a.spacy"), Reading(), abs).parts


def test_documents_that_have_gone_are_reported(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a", encoding="utf8")
    reading = find_types(Reading(), [str(tmp_path)])
    (part,) = plan(str(tmp_path), reading, abs).parts
    (tmp_path / "a.txt").unlink()
    with pytest.raises(ValueError, match=r"'a.txt' in '.*' cannot be read"):
        list(read(part, reading))
