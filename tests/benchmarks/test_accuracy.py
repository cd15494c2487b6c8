"""The parts of the accuracy benchmark that determine its table."""

import lzma
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from benchmarks.accuracy import corpora
from benchmarks.accuracy.ablation import changed_config, whole_sequences
from benchmarks.accuracy.ablation_page import caution, corpus_table, difference, in_short
from benchmarks.accuracy.corpora import (
    CORPORA,
    EFFICIENCY,
    ENSEMBLE,
    LM,
    LM_ENSEMBLE,
    OURS,
    OWN,
    OWN_ENSEMBLE,
    SIDES,
    SPACY,
    preparation,
    prepare,
    training_command,
    vectors_of,
)
from benchmarks.accuracy.corpora import (
    config_of as recipe_of,
)
from benchmarks.accuracy.errors import HEADLINE, OTHER, TABLE, kind_of_sentence, table
from benchmarks.accuracy.results import markdown_table, replace_section, spread
from benchmarks.accuracy.scores import (
    entity_counts,
    interval,
    is_correct,
    percent,
    seqeval_f1,
    tag_counts,
)
from benchmarks.accuracy.sources import universal_tags
from benchmarks.accuracy.variants import BASE, RECIPES, VARIANTS
from spacy_seqrnn.report.gather import TrainingWords
from spacy_seqrnn.report.scores import f1

from ..lm.models import make_lm

ROOT = Path(__file__).parents[2]
VOCAB = spacy.blank("en").vocab
WORDS = ["Anna", "Berg", "met", "Bob"]


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def make_doc(*spans: tuple[int, int, str]) -> Doc:
    doc = Doc(VOCAB, words=WORDS)
    doc.ents = [Span(doc, start, end, label=label) for start, end, label in spans]
    return doc


GOLD = make_doc((0, 2, "PER"), (3, 4, "PER"))
EXAMPLES = [
    Example(make_doc((0, 2, "PER"), (3, 4, "LOC")), GOLD),
    Example(make_doc((0, 1, "PER")), GOLD),
    Example(make_doc(), make_doc()),
]


def test_entities_are_counted_by_span_and_label() -> None:
    counts = np.asarray([entity_counts(example) for example in EXAMPLES])
    assert counts.tolist() == [[1, 2, 2], [0, 1, 2], [0, 0, 0]]
    assert f1(counts.sum(axis=0)) == pytest.approx(2 / 7)
    assert seqeval_f1(EXAMPLES) == pytest.approx(2 / 7)


def test_interval_holds_the_score_and_shrinks_with_more_documents() -> None:
    random = np.random.default_rng(0)
    widths = []
    for n in (100, 10_000):
        gold = random.integers(1, 4, n)
        counts = np.stack([random.binomial(gold, 0.8), gold, gold], axis=1)
        low, high = interval(counts, f1)
        assert low < percent(f1(counts.sum(axis=0))) < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 5


def test_categories_are_compared_by_their_best() -> None:
    doc, gold = Doc(VOCAB, words=["a"]), Doc(VOCAB, words=["a"])
    gold.cats = {"pos": 1.0, "neg": 0.0}
    doc.cats = {"pos": 0.4, "neg": 0.3}
    assert is_correct(Example(doc, gold))
    doc.cats = {"pos": 0.4, "neg": 0.6}
    assert not is_correct(Example(doc, gold))


@pytest.mark.parametrize(
    ("name", "side"), [(name, side) for name, corpus in CORPORA.items() for side in corpus.sides]
)
def test_trainings_take_the_seed_and_the_folder(name: str, side: str, tmp_path: Path) -> None:
    command = training_command(name, side, 7, tmp_path)
    # The project's own workflows save whole checkpoints, and train the same.
    has_workflow = CORPORA[name].source is None
    in_workflow = has_workflow and side not in (EFFICIENCY, SPACY)
    group = ["seqrnn"] if in_workflow else []
    assert command[1 : 4 + len(group)] == ["-m", "spacy", *group, "train"]
    planned = preparation(name)[-1:] == [f"plan-{name}"] and side not in (EFFICIENCY, SPACY)
    if planned:  # the workflow has written it
        assert config_of(command) == f"corpus/{name}/config.cfg"
    elif side not in (LM, LM_ENSEMBLE):  # whose recipe is written when its language model is there
        assert (ROOT / config_of(command)).is_file()
    for option, value in [("--output", str(tmp_path)), ("--training.seed", "7")]:
        assert command[command.index(option) + 1] == value
    wanted = CORPORA[name].own_vectors if side in (OWN, OWN_ENSEMBLE) else vectors_of(name)
    assert ("--paths.vectors" in command) == CORPORA[name].vectors == (wanted is not None)
    if wanted:
        assert command[command.index("--paths.vectors") + 1] == wanted
    if has_workflow or wanted:
        assert preparation(name)[-1].startswith(("convert-", "vectors", "rich-vectors", "plan-"))
    if side == OURS and not planned:
        assert config_of(command).startswith("configs/")


def config_of(command: list[str]) -> str:
    return command[command.index("train") + 1]


