"""`spacy seqrnn init-config`: write a training config, as `spacy init config` does."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer
from jinja2 import Environment, StrictUndefined
from wasabi.printer import Printer

from .app import FORCE, seqrnn_cli
from .comments import with_comments
from .language_model import add_language_model
from .output import busy, check_targets, clear_errors, write
from .plan import Plan, has_pipeline, make_plan

TEMPLATES = Path(__file__).parent / "templates"
OWN_TEMPLATES = {"lm": "lm.jinja", "text2text": "text2text.jinja"}  # by task
# Tasks that lengths and labels of the training data say nothing about
UNPLANNED = {
    "lemmatizer": "lemmas",
    "lm": "a language model",
    "text2text": "texts that are written",
}


class Task(StrEnum):
    """The task of the pipeline, with spaCy's components for text categories and tags."""

    ner = "ner"
    textcat = "textcat"
    textcat_multilabel = "textcat_multilabel"
    tagger = "tagger"
    lemmatizer = "lemmatizer"
    lm = "lm"
    text2text = "text2text"


class Optimize(StrEnum):
    """The two kinds of recipes, as in `spacy init config`."""

    efficiency = "efficiency"
    accuracy = "accuracy"


OUTPUT = typer.Argument(..., help="File to write, or - for stdout (only the config)")
LANG = typer.Option(
    "en",
    "--lang",
    "-l",
    help="Language code, such as en, or xx for several languages; the data do not contain it",
)
TASK = typer.Option(Task.ner, "--task", "-t", help="What the pipeline does")
OPTIMIZE = typer.Option(
    Optimize.efficiency,
    "--optimize",
    "-o",
    help="Aim for speed, or for scores with larger models or ensembles",
)
VECTORS = typer.Option(
    None,
    "--vectors",
    "-v",
    help="Pipeline with word vectors, such as en_core_web_lg; without one, vectors are learned",
    show_default=False,
)
LM = typer.Option(
    None,
    "--lm",
    help="Pipeline with a language model, whose states are features of the words (ner, textcat, "
    "tagger)",
    show_default=False,
)
TRAIN = typer.Option(
    None,
    "--train",
    help="Training data: a .spacy file or a folder of them, which determine component, batches and "
    "length of training",
    show_default=False,
)
LONG = typer.Option(False, "--long", help="For texts of many hundreds of words (textcat only)")
ENSEMBLE = typer.Option(
    False,
    "--ensemble",
    help="Ensemble of two or three models, for a few thousand training texts (ner, textcat, "
    "text2text)",
)
BOTH = typer.Option(
    False,
    "--both-directions",
    help="Also read right to left, so that other components can use the states (lm only)",
)
CHARACTERS = typer.Option(
    False,
    "--characters",
    help="For words, character by character: inflection, spelling (text2text only)",
)


@seqrnn_cli.command("init-config")
def init_config_cli(
    output: Path = OUTPUT,
    lang: str = LANG,
    task: Task = TASK,
    optimize: Optimize = OPTIMIZE,
    vectors: str | None = VECTORS,
    long_texts: bool = LONG,
    ensemble: bool = ENSEMBLE,
    both_directions: bool = BOTH,
    characters: bool = CHARACTERS,
    lm: str | None = LM,
    train: Path | None = TRAIN,
    force: bool = FORCE,
) -> None:
    """Write a config for `spacy train`, complete with all defaults."""
    is_stdout = str(output) == "-"
    msg = Printer(no_print=is_stdout)
    with clear_errors():
        check_targets([None if is_stdout else output], force=force)
        name, plan = task.value, None
        if train is not None:
            _check_planned(name)
            with busy("Reading the training data ..."):
                plan = make_plan(train, name, optimize.value, vectors)
            name, long_texts = plan.task, long_texts or plan.long_texts
            ensemble = ensemble or (optimize is Optimize.accuracy and plan.ensemble)
        with busy("Filling in the defaults ..."):
            text = config_text(
                lang=lang,
                task=name,
                optimize=optimize.value,
                vectors=vectors,
                long_texts=long_texts,
                ensemble=ensemble,
                both_directions=both_directions,
                characters=characters,
                lm=lm,
                plan=plan,
            )
        if is_stdout:
            print(text, end="")
            return
        write(output, text)
    if plan:
        msg.info(plan.summary)
    if vectors and not has_pipeline(vectors):
        msg.warn(
            f"There is no pipeline '{vectors}' yet: `python -m spacy download {vectors}` "
            "downloads spaCy's own."
        )
    msg.text("Train it on your data, with --gpu-id 0 on a GPU:")
    given, dev = ("texts/", "dev.txt") if task is Task.lm else ("train.spacy", "dev.spacy")
    data = f"--paths.train {train or given} --paths.dev {dev}"
    print(f"python -m spacy train {output} --output training {data}")


