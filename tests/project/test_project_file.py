"""`project.yml`: valid, consistent with the configs and checksums, and complete."""

import hashlib
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import srsly
from spacy.util import load_config
from weasel.schemas import ProjectConfigSchema, validate
from weasel.util import load_project_config, validate_project_commands

from .conftest import DATA, ROOT, Project, needs_data

RAW = srsly.read_yaml(ROOT / "project.yml")
SAMPLES = {"ner", "sentiment"}
VECTORS, NEWS = "vectors", "news"  # folders of assets without annotation
TREEBANK = "ewt-lemmas"  # whose files git verifies


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The project file with its variables filled in."""
    folder = tmp_path_factory.mktemp("config")
    (folder / "project.yml").write_bytes((ROOT / "project.yml").read_bytes())
    config: dict[str, Any] = load_project_config(folder)
    return config


def corpora() -> list[str]:
    """Name the corpora that are downloaded or brought."""
    names = dict.fromkeys(Path(asset["dest"]).parent.name for asset in RAW["assets"])
    return [name for name in names if name not in (*SAMPLES, VECTORS, NEWS)]


def expand(config: dict[str, Any], workflow: str) -> Iterator[dict[str, Any]]:
    """Yield a workflow's commands in order."""
    commands = {command["name"]: command for command in config["commands"]}
    return (commands[name] for name in config["workflows"][workflow])


def scripts(config: dict[str, Any]) -> Iterator[list[str]]:
    """Yield the words of each line of each command."""
    return (shlex.split(line) for command in config["commands"] for line in command["script"])


def test_it_is_valid() -> None:
    assert validate(ProjectConfigSchema, RAW) == []
    validate_project_commands(RAW)


def test_every_corpus_has_a_workflow() -> None:
    samples = {"quickstart", "all"}
    own_text = {"lm", "social", "rt-polarity-own", "wnut17-own"}
    others = {*samples, *own_text, "conll2002-tagger"}
    assert set(RAW["workflows"]) == {*others, *corpora()}
    steps = ("fetch", "verify", "convert", "plan", "train", "evaluate", "report")
    for name in corpora():
        planned = f"plan-{name}" in {command["name"] for command in RAW["commands"]}
        wanted = [f"{step}-{name}" for step in steps if planned or step != "plan"]
        assert [step for step in RAW["workflows"][name] if not step.endswith("vectors")] == wanted


def test_every_command_is_explained_and_used() -> None:
    used = {step for steps in RAW["workflows"].values() for step in steps}
    assert used == {command["name"] for command in RAW["commands"]}
    assert all(command["help"] for command in RAW["commands"])


@pytest.mark.parametrize("workflow", RAW["workflows"])
def test_deps_exist_or_are_made_before(config: dict[str, Any], workflow: str) -> None:
    made = {asset["dest"] for asset in config["assets"] if "checksum" not in asset}
    for command in expand(config, workflow):
        for dep in command.get("deps", []):
            assert dep in made or (ROOT / dep).exists(), f"{command['name']}: {dep}"
        made.update(command.get("outputs", []))


def test_deps_name_what_the_scripts_read(config: dict[str, Any]) -> None:
    read = re.compile(r"(scripts|configs|assets)/.*\.\w+|corpus/.*\.spacy|training/.*/model-best")
    optional = {asset["dest"] for asset in config["assets"] if "npm" in asset}
    for command in config["commands"]:
        words = {word for line in command["script"] for word in shlex.split(line)}
        needed = set(filter(read.fullmatch, words)) - optional
        assert needed <= set(command.get("deps", [])), command["name"]


def test_every_script_is_there_and_runs_in_this_python(config: dict[str, Any]) -> None:
    for words in scripts(config):
        assert words[0] == "python"
        assert words[1:3] == ["-m", "spacy"] or (ROOT / words[1]).is_file()


def set_keys(config: dict[str, Any], prefix: str = "") -> Iterable[str]:
    """Yield the dotted names of everything that a config sets."""
    for key, value in config.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from set_keys(value, f"{prefix}{key}.")