CONFIGS = {
    OURS: "ner_accuracy",
    OWN: "ner_accuracy",
    ENSEMBLE: "ner_ensemble",
    OWN_ENSEMBLE: "ner_ensemble",
    EFFICIENCY: "ner_efficiency",
}


@pytest.mark.parametrize(
    ("name", "side"),
    [
        (name, side)
        for name in ("conll2003", "wnut17")
        for side in CORPORA[name].sides
        if side in CONFIGS
    ],
)
def test_each_side_has_its_recipe(name: str, side: str, tmp_path: Path) -> None:
    """Whichever of the two the project's own workflow has, with its options."""
    command = training_command(name, side, 0, tmp_path)
    assert config_of(command) == f"configs/{CONFIGS[side]}.cfg"
    if side != EFFICIENCY:
        weighted = "--components.seqrnn_ner.label_weights" in command
        assert weighted == (name == "wnut17")
        member = "members.first." * (side in (ENSEMBLE, OWN_ENSEMBLE))
        overridden = f"--components.seqrnn_ner.model.{member}adversarial" in command
        assert overridden == (name == "wnut17")


@pytest.mark.parametrize(("name", "side"), [("wnut17", OWN_ENSEMBLE), ("rt-polarity", OWN)])
def test_own_vectors_are_measured_as_the_project_uses_them(
    name: str, side: str, tmp_path: Path
) -> None:
    own = corpora.recipe(f"{name}-own", 0, tmp_path)
    # The options may be in another order.
    assert sorted(training_command(name, side, 0, tmp_path)) == sorted(own)