def _check_planned(task: str) -> None:
    """Raise ValueError for a task that `--train` does not plan."""
    if task in UNPLANNED:
        raise ValueError(
            f"`--train` plans for entities, categories and tags, not for {UNPLANNED[task]}: omit "
            "it, and give the data to `spacy train` with `--paths.train`."
        )


def config_text(*, vectors: str | None = None, **options: Any) -> str:
    """The content of a config file, with the comments of its recipe.

    The options are those of `init_config`.
    """
    config = init_config(vectors=vectors, **options)
    of_recipe = {name: value for name, value in options.items() if name not in ("lang", "lm")}
    return with_comments(
        config.to_str(interpolate=False), recipe(vectors=bool(vectors), **of_recipe)
    )


def init_config(
    *,
    lang: str = "en",
    task: str = "ner",
    optimize: str = "efficiency",
    vectors: str | None = None,
    long_texts: bool = False,
    ensemble: bool = False,
    both_directions: bool = False,
    characters: bool = False,
    lm: str | None = None,
    plan: Plan | None = None,
) -> Any:
    """A config that lacks only the paths of the corpora, as a `thinc.api.Config`.

    lang: code of a language that spaCy knows.
    vectors: the name of a package or the folder of a pipeline with word vectors. None: word vectors
        are learned with everything else.
    lm: the name of a package or the folder of a pipeline with a language model, whose states are
        used as features. None: there are no such features.

    The other options are those of `recipe`. Raises ValueError for a value that spaCy or this
    package does not know.
    """
    from spacy.util import (  # noqa: PLC0415
        get_lang_class,
        load_config_from_str,
        load_model_from_config,
    )

    try:
        get_lang_class(lang)
    except ImportError as error:
        raise ValueError(
            f"`lang = {lang!r}` is unknown to spaCy: set a language code such as en, "
            "or xx for several languages."
        ) from error
    text = recipe(
        task,
        optimize,
        vectors=bool(vectors),
        long_texts=long_texts,
        ensemble=ensemble,
        both_directions=both_directions,
        characters=characters,
        plan=plan,
    )
    config = load_config_from_str(text)
    config["nlp"]["lang"] = lang
    if vectors:
        config["paths"]["vectors"] = vectors
    if lm is not None:
        add_language_model(config["components"], lm, task=task, vectors=vectors)
    return load_model_from_config(config, auto_fill=True).config


def recipe(
    task: str,
    optimize: str,
    *,
    vectors: bool,
    long_texts: bool = False,
    ensemble: bool = False,
    both_directions: bool = False,
    characters: bool = False,
    plan: Plan | None = None,
) -> str:
    """The text of a config with comments, and without what spaCy fills in.

    task: one of `Task`.
    optimize: "accuracy" for larger models or ensembles, "efficiency" for a small model.
    vectors: use the pipeline's word vectors; if not, vectors are learned.
    long_texts: for texts of many hundreds of words, with text categories only.
    ensemble: three models for entities and text2text, or two for short texts, with
        `optimize = "accuracy"`. It helps most with little data.
    both_directions: a language model that also reads right to left.
    characters: texts that are written are words, character by character.
    plan: what follows from the training data; None if they are unknown.

    Raises ValueError for an unknown name, or an option that the task does not have.
    """
    from ..checks import check_choice  # noqa: PLC0415

    check_choice("task", task, [each.value for each in Task])
    check_choice("optimize", optimize, [each.value for each in Optimize])
    if long_texts and not task.startswith("textcat"):
        raise ValueError(
            f"`--long` is for text categories, but `task = {task!r}`: omit it, or set the "
            "task to textcat or textcat_multilabel."
        )
    if both_directions and task != "lm":
        raise ValueError(
            f"`--both-directions` is for language models, but `task = {task!r}`, whose encoder "
            "reads in both directions anyway: omit it, or set the task to lm."
        )
    if characters and task != "text2text":
        raise ValueError(
            f"`--characters` is for texts that are written, but `task = {task!r}`: omit it, or set "
            "the task to text2text."
        )
    if vectors and task == "text2text":
        raise ValueError(
            "`--vectors` are of words, but `task = 'text2text'` reads subwords: omit it."
        )
    has_ensemble = task in ("ner", "text2text") or task.startswith("textcat")
    if ensemble and (not has_ensemble or optimize != "accuracy" or long_texts):
        raise ValueError(
            "`--ensemble` is for entities, short texts or text2text with accuracy, but "
            f"`task = {task!r}`, `optimize = {optimize!r}` and `long_texts = {long_texts}`: omit "
            "it, or set ner, textcat or text2text, accuracy, and no `--long`."
        )
    environment = Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    path = TEMPLATES / OWN_TEMPLATES.get(task, "recipe.jinja")
    template = environment.from_string(path.read_text(encoding="utf8"))
    text = template.render(
        task=task,
        optimize=optimize,
        vectors=vectors,
        long_texts=long_texts,
        ensemble=ensemble,
        both_directions=both_directions,
        characters=characters,
        plan=plan,
    )
    # Omitted blocks leave blank lines behind.
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
