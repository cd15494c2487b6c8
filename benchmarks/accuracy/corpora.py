"""The corpora of the benchmark, and how either side is trained on them."""

import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wasabi import msg
from weasel.util import load_project_config

from ..project import run_project
from .sources import Source, spacy_files, universal_tags

VECTORS = "training/vectors/glove-6b-50d"
RICH_VECTORS = "training/vectors/glove-6b-158d"  # with more dimensions and lists of names
CONFIGS = Path("benchmarks/accuracy")  # relative, since results contain it
OURS, SPACY = "spacy-seqrnn", "spaCy"
# OURS is the accuracy recipe; these are the efficiency recipe and the ensemble of three models.
EFFICIENCY, ENSEMBLE = f"{OURS}-efficiency", f"{OURS}-ensemble"
# With a language model's states beside the encoder: one model, and the ensemble
LM, LM_ENSEMBLE = f"{OURS}-lm", f"{OURS}-lm-ensemble"
# With vectors learned from raw text of its kind behind the others: one model, and the ensemble
OWN, OWN_ENSEMBLE = f"{OURS}-own", f"{OURS}-own-ensemble"
ENSEMBLES = (ENSEMBLE, LM_ENSEMBLE, OWN_ENSEMBLE)
# Vectors that know the words of such texts already need smaller corrections.
SLOW = ["--components.textcat.model.tok2vec.embed.correction_scale", "0.1"]
SIDES = [EFFICIENCY, OURS, ENSEMBLE, LM, LM_ENSEMBLE, OWN, OWN_ENSEMBLE, SPACY]
# What `task` is scored by, as the table names it
METRICS = {"ner": "entity F1", "textcat": "accuracy", "tagger": "accuracy"}
NER_ACCURACY, NER_ENSEMBLE = "configs/ner_accuracy.cfg", "configs/ner_ensemble.cfg"


@dataclass(frozen=True)
class Corpus:
    """One row of the table.

    title: its name in the table.
    task: "ner", "textcat" or "tagger".
    vectors: whether the recipes use word vectors.
    lang: language of spaCy's side.
    language_model: the pipeline of one for its kind of text, which its own workflow trains.
    own_vectors: vectors that are learned from its kind of text too, by a workflow of their own.
    source: where it comes from; None if the project has a workflow of the corpus's name.
    published: scores in the literature for recurrent networks without a language model.
    """

    title: str
    task: str
    vectors: bool = True
    lang: str = "en"
    language_model: str | None = None
    own_vectors: str | None = None
    source: Source | None = None
    published: list[str] = field(default_factory=list)

    @property
    def sides(self) -> list[str]:
        """The sides that it can be measured with: there is one recipe for parts of speech."""
        if self.task == "tagger":
            return [OURS, SPACY]
        needed: dict[str, Any] = dict.fromkeys((LM, LM_ENSEMBLE), self.language_model)
        needed |= {OWN: self.own_vectors, OWN_ENSEMBLE: self.task == "ner" and self.own_vectors}
        return [side for side in SIDES if needed.get(side, True)]

    @property
    def metric(self) -> str:
        """The metric of the table, in per cent."""
        return METRICS[self.task]


CORPORA = {
    "conll2003": Corpus(
        "CoNLL-2003 English",
        "ner",
        language_model="training/news/model-best",
        published=["90.94 Lample 2016", "91.21 Ma and Hovy 2016", "91.35 Yang 2018 (all 100d)"],
    ),
    "wnut17": Corpus(
        "WNUT-17",
        "ner",
        language_model="training/social/model-best",
        own_vectors="training/vectors/social",
        published=["41.9 Aguilar 2017 (gazetteers, 400d)"],
    ),
    "conll2002": Corpus(
        "CoNLL-2002 Spanish, no vectors",
        "ner",
        vectors=False,
        lang="es",
        published=["85.75 Lample 2016 (64d vectors)"],
    ),
    "wikigold": Corpus("Wikigold", "ner", source=spacy_files("ner/wikigold")),
    "gum": Corpus("GUM, 12 kinds of text", "ner", source=spacy_files("ner/gum")),
    "ewt": Corpus("UD English EWT, parts of speech", "tagger", source=universal_tags("en_ewt-ud")),
    "ewt-no-vectors": Corpus(
        "UD English EWT, parts of speech, no vectors",
        "tagger",
        vectors=False,
        source=universal_tags("en_ewt-ud"),
    ),
    "rt-polarity": Corpus(
        "rt-polarity",
        "textcat",
        own_vectors="training/vectors/reviews",
        published=["81.0 BLSTM with attention (300d)"],
    ),
    "sst2": Corpus(
        "SST-2, sentences only",
        "textcat",
        own_vectors="training/vectors/reviews",
        published=["84.9 LSTM, 87.5 BiLSTM (300d, phrases)"],
    ),
    "movie-reviews": Corpus("movie-reviews", "textcat"),
}


