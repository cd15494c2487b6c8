"""The source distribution and the wheel: their content, and that the wheel works alone."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

from spacy_seqrnn import __version__

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
# Where a checkout keeps files that are not part of it
MADE = ["build", "corpus", "dist", "metrics", "packages", "training", "*.egg-info", "__pycache__"]
# Files of the package other than its modules
NAMES = ("lm", "recipe", "text2text")
TEMPLATES = {f"spacy_seqrnn/cli/templates/{name}.jinja" for name in NAMES}
DATA = {"spacy_seqrnn/py.typed", *TEMPLATES}
MODULES = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("spacy_seqrnn/**/*.py")}

PROGRAM = """
import json
from importlib import metadata

import spacy
import spacy_seqrnn
from spacy.training import Example
from spacy_seqrnn.cli.init_config import init_config

nlp = spacy.blank("en")
nlp.add_pipe("seqrnn_ner", config={"spans_key": "found"})
gold = {"entities": [(0, 4, "PERSON"), (10, 14, "CITY")]}
examples = [Example.from_dict(nlp.make_doc("Otto left Oslo"), gold)]
optimizer = nlp.initialize(lambda: examples)
losses = [nlp.update(examples, sgd=optimizer)["seqrnn_ner"] for _ in range(2)]
nlp.to_disk("pipeline")
loaded = spacy.load("pipeline")
registered = [
    entry_point
    for group in ("spacy_factories", "spacy_architectures")
    for entry_point in metadata.entry_points(group=group)
    if entry_point.value.startswith("spacy_seqrnn.")
]
for entry_point in registered:
    entry_point.load()
print(json.dumps({
    "package": spacy_seqrnn.__file__,
    "version": metadata.version("spacy-seqrnn"),
    "entry_points": {e.name: str(e.dist.locate_file("")) for e in registered},
    "losses": [float(loss) for loss in losses],
    "pipeline": init_config(task="tagger")["nlp"]["pipeline"],
    "labels": loaded.get_pipe("seqrnn_ner").labels,
    "same": nlp.to_bytes(exclude=["vocab"]) == loaded.to_bytes(exclude=["vocab"]),
}))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build from a copy of a checkout that contains corpora and pipelines."""
    source = tmp_path_factory.mktemp("source") / "checkout"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", *MADE, "assets"))
    for litter in ("assets/corpus.conll", "corpus/train.spacy", "training/model-best/meta.json"):
        (source / litter).parent.mkdir(parents=True)
        (source / litter).write_text("{}")
    result = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", source / "dist", source],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    return source / "dist"


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed wheel and nothing else."""
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", target, wheel], check=True)
    return target


def _metadata(wheel: Path) -> Iterator[tuple[str, str]]:
    with ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        yield from Parser().parsestr(archive.read(name).decode()).items()


def test_the_wheel_has_the_package_and_nothing_else(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    info = {name for name in names if name.startswith(f"spacy_seqrnn-{__version__}.dist-info/")}
    assert names - info == MODULES | DATA


def test_the_wheel_has_the_license(wheel: Path) -> None:
    licenses = [name for name in ZipFile(wheel).namelist() if name.endswith("/LICENSE")]
    assert len(licenses) == 1
    assert ZipFile(wheel).read(licenses[0]) == (ROOT / "LICENSE").read_bytes()
    assert ("License-File", "LICENSE") in set(_metadata(wheel))


def test_the_wheel_runs_wherever_python_does(wheel: Path) -> None:
    assert wheel.name == f"spacy_seqrnn-{__version__}-py3-none-any.whl"


def test_the_wheel_names_what_it_needs_and_shows_the_readme(wheel: Path) -> None:
    fields = list(_metadata(wheel))
    needs = [value for key, value in fields if key == "Requires-Dist" and "extra ==" not in value]
    names = {need.split("<")[0].split(">")[0] for need in needs}
    assert {"numpy", "spacy", "thinc", "torch"} <= names
    assert ("Description-Content-Type", "text/markdown") in fields
    assert ("Version", __version__) in fields
    assert ("Requires-Python", ">=3.11") in fields
    assert ("Author", "spacy-seqrnn contributors") in fields
    assert ("Classifier", "Typing :: Typed") in fields


def test_the_sdist_has_the_sources_and_no_data(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    prefix = f"spacy_seqrnn-{__version__}/"
    with tarfile.open(path) as archive:
        names = {member.name.removeprefix(prefix) for member in archive if member.isfile()}
    assert {*MODULES, *DATA, "setup.cfg", "pyproject.toml", "LICENSE"} <= names
    assert "README.md" in names
    assert not [name for name in names if name.split("/")[0] in ("assets", "corpus", "training")]


def test_the_wheel_works_without_the_sources(installed: Path, tmp_path: Path) -> None:
    # With -S neither an editable installation nor anything else in a .pth file is found.
    paths = [str(installed), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    result = subprocess.run(
        [sys.executable, "-S", "-c", PROGRAM],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        stdout=subprocess.PIPE,
        check=True,
    )
    found = json.loads(result.stdout)
    assert Path(found["package"]).is_relative_to(installed)
    assert found["version"] == __version__
    assert found["labels"] == ["CITY", "PERSON"]
    assert found["losses"][1] < found["losses"][0]
    assert found["same"]
    assert found["pipeline"] == ["tagger"]
    assert found["entry_points"].keys() == {
        "seqrnn_lm",
        "seqrnn_lemmatizer",
        "seqrnn_ner",
        "seqrnn_text2text",
        "spacy-seqrnn.CharCNNEmbed.v1",
        "spacy-seqrnn.CharRNNEmbed.v1",
        "spacy-seqrnn.FeatureTok2Vec.v1",
        "spacy-seqrnn.HashEmbedRNN.v1",
        "spacy-seqrnn.LMEmbed.v1",
        "spacy-seqrnn.LanguageModel.v1",
        "spacy-seqrnn.LexemeEmbed.v1",
        "spacy-seqrnn.NER.v1",
        "spacy-seqrnn.NEREnsemble.v1",
        "spacy-seqrnn.NgramScores.v1",
        "spacy-seqrnn.NgramTextCat.v1",
        "spacy-seqrnn.PretrainLM.v1",
        "spacy-seqrnn.RNNEncoder.v1",
        "spacy-seqrnn.Seq2Seq.v1",
        "spacy-seqrnn.Seq2SeqEnsemble.v1",
        "spacy-seqrnn.TextCat.v1",
        "spacy-seqrnn.TextCatEnsemble.v1",
        "spacy-seqrnn.WordEmbed.v1",
    }
    assert {Path(place) for place in found["entry_points"].values()} == {installed}
