"""The component `seqrnn_lemmatizer`: dictionary, network, tags, and the table of what it wrote."""

import random
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli.evaluate import evaluate
from spacy.cli.train import train as spacy_train
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.util import load_model_from_config
from thinc.api import Adam, Config, fix_random_seed

from spacy_seqrnn.seq2seq.forms import AS_IT_IS, IN_LOWER_CASE, SIGNS, SPELL
from spacy_seqrnn.seq2seq.lemmatizer import RecurrentLemmatizer

from ..pipes import get_pipe
from ..small import small_tok2vec
from .models import small_seq2seq

Token = tuple[str, str, str]  # form, tag, lemma
ENDINGS = {"PAST": "ed", "ING": "ing", "PLAIN": ""}
IRREGULAR: list[Token] = [("went", "PAST", "go"), ("saw", "PAST", "see"), ("saw", "NOUN", "saw")]


def words(n: int, seed: int = 0) -> list[Token]:
    """Invented verbs with their forms."""
    generator = random.Random(seed)
    stems = ["".join(generator.choices("abdiklmort", k=generator.randint(3, 5))) for _ in range(n)]
    return [(stem + ending, tag, stem) for stem in stems for tag, ending in ENDINGS.items()]


TOKENS = [*words(60), *IRREGULAR * 2]
MANY = [*words(250), *IRREGULAR * 2]


def examples(nlp: Language, tokens: list[Token] = TOKENS, per_doc: int = 10) -> list[Example]:
    found = []
    for first in range(0, len(tokens), per_doc):
        forms, tags, lemmas = zip(*tokens[first : first + per_doc], strict=True)
        reference = Doc(nlp.vocab, words=list(forms), tags=list(tags), lemmas=list(lemmas))
        found.append(Example(Doc(nlp.vocab, words=list(forms)), reference))
    return found


def make_lemmatizer(tokens: list[Token] = TOKENS, **options: Any) -> Language:
    fix_random_seed(0)
    nlp = spacy.blank("xx")
    model = small_seq2seq(width=32)
    nlp.add_pipe("seqrnn_lemmatizer", config={"model": model, **options})
    nlp.initialize(lambda: examples(nlp, tokens))
    return nlp


def pipe_of(nlp: Language) -> RecurrentLemmatizer:
    found: RecurrentLemmatizer = get_pipe(nlp, "seqrnn_lemmatizer")
    return found


def train(nlp: Language, epochs: int, tokens: list[Token] = TOKENS) -> Language:
    optimizer = Adam(0.01)
    for _ in range(epochs):
        batch = examples(nlp, tokens)
        for first in range(0, len(batch), 3):
            nlp.update(batch[first : first + 3], sgd=optimizer, losses={})
    return nlp


def tagged(nlp: Language, tokens: list[Token], **options: Any) -> Doc:
    forms, tags, _ = zip(*tokens, strict=True)
    return Doc(nlp.vocab, words=list(forms), tags=list(tags), **options)


def lemmas(nlp: Language, tokens: list[Token]) -> list[str]:
    return [token.lemma_ for token in nlp(tagged(nlp, tokens))]


@pytest.fixture(scope="module")
def trained() -> Language:
    return train(make_lemmatizer(MANY), 25, MANY)


def test_it_lemmatizes_words_that_it_has_not_seen(trained: Language) -> None:
    new = sorted(set(words(40, seed=1)) - set(MANY))
    found = lemmas(trained, new)
    right = sum(own == lemma for own, (_, _, lemma) in zip(found, new, strict=True))
    assert right / len(new) > 0.9


def test_the_dictionary_comes_first(trained: Language) -> None:
    """Also for forms whose lemma depends on the tag."""
    assert lemmas(trained, IRREGULAR) == ["go", "see", "saw"]
    untrained = make_lemmatizer()
    assert lemmas(untrained, TOKENS) == [lemma for _, _, lemma in TOKENS]
    without = make_lemmatizer(use_dictionary=False)
    assert lemmas(without, TOKENS) != [lemma for _, _, lemma in TOKENS]
    assert without.get_pipe("seqrnn_lemmatizer").cfg["dictionary"] == {}  # type: ignore[attr-defined]