@pytest.mark.parametrize(("side", "members"), [(LM, 0), (LM_ENSEMBLE, 3)])
def test_recipes_with_a_language_model_are_written(
    side: str, members: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the language model is there; the training command reads what is written."""
    source = tmp_path / "news" / "model-best"
    corpus = replace(CORPORA["conll2003"], language_model=str(source))
    monkeypatch.setitem(CORPORA, "conll2003", corpus)
    config = recipe_of(corpus, side)
    corpora.write_config(corpus, side)
    assert not config.exists()
    source.parent.mkdir()
    make_lm().to_disk(source)
    corpora.write_config(corpus, side)
    text = config.read_text()
    assert text.count("spacy-seqrnn.FeatureTok2Vec.v1") == 1
    assert f'source = "{source}"' in text
    assert text.count("${components.seqrnn_ner.model.members.first}") == max(0, members - 1)
    assert config_of(training_command("conll2003", side, 0, tmp_path)) == str(config)


def test_only_corpora_with_text_of_their_kind_have_its_sides() -> None:
    for corpus in CORPORA.values():
        assert (LM in corpus.sides) == (corpus.language_model is not None)
        assert (OWN in corpus.sides) == (corpus.own_vectors is not None)
        assert (OWN_ENSEMBLE in corpus.sides) <= (corpus.task == "ner")
    assert set(CORPORA["wnut17"].sides) == set(SIDES)


SENTENCES = """\
# sent_id = 1
# text = It doesn't.
1\tIt\tit\tPRON\tPRP\t_\t2\tnsubj\t_\t_
2-3\tdoesn't\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No
2\tdoes\tdo\tAUX\tVBZ\t_\t0\troot\t_\t_
3\tn't\tnot\tPART\tRB\t_\t2\tadvmod\t_\t_
4\t.\t.\tPUNCT\t.\t_\t2\tpunct\t_\t_

# sent_id = 2
# text = Stop
1\tStop\tstop\tVERB\tVB\t_\t0\troot\t_\t_

"""


def test_tags_of_a_treebank_are_its_universal_parts_of_speech(tmp_path: Path) -> None:
    data, target = tmp_path / "data", tmp_path / "target"
    (data / "ud").mkdir(parents=True)
    target.mkdir()
    for part in ("train.rebuilt", "dev", "test"):
        (data / "ud" / f"x-{part}.conllu.xz").write_bytes(lzma.compress(SENTENCES.encode()))
    universal_tags("x")(data, target)
    for part in ("train", "dev", "test"):
        docs = list(DocBin().from_disk(target / f"{part}.spacy").get_docs(VOCAB))
        assert all(doc.has_unknown_spaces for doc in docs)  # or spaCy would tokenize their text
        assert [[(t.text, t.tag_) for t in doc] for doc in docs] == [
            [("It", "PRON"), ("does", "AUX"), ("n't", "PART"), (".", "PUNCT")],
            [("Stop", "VERB")],
        ]


def test_a_corpus_without_a_workflow_comes_from_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(corpora, "preparation", lambda name: [])
    with pytest.raises(SystemExit, match="1"):
        prepare("gum")
    assert "name a folder that has it with --data" in " ".join(capsys.readouterr().out.split())
    data = tmp_path / "data" / "ner" / "gum"
    data.mkdir(parents=True)
    for part in ("train", "dev", "test"):
        (data / f"{part}.spacy").write_text(part)
    prepare("gum", tmp_path / "data")
    for part in ("train", "dev", "test"):
        assert Path("corpus", "gum", f"{part}.spacy").read_text() == part
    prepare("gum")  # it is there now


def test_errors_are_counted_in_every_group_of_an_entity() -> None:
    words = ["ANNA", "BERG", "MET", "BOB", "3"]
    trained = TrainingWords(frozenset({"bob"}), frozenset({("bob",)}))

    def entities(*spans: tuple[int, int, str]) -> Doc:
        doc = Doc(VOCAB, words=words)
        doc.ents = [Span(doc, start, end, label=label) for start, end, label in spans]
        return doc

    gold = entities((0, 2, "PER"), (3, 4, "PER"))
    found = entities((0, 1, "PER"), (2, 3, "LOC"), (3, 4, "PER"))
    rows = {
        line.split(" | ")[0].strip("| "): line.strip("| ").split(" | ")[1:]
        for line in table([Example(found, gold)], trained).splitlines()[2:]
    }
    # annotated, F1, other type, other bounds, both, missed, spurious
    assert rows["all"] == rows[HEADLINE] == ["2", "40.0", "0", "1", "0", "0", "1"]
    assert rows["PER"] == ["2", "50.0", "0", "1", "0", "0", "0"]
    assert rows["LOC"] == ["0", "0.0", "0", "0", "0", "0", "1"]
    assert rows["seen as an entity"] == ["1", "100.0", "0", "0", "0", "0", "0"]
    assert rows["a word unseen"] == ["1", "0.0", "0", "1", "0", "0", "1"]
    assert rows[OTHER] == rows[TABLE] == ["0", "0.0", "0", "0", "0", "0", "0"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SOCCER - JAPAN GET LUCKY WIN .", HEADLINE),
        ("BERLIN 1996-08-25", TABLE),
        ("Bitar pulled off fine saves", OTHER),
        ("EU rejects German call", OTHER),
        ("A B", OTHER),
    ],
)
def test_sentences_are_told_apart(text: str, kind: str) -> None:
    assert kind_of_sentence(Doc(VOCAB, words=text.split())) == kind


def test_tags_are_counted_by_token() -> None:
    gold = Doc(VOCAB, words=WORDS, tags=["PROPN", "PROPN", "VERB", "PROPN"])
    doc = Doc(VOCAB, words=WORDS, tags=["PROPN", "NOUN", "VERB", "PROPN"])
    assert tag_counts(Example(doc, gold)) == (3, 4)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_is_a_config_that_can_be_built(name: str) -> None:
    config = ROOT / RECIPES[name]
    names = [variant.name for variant in VARIANTS[name]]
    assert len(set(names)) == len(names)
    for variant in VARIANTS[name]:
        changed = changed_config(config, variant.changes)
        spacy.util.load_model_from_config(changed, auto_fill=True)


def test_only_whole_sequences_are_entities() -> None:
    labels = ("LOC", "PER")
    # O 0, B-LOC 1, I-LOC 2, L-LOC 3, U-LOC 4, B-PER 5, I-PER 6, L-PER 7, U-PER 8
    doc = Doc(VOCAB, words=["w"] * 14)
    tags = np.asarray([5, 7, 1, 2, 3, 8, 5, 3, 7, 1, 0, 3, 5, 6])
    found = [(span.start, span.end, span.label_) for span in whole_sequences(doc, tags, labels)]
    assert found == [(0, 2, "PER"), (2, 5, "LOC"), (5, 6, "PER")]


def test_tables_stand_between_their_comments(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- table -->\nold\n<!-- /table -->\nafter\n")
    replace_section(page, "table", markdown_table(["a", "b"], [["x", "1"]]))
    new = "before\n<!-- table -->\n| a | b |\n| --- | --: |\n| x | 1 |\n<!-- /table -->\nafter\n"
    assert page.read_text() == new
    with pytest.raises(ValueError, match="add the lines <!-- other --> and <!-- /other -->"):
        replace_section(page, "other", "text")


def test_spread_of_seeds() -> None:
    assert spread([90.0]) == "90.0"
    assert spread([90.0, 91.0]) == "90.5 ± 0.7"


def test_page_of_the_ablation_compares_with_the_recipe() -> None:
    def result(
        variant: str, score: float, seed: int = 0, parameters: int = 1_000_000
    ) -> dict[str, Any]:
        dev = {"score": score, "interval": [score - 1, score + 1]}
        values = {"variant": variant, "group": "G", "seed": seed, "dev": dev}
        return {**values, "parameters": parameters}

    results = [
        result("GRU", 89.0, parameters=750_000),
        result(BASE, 90.0),
        result(BASE, 91.0, seed=1),
    ]
    assert corpus_table("conll2003", results).splitlines()[2:] == [
        f"| G: {BASE} | 90.5 ± 0.7 | +0.0 | 1.00 |",
        "| G: GRU | 89.0 | -1.5 | 0.75 |",
    ]
    short = in_short({"conll2003": results}).splitlines()
    assert short[0] == "| instead of the recipe | CoNLL-2003 English, entity F1 |"
    assert short[2].endswith("| -1.5, 0.75 x the parameters |")
    assert short[3].endswith("|  |")
    assert "89.5 to 91.5" in caution("conll2003", results)
    assert difference(results[:1], results[:1]) == ""
