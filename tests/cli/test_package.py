"""`spacy package`: a pipeline of ours as an installed Python package."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
import srsly

from spacy_seqrnn import __version__

from ..conftest import CLAUSES
from .conftest import run

TEXTS = [" ".join(clause) + "." for clause in CLAUSES]

PROGRAM = """
import json, sys
import spacy
nlp = spacy.load("en_invented")
docs = list(nlp.pipe(json.loads(sys.argv[1])))
print(json.dumps({
    "path": str(nlp.path),
    "entities": [[(e.text, e.label_) for e in doc.ents] for doc in docs],
    "scores": [[float(s) for s in doc.spans["found"].attrs["scores"]] for doc in docs],
    "cats": [doc.cats for doc in docs],
}))
"""


@pytest.mark.slow
def test_a_packaged_pipeline_gives_the_same_results(trained: Path, tmp_path: Path) -> None:
    # Without an index `build` cannot make its isolated environment, and spaCy builds in this one.
    offline = {**os.environ, "PIP_NO_INDEX": "1"}
    options = ["--name", "invented", "--version", "1.2.3", "--build", "sdist,wheel"]
    run("package", trained, tmp_path, *options, env=offline)
    folder = tmp_path / "en_invented-1.2.3"
    requirements = srsly.read_json(folder / "meta.json")["requirements"]
    assert any(line.startswith(f"spacy-seqrnn>={__version__}") for line in requirements)
    assert (folder / "dist" / "en_invented-1.2.3.tar.gz").exists()

    (wheel,) = (folder / "dist").glob("*.whl")
    target = tmp_path / "target"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--no-build-isolation", "--target", target, wheel], check=True)
    printed = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(TEXTS)],
        env={**os.environ, "PYTHONPATH": str(target)},
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    found = json.loads(printed)

    docs = list(spacy.load(trained).pipe(TEXTS))
    assert Path(found["path"]).is_relative_to(target)
    assert found["entities"] == [[[e.text, e.label_] for e in doc.ents] for doc in docs]
    for doc, scores, cats in zip(docs, found["scores"], found["cats"], strict=True):
        assert scores == pytest.approx(list(doc.spans["found"].attrs["scores"]), abs=1e-6)
        assert cats == pytest.approx(doc.cats, abs=1e-6)
