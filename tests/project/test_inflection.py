"""Pairs of texts from lemmas, forms and features."""

import pytest

from .conftest import Project

SCRIPT = "scripts/inflection.py"
FOLDERS = ("assets/forms", "corpus/forms")


@pytest.fixture
def assets(project: Project) -> Project:
    project.write("assets/forms/german-train-medium", b"aufgeben\tgab auf\tV;PST;3;SG\n")
    project.write("assets/forms/german-dev", "Öl\tÖle\tN;PL\nund\tund\tX\n".encode())
    project.write("assets/forms/german-uncovered-test", b"")
    return project


def test_features_are_tags_around_the_lemma(assets: Project) -> None:
    assets.succeeds(SCRIPT, *FOLDERS, "german")
    written = sorted((assets.folder / "corpus/forms").iterdir())
    assert {path.name: path.read_text(encoding="utf8") for path in written} == {
        "german-train.tsv": "<V><PST><3><SG>aufgeben<V><PST><3><SG>\tgab auf\n",
        "german-dev.tsv": "<N><PL>Öl<N><PL>\tÖle\n<X>und<X>\tund\n",
        "german-test.tsv": "",
    }


def test_a_language_without_files(assets: Project) -> None:
    said = assets.fails(SCRIPT, *FOLDERS, "latin")
    assert "latin-train-medium is missing: is its language one of the shared task?" in said


def test_a_line_of_another_format(assets: Project) -> None:
    assets.write("assets/forms/german-dev", "Öl\tÖle\n".encode())
    said = assets.fails(SCRIPT, *FOLDERS, "german")
    assert "is not a lemma, a form and features, with tabs between them" in said
    assert not (assets.folder / "corpus/forms").exists()
