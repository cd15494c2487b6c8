"""`spacy seqrnn init-config`: its output is complete, valid and trains."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.util import load_config_from_str, load_model_from_config
from thinc.api import Config

import spacy_seqrnn.cli  # noqa: F401  # adds the command, as the entry point does
from spacy_seqrnn.cli.comments import with_comments
from spacy_seqrnn.cli.init_config import Optimize, Task, config_text, init_config, recipe

from .conftest import invoke, succeed

TASKS = [task.value for task in Task]
OPTIMIZE = [optimize.value for optimize in Optimize]
FACTORIES = {"ner": "seqrnn_ner", "lm": "seqrnn_lm", "text2text": "seqrnn_text2text"}
NO_OPTIONS: dict[str, bool] = {}
SHORT = [
    (task, optimize, vectors, NO_OPTIONS)
    for task, optimize, vectors in product(TASKS, OPTIMIZE, [None, "vectors"])
    if not (task == "text2text" and vectors)  # refused
]
OF_CHARACTERS = [("text2text", optimize, None, {"characters": True}) for optimize in OPTIMIZE]
LONG = [(*each[:3], {"long_texts": True}) for each in SHORT if each[0].startswith("textcat")]
ENSEMBLES = [
    (task, optimize, vectors, {"ensemble": True})
    for task, optimize, vectors, _ in SHORT
    if optimize == "accuracy" and (task in ("ner", "text2text") or task.startswith("textcat"))
]
ALL = SHORT + OF_CHARACTERS + LONG + ENSEMBLES


def filled(task: str = "ner", optimize: str = "efficiency", **options: Any) -> Config:
    config: Config = init_config(task=task, optimize=optimize, **options)
    return config


def components_of(task: str) -> list[str]:
    """The names of a recipe's components."""
    return ["tagger", "seqrnn_lemmatizer"] if task == "lemmatizer" else [FACTORIES.get(task, task)]


def named(block: Any, name: str) -> list[Any]:
    """The values of an option anywhere in a config."""
    if not isinstance(block, dict):
        return []
    found = [block[name]] if name in block else []
    return found + [value for inner in block.values() for value in named(inner, name)]


def layers(components: Any) -> list[set[str]]:
    return [set(block) for block in named(components, "layers") if isinstance(block, dict)]


def commented(text: str) -> list[tuple[str, str]]:
    """Each block of comments with the dotted name of the option or section below it."""
    section, pending, found = "", [], []
    for line in text.splitlines():
        if line.startswith("["):
            section = line[1:-1]
        if line.startswith("#"):
            pending.append(line)
        elif line and pending:
            name = section if line.startswith("[") else f"{section}.{line.split(' = ')[0]}"
            found.append((" ".join(pending), name))
            pending = []
    assert not pending
    return found


@pytest.mark.parametrize(("task", "optimize", "vectors", "options"), ALL)
def test_comments_are_where_the_recipe_has_them(
    task: str, optimize: str, vectors: str | None, options: dict[str, Any]
) -> None:
    text = config_text(task=task, optimize=optimize, vectors=vectors, lang="de", **options)
    expected = commented(recipe(task, optimize, vectors=vectors is not None, **options))
    assert len(expected) > 5
    assert sorted(commented(text)) == sorted(expected)
    config = filled(task, optimize, vectors=vectors, lang="de", **options)
    assert load_config_from_str(text) == load_config_from_str(config.to_str(interpolate=False))


def test_a_comment_that_is_about_nothing_is_not_lost() -> None:
    with pytest.raises(ValueError, match=r"no `a\.y` for a comment"):
        with_comments("[a]\nx = 1", "[a]\n# about y\ny = 2")


def test_values_over_several_lines_are_no_options() -> None:
    text = '[a]\nx = {"y": 1,\n\t"z = 3": 2}\ny = 4'
    source = "# head\n\n[a]\n# of y\n# and more\ny = 4"
    shown = '# head\n\n[a]\nx = {"y": 1,\n\t"z = 3": 2}\n# of y\n# and more\ny = 4\n'
    assert with_comments(text, source) == shown


@pytest.mark.parametrize(("task", "optimize", "vectors", "options"), ALL)
def test_every_recipe_is_complete(
    task: str, optimize: str, vectors: str | None, options: dict[str, Any]
) -> None:
    config = filled(task, optimize, vectors=vectors, lang="de", **options)
    nlp = load_model_from_config(config, auto_fill=False)  # rejects incomplete configs
    assert nlp.lang == "de"
    assert nlp.pipe_names == components_of(task)
    components = config["components"]
    assert config["paths"]["vectors"] == vectors
    assert (True in named(components, "include_static_vectors")) == (vectors is not None)
    learned = "spacy-seqrnn.WordEmbed.v1" in named(components, "@architectures")
    written = task in ("lemmatizer", "text2text")  # from characters or subwords, which are learned
    assert learned == (vectors is None or written)
    several = (task == "ner" and vectors is None) or bool({"ensemble", "characters"} & set(options))
    members = components[nlp.pipe_names[0]]["model"].get("members", {})
    assert bool(members) == ("long_texts" in options or (optimize == "accuracy" and several))
    # Affixes tell words apart that have no vector; the classifier of long documents has none.
    affixes = "spacy.MultiHashEmbed.v2" in named(components, "@architectures")
    short = task.startswith("textcat") and "long_texts" not in options
    assert affixes == (short and vectors is None)
    cells = {"sru"} if task.startswith("textcat") and optimize == "efficiency" else {"lstm"}
    cells |= {"sru"} if short and "ensemble" in options else set()
    assert set(named(components, "cell")) == cells
    if members:
        n_members = 3 if "long_texts" in options or task == "text2text" else 2
        assert len(members) == n_members + ("ensemble" in options and task == "ner")
    # spaCy adds blocks of a default that a recipe does not name: the recipe must name all.
    text = recipe(task, optimize, vectors=bool(vectors), **options)
    of_recipe = load_config_from_str(text)["components"]
    assert layers(components) == layers(of_recipe)
    exclusive = set(named(components, "exclusive_classes"))
    assert exclusive == ({task == "textcat"} if task.startswith("textcat") else set())