def test_overrides_change_what_the_configs_set(config: dict[str, Any]) -> None:
    train = [words for words in scripts(config) if words[3:5] == ["seqrnn", "train"]]
    others = 7  # the tagger, with and of two language models, with vectors of two own texts
    assert len(train) == len(corpora()) + len(SAMPLES) + others
    recipes = {
        "corpus/": "configs/textcat_accuracy.cfg",
        "training/conll2003": "configs/ner_accuracy.cfg",
        "training/wnut17": "configs/ner_ensemble.cfg",
    }
    for words in train:
        # A config that is made when its data are there has the sections of the recipe.
        made = [recipe for start, recipe in recipes.items() if words[5].startswith(start)]
        known = set(set_keys(load_config(ROOT / (made or [words[5]])[0])))
        overrides = {word[2:] for word in words if word.startswith("--") and "." in word}
        assert overrides <= known


def test_which_corpora_do_without_vectors(config: dict[str, Any]) -> None:
    names = ("conll2002", TREEBANK, "multi30k", "sigmorphon2017")
    without = tuple(f"training/{name}" for name in names)
    for words in scripts(config):
        if words[3:5] == ["seqrnn", "train"]:
            has_none = words[words.index("--output") + 1].startswith(without)
            made = words[5].startswith("training/")  # with vectors
            assert ("--paths.vectors" in words) == (not has_none and not made)


def test_checksums_are_those_of_the_assets() -> None:
    listed = {a["dest"].removeprefix("assets/") for a in RAW["assets"] if "checksum" in a}
    lines = (ROOT / "assets/checksums.sha256").read_text().splitlines()
    assert all(re.fullmatch(r"[0-9a-f]{64}  \S+", line) for line in lines)
    assert [line.split()[1] for line in lines] == sorted(listed)


@needs_data
def test_checksums_are_those_of_the_real_files() -> None:
    for asset in RAW["assets"]:
        if "checksum" in asset and "npm" not in asset:
            content = (DATA / asset["dest"].removeprefix("assets/")).read_bytes()
            assert hashlib.md5(content).hexdigest() == asset["checksum"]


@pytest.mark.parametrize("corpus", [*corpora(), VECTORS, NEWS])
def test_messages_about_missing_files_name_a_command(whole_project: Project, corpus: str) -> None:
    missing = whole_project.run("scripts/verify.py", corpus).stderr
    named = set(re.findall(r"spacy project run ([\w-]+)", missing))
    assert named <= {command["name"] for command in RAW["commands"]}
    assert bool(named) == (corpus != "conll2003")  # which users bring


@needs_data
@pytest.mark.parametrize("corpus", [name for name in corpora() if name != TREEBANK])
def test_real_files_are_used_without_network(whole_project: Project, corpus: str) -> None:
    for path in (DATA / corpus).iterdir():
        whole_project.write(f"assets/{corpus}/{path.name}", path.read_bytes())
    whole_project.succeeds("scripts/fetch.py", corpus)
    whole_project.succeeds("scripts/verify.py", corpus)


def test_failing_step_ends_the_workflow(whole_project: Project) -> None:
    result = whole_project.run("-m", "spacy", "project", "run", "conll2003")
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: assets/conll2003/train.txt, ")
    assert "verify-conll2003" not in result.stdout


def test_the_page_is_what_spacy_project_document_writes(whole_project: Project) -> None:
    marker = "<!-- WEASEL: AUTO-GENERATED DOCS {} (do not remove) -->"
    text = f"{marker.format('START')}\nold\n{marker.format('END')}\n"
    page = whole_project.write("PROJECT.md", text.encode())
    for sample in SAMPLES:  # links lead to files that are there
        shutil.copytree(ROOT / "assets" / sample, whole_project.folder / "assets" / sample)
    whole_project.succeeds("-m", "spacy", "project", "document", "--output", "PROJECT.md")
    written = page.read_text(encoding="utf8")
    assert written == (ROOT / "PROJECT.md").read_text(encoding="utf8")
    for name in (*RAW["workflows"], *(command["name"] for command in RAW["commands"])):
        assert f"| `{name}` |" in written


def test_git_keeps_the_samples_and_leaves_out_the_rest(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_bytes((ROOT / ".gitignore").read_bytes())
    kept = {"assets/README.md", "assets/checksums.sha256", "assets/ner/train.conll"}
    ignored = {asset["dest"] for asset in RAW["assets"] if "checksum" in asset}
    ignored |= {"training/x", "corpus/x", "metrics/x", "packages/x", ".venv/x", "project.lock"}
    command = ["git", "check-ignore", *kept, *ignored]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert set(result.stdout.splitlines()) == ignored