def preparation(name: str) -> list[str]:
    """The project's commands to run before training; without a workflow, those for word vectors."""
    if CORPORA[name].source:
        return ["rich-vectors"] if vectors_of(name) == RICH_VECTORS else []
    workflow: list[str] = load_project_config(Path.cwd())["workflows"][name]
    return workflow[: workflow.index(f"train-{name}")]


def prepare(name: str, data: Path | None = None) -> None:
    """Fetch, verify and convert a corpus with the project's own commands, or take it from `data`.

    data: a folder of corpora, for those without a workflow. None: they are in `corpus/` already.
    """
    target, source = Path("corpus", name), CORPORA[name].source
    if source and data:
        target.mkdir(parents=True, exist_ok=True)
        source(data, target)
    elif source and not target.exists():
        msg.fail(
            f"{CORPORA[name].title} is not one of the project's corpora: name a folder that has it "
            "with --data.",
            exits=1,
        )
    for command in preparation(name):
        run_project(command)
    for side in set(CORPORA[name].sides) & {LM, LM_ENSEMBLE}:
        write_config(CORPORA[name], side)


def write_config(corpus: Corpus, side: str) -> None:
    """Write the recipe of a side with a language model, if that is trained."""
    if corpus.language_model and Path(corpus.language_model).exists():
        target = str(config_of(corpus, side))
        command = [sys.executable, "-m", "spacy", "seqrnn", "init-config", target, "--force"]
        command += ["--optimize", "accuracy", "--lm", corpus.language_model]
        command += ["--vectors", RICH_VECTORS, *(["--ensemble"] if side == LM_ENSEMBLE else [])]
        subprocess.run(command, check=True)


def training_command(name: str, side: str, seed: int, output: Path) -> list[str]:
    """The command line that trains one side; ours is the project's own command where it has one."""
    corpus = CORPORA[name]
    if side == SPACY:
        command = train_on(name, CONFIGS / f"spacy_{corpus.task}.cfg", seed, output)
        command += ["--nlp.lang", corpus.lang]
        if corpus.vectors:
            return command
        embed = f"components.{corpus.task}.model.tok2vec.embed"
        return [*command, f"--{embed}.include_static_vectors", "false"]
    config = config_of(corpus, side)
    if corpus.source or side == EFFICIENCY:
        return train_on(name, config, seed, output)
    # A workflow has one or the other, depending on the size of its data.
    alone, first = "--components.seqrnn_ner.model.", "members.first."
    command = []
    for part in recipe(name, seed, output):
        if part in (NER_ACCURACY, NER_ENSEMBLE):
            command.append(str(config))
        elif part.startswith(alone + first) and side not in ENSEMBLES:
            command.append(part.replace(first, "", 1))
        elif part == vectors_of(name) and side in (OWN, OWN_ENSEMBLE):
            command.append(str(corpus.own_vectors))
        else:
            command.append(part)
    return [*command, *SLOW] if side == OWN and corpus.task == "textcat" else command


def config_of(corpus: Corpus, side: str) -> Path:
    """The recipe of one of our sides."""
    if corpus.task == "tagger":
        return Path("configs", "tagger_vectors.cfg" if corpus.vectors else "tagger.cfg")
    if side in (ENSEMBLE, OWN_ENSEMBLE):
        return Path(NER_ENSEMBLE)
    if corpus.language_model and side in (LM, LM_ENSEMBLE):
        lm = Path(corpus.language_model).parent
        return lm.with_name(f"{lm.name}-{side}.cfg")
    return Path(f"configs/{corpus.task}_{'efficiency' if side == EFFICIENCY else 'accuracy'}.cfg")


def train_on(name: str, config: Path, seed: int, output: Path) -> list[str]:
    """The command line that trains any config on a corpus."""
    command = [sys.executable, "-m", "spacy", "train", str(config), "--output", str(output)]
    command += ["--training.seed", str(seed)]
    command += ["--paths.train", f"corpus/{name}/train.spacy"]
    command += ["--paths.dev", f"corpus/{name}/dev.spacy"]
    vectors = vectors_of(name)
    return [*command, "--paths.vectors", vectors] if vectors else command


def vectors_of(name: str) -> str | None:
    """The word vectors that all sides have on a corpus: of words alone, or of names too."""
    corpus = CORPORA[name]
    if not corpus.vectors:
        return None
    return VECTORS if corpus.task == "textcat" else RICH_VECTORS


def recipe(name: str, seed: int, output: Path) -> list[str]:
    """The training command of project.yml, with another seed and output folder."""
    config = load_project_config(Path.cwd(), overrides={"vars.seed": seed})
    (line,) = next(c for c in config["commands"] if c["name"] == f"train-{name}")["script"]
    command = shlex.split(line)
    command[0] = sys.executable
    command[command.index("--output") + 1] = str(output)
    return command