def test_the_dictionary_is_read_in_lower_case_too() -> None:
    """With the same tag, and after the form as it is."""
    nlp = make_lemmatizer([*TOKENS, ("Saw", "NAME", "Saw"), ("SAW", "NOUN", "saw")])
    assert lemmas(nlp, [("Saw", "PAST", ""), ("Went", "PAST", ""), ("Saw", "NAME", "")]) == [
        "see",
        "go",
        "Saw",
    ]
    written = [form for form, _ in pipe_of(nlp).sources([tagged(nlp, [("Saw", "X", "")])])]
    assert written == ["Saw"]


def test_the_network_reads_the_tag() -> None:
    """The same form with two tags, which no dictionary has."""
    ends = {"V": "", "N": "s"}
    stems = [stem for _, tag, stem in words(300) if tag == "PLAIN"]
    tokens = [(f"{stem}s", tag, stem + end) for stem in stems for tag, end in ends.items()]
    nlp = train(make_lemmatizer(tokens), 14, tokens)
    new = [("dortas", "V", "dorta"), ("dortas", "N", "dortas")]
    assert lemmas(nlp, new) == ["dorta", "dortas"]


def test_without_tags() -> None:
    nlp = make_lemmatizer(use_tags=False)
    counts = Counter(lemma for form, _, lemma in TOKENS if form == "saw")
    assert counts == {"see": 2, "saw": 2}
    assert lemmas(nlp, IRREGULAR) == ["go", "see", "see"]  # of two as frequent ones the first
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [token.lemma_ for token in nlp("went")] == ["go"]


