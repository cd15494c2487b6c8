"""The parts of a treebank, out of archives or files."""

import lzma
import tarfile

import pytest

from .conftest import Project

SCRIPT = "scripts/treebank.py"
SENTENCE = "# sent_id = {}\n1\tDogs\tdog\tNOUN\tNNS\t_\t0\troot\t_\t_\n\n"


def sentence(part: str) -> bytes:
    return SENTENCE.format(part).encode()


def take(project: Project) -> dict[str, bytes]:
    project.succeeds(SCRIPT, "assets/ewt", "corpus/ewt")
    written = sorted((project.folder / "corpus/ewt").iterdir())
    return {path.name: path.read_bytes() for path in written}


@pytest.fixture
def assets(project: Project) -> Project:
    """One part an archive, one compressed, one as it is; and files that are no parts."""
    inner = project.write("en_ewt-ud-train.conllu", sentence("train"))
    other = project.write("readme.txt", b"about")
    (project.folder / "assets/ewt").mkdir(parents=True)
    with tarfile.open(project.folder / "assets/ewt/en_ewt-ud-train.tar", "w") as archive:
        archive.add(inner, inner.name)
        archive.add(other, other.name)
    project.write("assets/ewt/en_ewt-ud-dev.conllu.xz", lzma.compress(sentence("dev")))
    project.write("assets/ewt/en_ewt-ud-test.conllu", sentence("test"))
    project.write("assets/ewt/en_ewt-ud-test.txt", b"the text alone")
    return project


def test_parts_of_all_formats(assets: Project) -> None:
    parts = {f"{part}.conllu": sentence(part) for part in ("dev", "test", "train")}
    assert take(assets) == parts
    assert take(assets) == parts


def test_spacy_converts_them(assets: Project) -> None:
    take(assets)
    assets.succeeds("-m", "spacy", "convert", "corpus/ewt", "corpus/ewt", "--converter", "conllu")
    assert (assets.folder / "corpus/ewt/train.spacy").is_file()


def test_a_part_that_is_missing_or_there_twice(assets: Project) -> None:
    path = assets.folder / "assets/ewt/en_ewt-ud-test.conllu"
    path.rename(path.with_name("en_ewt-ud-dev.conllu"))
    assert "has 2 files with the dev part" in assets.fails(SCRIPT, "assets/ewt", "corpus/ewt")
    path.with_name("en_ewt-ud-dev.conllu").unlink()
    assert "has 0 files with the test part" in assets.fails(SCRIPT, "assets/ewt", "corpus/ewt")
    assert not (assets.folder / "corpus/ewt").exists()


def test_damaged_files(assets: Project) -> None:
    path = assets.folder / "assets/ewt/en_ewt-ud-train.tar"
    for name in (path.name, "en_ewt-ud-dev.conllu.xz"):
        target = path.with_name(name)
        content = target.read_bytes()
        target.write_bytes(b"no archive" * 100)
        printed = assets.fails(SCRIPT, "assets/ewt", "corpus/ewt")
        assert f"{name} is truncated or damaged" in printed
        target.write_bytes(content)