def test_recipes_differ() -> None:
    assert filled("tagger", "accuracy") != filled("tagger", "efficiency")
    long, short = (filled("textcat", long_texts=each)["training"] for each in (True, False))
    assert long["batcher"]["size"] > short["batcher"]["size"]


def test_debug_config_accepts_it(corpus: Path, tmp_path: Path) -> None:
    path = tmp_path / "config.cfg"
    printed = succeed("seqrnn", "init-config", path, "--task", "textcat", "-o", "accuracy")
    assert f"python -m spacy train {path} --output training" in printed
    paths = ["--paths.train", corpus, "--paths.dev", corpus]
    assert "Config is valid" in succeed("debug", "config", path, *paths)
    twice = tmp_path / "twice.cfg"
    assert "already complete" in succeed("init", "fill-config", path, twice)
    without = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert twice.read_text().strip() == "\n".join(without).strip()


def test_stdout_has_the_config_alone() -> None:
    printed = succeed("seqrnn", "init-config", "-", "--vectors", "en_core_web_none")
    assert Config().from_str(printed, interpolate=False) == filled(vectors="en_core_web_none")


def test_vectors_that_are_not_there_yet(tmp_path: Path) -> None:
    path, vectors = tmp_path / "config.cfg", tmp_path / "vectors"
    options = ["--vectors", vectors, "--force"]
    assert "There is no pipeline" in succeed("seqrnn", "init-config", path, *options)
    spacy.blank("en").to_disk(vectors)
    assert "There is no pipeline" not in succeed("seqrnn", "init-config", path, *options)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "optimize", "score"),
    [("ner", "accuracy", "ENTS_F"), ("tagger", "efficiency", "TAG_ACC")],
)
def test_it_trains(task: str, optimize: str, score: str, corpus: Path, tmp_path: Path) -> None:
    path, output = tmp_path / "config.cfg", tmp_path / "training"
    succeed("seqrnn", "init-config", path, "--task", task, "--optimize", optimize)
    steps = ["--training.max_steps", "3", "--training.eval_frequency", "3"]
    data = ["--paths.train", corpus, "--paths.dev", corpus]
    assert score in succeed("train", path, "--output", output, *data, *steps)
    assert spacy.load(output / "model-best").pipe_names == components_of(task)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--lang", "q"], "`lang = 'q'` is unknown to spaCy: set a language code"),
        (
            ["--ensemble"],
            "but `task = 'ner'`, `optimize = 'efficiency'` and `long_texts = False`: omit",
        ),
        (["--ensemble", "-o", "accuracy", "-t", "tagger"], "`--ensemble` is for entities, short"),
        (
            ["--ensemble", "-o", "accuracy", "-t", "textcat", "--long"],
            "`long_texts = True`: omit it",
        ),
        (["--long"], "`--long` is for text categories, but `task = 'ner'`: omit it"),
        (["-t", "ner", "--characters"], "`--characters` is for texts that are written, but"),
        (["-t", "text2text", "--vectors", "v"], "`task = 'text2text'` reads subwords: omit it"),
        (["-t", "lemmatizer", "--train", "t"], "and tags, not for lemmas: omit it"),
        (["-t", "text2text", "--train", "t"], "not for texts that are written: omit it"),
        (["-t", "lemmatizer", "--lm", "m"], "`task = 'lemmatizer'`: omit it"),
    ],
)
def test_options_that_cannot_work(options: list[str], sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "config.cfg"
    result = invoke("seqrnn", "init-config", path, *options)
    assert result.exit_code == 1
    assert sentence in " ".join(result.output.split())
    assert not path.exists()


def test_unknown_task_names_those_there_are(tmp_path: Path) -> None:
    result = invoke("seqrnn", "init-config", tmp_path / "config.cfg", "--task", "parser")
    assert result.exit_code == 2
    assert all(f"'{task}'" in result.output for task in TASKS)
    with pytest.raises(
        ValueError, match="`task = 'parser'` is unknown: set it to one of ner, text"
    ):
        init_config(task="parser")


def test_existing_files_stay(tmp_path: Path) -> None:
    path = tmp_path / "config.cfg"
    path.write_text("mine")
    result = invoke("seqrnn", "init-config", path)
    assert result.exit_code == 1
    assert "add --force to overwrite it" in " ".join(result.output.split())
    assert path.read_text() == "mine"
    succeed("seqrnn", "init-config", path, "--force")
    assert Config().from_disk(path)["nlp"]["pipeline"] == ["seqrnn_ner"]