def test_missing_tags_are_reported_once() -> None:
    nlp = make_lemmatizer()
    with pytest.warns(UserWarning, match="was trained with tags, but the documents have none"):
        assert [token.lemma_ for token in nlp("went saw")] == ["go", "see"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp("went")


def test_earlier_lemmas_are_kept() -> None:
    for overwrite, expected in [(False, ["gone", "see", "saw"]), (True, ["go", "see", "saw"])]:
        nlp = make_lemmatizer(overwrite=overwrite)
        doc = tagged(nlp, IRREGULAR, lemmas=["gone", "", ""])
        assert [token.lemma_ for token in nlp(doc)] == expected


def test_annotation_other_than_lemmas_is_untouched(trained: Language) -> None:
    doc = tagged(trained, IRREGULAR, heads=[0, 0, 1], deps=["a", "b", "c"], ents=["B-X", "O", "O"])
    before = doc.to_array(["TAG", "HEAD", "DEP", "ENT_TYPE", "SENT_START"]).tolist()
    trained(doc)
    assert doc.to_array(["TAG", "HEAD", "DEP", "ENT_TYPE", "SENT_START"]).tolist() == before
    assert doc.has_annotation("LEMMA")


@pytest.mark.filterwarnings("ignore:.*was trained with tags")
def test_odd_tokens(trained: Language) -> None:
    doc = Doc(trained.vocab, words=[" ", "\n\n", "went", "¤☃"], tags=["", "", "PAST", ""])
    found = [token.lemma_ for token in trained(doc)]
    assert found[:3] == [" ", "\n\n", "go"]
    assert [len(doc) for doc in trained.pipe(["", "abc", ""])] == [0, 1, 0]
    assert pipe_of(trained).predict([]).index == []


def test_each_distinct_form_is_written_once(
    trained: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    component: Any = pipe_of(trained)
    written: list[str] = []
    write = component.write

    def recorded(sources: list[Doc], **options: Any) -> Any:
        written.extend(source.text.replace(" ", "") for source in sources)
        return write(sources, **options)

    monkeypatch.setattr(component, "write", recorded)
    tokens = [("zzko", tag, "") for tag in ("PAST", "PAST", "NOUN")] + [("went", "PAST", "")]
    component._table.clear()
    expected = lemmas(trained, tokens)
    assert sorted(written) == ["TAG=NOUNzzko", "TAG=PASTzzko"]
    written.clear()
    assert lemmas(trained, tokens) == expected
    assert written == []  # they are in the table
    saved = component.to_bytes()
    component.from_bytes(saved)
    assert lemmas(trained, tokens) == expected
    assert len(written) == 2  # other weights, although the same numbers
    written.clear()
    with trained.use_params(
        {
            (node.id, name): node.get_param(name) * 0.5
            for node in component.model.walk()
            for name in node.param_names
        }
    ):
        other = lemmas(trained, tokens)
    assert other != expected
    assert lemmas(trained, tokens) == expected


def test_the_table_is_bounded() -> None:
    nlp = make_lemmatizer(table_size=3, use_dictionary=False)
    component: Any = pipe_of(nlp)
    one_by_one = make_lemmatizer(table_size=0, use_dictionary=False)
    for first in range(0, 30, 2):
        tokens = TOKENS[first : first + 2]
        assert lemmas(nlp, tokens) == lemmas(one_by_one, tokens)
        assert 0 < len(component._table) <= 3
    lemmas(nlp, TOKENS)
    assert len(component._table) <= 3
    assert not pipe_of(one_by_one)._table


def test_training_empties_the_table() -> None:
    nlp = make_lemmatizer(use_dictionary=False)
    before = lemmas(nlp, TOKENS[:6])
    train(nlp, 5)
    after = lemmas(nlp, TOKENS[:6])
    assert after != before
    pipe_of(nlp)._table.clear()
    assert lemmas(nlp, TOKENS[:6]) == after


def test_batches_change_nothing(trained: Language) -> None:
    component = pipe_of(trained)
    docs = [tagged(trained, words(5, seed)) for seed in range(2, 12)]
    component._table.clear()
    together = [[t.lemma_ for t in doc] for doc in trained.pipe([doc.copy() for doc in docs])]
    for doc, expected in zip(docs, together, strict=True):
        component._table.clear()
        assert [token.lemma_ for token in trained(doc.copy())] == expected


def test_scores(trained: Language) -> None:
    scores = trained.evaluate(examples(trained))
    assert 0.0 < scores["lemma_acc"] <= 1.0


def test_beside_a_tagger() -> None:
    """Which sets the tags that it reads, in training by annotating too."""
    nlp = spacy.blank("xx")
    tagger = {"@architectures": "spacy.Tagger.v2", "tok2vec": small_tok2vec()}
    nlp.add_pipe("tagger", config={"model": tagger})
    nlp.add_pipe("seqrnn_lemmatizer", config={"model": small_seq2seq(width=32)})
    batch = examples(nlp)
    nlp.initialize(lambda: batch)
    optimizer = Adam(0.02)
    for _ in range(40):
        nlp.update(batch, sgd=optimizer, losses={}, annotates=["tagger"])
    scores = nlp.evaluate(examples(nlp))
    assert scores["tag_acc"] > 0.9
    assert scores["lemma_acc"] > 0.9
    assert pipe_of(nlp).cfg["has_tags"]


def test_what_a_sign_stands_for_is_spelled_too() -> None:
    """Each form once, whatever its tags."""
    tokens = [("Ab", "X", "Ab"), ("Ab", "Y", "Ab"), ("Cd", "X", "cd"), ("ef", "X", "e")]
    nlp = make_lemmatizer(tokens)
    sources, targets = pipe_of(nlp)._read(examples(nlp, tokens))
    assert [[token.text for token in source] for source in sources] == [
        ["TAG=X", "A", "b"],
        ["TAG=Y", "A", "b"],
        ["TAG=X", "C", "d"],
        ["TAG=X", "e", "f"],
        [SPELL, "A", "b"],
        [SPELL, "C", "d"],
    ]
    assert targets == [AS_IT_IS, AS_IT_IS, IN_LOWER_CASE, "e", "Ab", "cd"]
    # Of equally frequent ones the first, so that they are the same in each process
    assert pipe_of(nlp).cfg["units"] == [AS_IT_IS, "A", "b", IN_LOWER_CASE, "c", "d", "e"]


def test_long_forms_are_not_misspelled() -> None:
    """Longer ones than any of the training data, with letters that it does not have."""
    tokens = [(word, "", word) for word, _, _ in TOKENS]
    nlp = train(make_lemmatizer(tokens, use_tags=False), 20, tokens)
    new = ["https://www.example.org/~ünï/9000?q=" + "x" * 200, "------------------------"]
    assert lemmas(nlp, [(form, "", "") for form in new]) == new


def test_the_signs_themselves_are_only_characters(trained: Language) -> None:
    forms = [*SIGNS, f"a{AS_IT_IS}b"]
    assert lemmas(trained, [(form, "PAST", "") for form in forms]) == forms


def test_pipelines_without_the_signs_go_on_learning() -> None:
    """Those that were saved before there were any."""
    nlp = make_lemmatizer()
    component = pipe_of(nlp)
    component.cfg["units"] = [unit for unit in component.cfg["units"] if unit not in SIGNS]
    _, targets = component._read(examples(nlp))
    assert not {*SIGNS} & set("".join(filter(None, targets)))
    assert "saw" in targets


def test_documents_of_two_vocabularies(trained: Language) -> None:
    """Each string store gets the lemmas."""
    docs = [tagged(spacy.blank("xx"), tokens) for tokens in (IRREGULAR, MANY[:5], IRREGULAR)]
    component = pipe_of(trained)
    component.set_annotations(docs, component.predict(docs))
    found = [[token.lemma_ for token in doc] for doc in docs]
    assert found[0] == found[2] == ["go", "see", "saw"]
    assert found[1] == lemmas(trained, MANY[:5])


def test_saving_and_loading(trained: Language, tmp_path: Path) -> None:
    tokens = [*TOKENS, *words(20, seed=3)]
    expected = lemmas(trained, tokens)
    trained.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert lemmas(loaded, tokens) == expected
    assert loaded.to_bytes() == trained.to_bytes()
    blank = load_model_from_config(trained.config).from_bytes(trained.to_bytes())
    assert lemmas(blank, tokens) == expected


def test_several_processes(trained: Language) -> None:
    docs = [tagged(trained, words(4, seed)) for seed in range(6)]
    expected = [[t.lemma_ for t in doc] for doc in trained.pipe([doc.copy() for doc in docs])]
    found = trained.pipe(docs, n_process=2, batch_size=2)
    assert [[token.lemma_ for token in doc] for doc in found] == expected


@pytest.mark.filterwarnings("ignore:.*was trained with tags")
def test_spacy_train_and_evaluate(tmp_path: Path) -> None:
    nlp = make_lemmatizer()
    docs = [example.reference for example in examples(nlp)]
    DocBin(docs=docs).to_disk(tmp_path / "docs.spacy")
    corpus = {"@readers": "spacy.Corpus.v1", "path": str(tmp_path / "docs.spacy")}
    training = {"max_steps": 4, "eval_frequency": 2}
    config = {**nlp.config, "corpora": {"train": corpus, "dev": corpus}}
    made = load_model_from_config(Config(config), auto_fill=True).config
    made["training"].update(training)
    made.to_disk(tmp_path / "config.cfg")
    spacy_train(tmp_path / "config.cfg", tmp_path / "output")
    model, data = tmp_path / "output/model-last", tmp_path / "docs.spacy"
    scores = evaluate(str(model), data, silent=True)
    assert 0 < scores["lemma_acc"] <= 1
    meta = spacy.load(model).meta["performance"]
    assert scores["lemma_acc"] == pytest.approx(meta["lemma_acc"])


@pytest.mark.parametrize("option", ["source_unit", "target_unit"])
def test_models_of_words_are_rejected(option: str) -> None:
    nlp = spacy.blank("xx")
    model = {**small_seq2seq(), option: "words"}
    with pytest.raises(ValueError, match=f"`{option} = 'words'` does not go with a lemmatizer"):
        nlp.add_pipe("seqrnn_lemmatizer", config={"model": model})


def test_a_corpus_without_lemmas_is_rejected() -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("seqrnn_lemmatizer")
    doc = nlp.make_doc("a b")
    with pytest.raises(ValueError, match="no token of the training data has a lemma"):
        nlp.initialize(lambda: [Example(doc, doc.copy())])
