"""The component `seqrnn_text2text`: what it learns and writes, and how it is saved."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.util import load_model_from_config
from thinc.api import Adam

from spacy_seqrnn.seq2seq.decoder import NONE
from spacy_seqrnn.types import FloatsXd

from ..gradients import check_gradient
from .models import (
    WORDS,
    examples,
    make_text2text,
    pair,
    pipe_of,
    random_words,
    small_seq2seq,
    trained_text2text,
)

REVERSED = [word[::-1] for word in WORDS]


def outputs(nlp: Language, texts: list[str] = WORDS) -> list[str]:
    return [doc._.output for doc in nlp.pipe(texts)]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"attention": "additive", "cell": "gru", "depth": 2},
        {"attention": NONE},
        {"tied": True, "cell": "sru"},
        {"label_smoothing": 0.1, "cell": "rnn"},
    ],
    ids=str,
)
def test_it_learns_its_examples(options: dict[str, Any]) -> None:
    model = small_seq2seq(**options)
    assert outputs(make_text2text(model)) != REVERSED
    nlp = trained_text2text(model, steps=80)
    assert outputs(nlp) == REVERSED
    assert nlp.evaluate(examples(nlp))["output_exact"] == 1.0


def test_it_learns_to_reverse_words_that_it_has_not_seen() -> None:
    words = random_words(1200)
    nlp = make_text2text(small_seq2seq(width=48), words)
    optimizer = Adam(0.005)
    for epoch in range(8):
        batch = examples(nlp, random_words(1200))
        for first in range(0, len(batch), 32):
            nlp.update(batch[first : first + 32], sgd=optimizer, losses={})
        new = sorted(set(random_words(300, seed=epoch + 1)) - set(words))
        if nlp.evaluate(examples(nlp, new))["output_exact"] > 0.95:
            return
    pytest.fail("it has not learned to reverse words")


def test_words_to_words() -> None:
    numbers = {"one": "eins", "two": "zwei", "three": "drei"}
    texts = ["one two", "three", "two two one", "one three two"]
    wanted = [" ".join(numbers[word] for word in text.split()) for text in texts]
    nlp = spacy.blank("en")
    nlp.add_pipe("seqrnn_text2text", config={"model": small_seq2seq("words")})
    batch = [pair(nlp.make_doc(text), target) for text, target in zip(texts, wanted, strict=True)]
    optimizer = Adam(0.02)
    nlp.initialize(lambda: batch)
    for _ in range(60):
        nlp.update(batch, sgd=optimizer, losses={})
    assert outputs(nlp, texts) == wanted
    assert set(pipe_of(nlp).vocabulary.units) == {"eins", "zwei", "drei"}


def test_documents_without_text() -> None:
    nlp = trained_text2text(steps=5)
    assert outputs(nlp, ["", "abc", ""])[::2] == ["", ""]
    assert outputs(nlp, ["", ""]) == ["", ""]
    assert pipe_of(nlp).predict([]) == []
    assert nlp.make_doc("not read")._.output is None
    assert pipe_of(nlp).best([nlp.make_doc("")], 3) == [[]]
    assert pipe_of(nlp).align([], []) == []
    assert [each.shape for each in pipe_of(nlp).align([nlp.make_doc("")], ["ab"])] == [(3, 0)]
    losses = nlp.update([pair(nlp.make_doc(""), "a")], losses={})
    assert losses == {"seqrnn_text2text": 0.0}


def test_the_output_does_not_depend_on_the_batch() -> None:
    nlp = trained_text2text(steps=15)
    texts = [*WORDS, *random_words(40)]
    assert outputs(nlp, texts) == [nlp(text)._.output for text in texts]


def test_a_long_text() -> None:
    """One far longer than any that training has seen, beside short ones."""
    nlp = trained_text2text(steps=30, max_length=20)
    long = "abcdefgh" * 2000
    found = outputs(nlp, [long, *WORDS])
    assert found[1:] == outputs(nlp)
    assert len(found[0]) <= 20


def test_gradients() -> None:
    """Of the loss, through the decoder, its attention and the encoder to the embedding."""
    nlp = make_text2text(small_seq2seq(attention="additive", cell="lstm"))
    component = pipe_of(nlp)
    batch = examples(nlp)
    n_units = sum(len(word) + 1 for word in WORDS if word)

    def loss() -> float:
        return component.update(batch)["seqrnn_text2text"] / n_units

    loss()
    named = [(node, name) for node in component.model.walk() for name in node.grad_names]
    assert len(named) > 10
    found = [(node.get_param(name), node.get_grad(name).copy()) for node, name in named]
    for values, gradient in found:
        check_gradient(loss, values, gradient, most=6)


def test_what_examples_teach() -> None:
    """Those without a text nothing; an empty text is one."""
    nlp = make_text2text()
    component = pipe_of(nlp)
    batch = examples(nlp)
    alone = component.update(batch)["seqrnn_text2text"]
    unknown = [pair(nlp.make_doc("abc"), None)]
    assert component.update([*batch, *unknown])["seqrnn_text2text"] == pytest.approx(alone)
    assert component.update(unknown)["seqrnn_text2text"] == 0.0
    empty = [pair(nlp.make_doc("abc"), "")]
    assert component.update([*batch, *empty])["seqrnn_text2text"] > alone


def test_unknown_units() -> None:
    """Training has more characters than the vocabulary, and prediction than training."""
    nlp = make_text2text(max_units=3)
    units = pipe_of(nlp).vocabulary.units
    assert units == ["a", "e", "f"]
    optimizer = Adam(0.01)
    for _ in range(20):
        nlp.update(examples(nlp), sgd=optimizer, losses={})
    assert set("".join(outputs(nlp, [*WORDS, "¤☃", "xyz"]))) <= set(units)
    assert pipe_of(make_text2text(min_count=3)).vocabulary.units == ["a", "e", "f"]


def test_the_best_outputs() -> None:
    nlp = trained_text2text(steps=20)
    component = pipe_of(nlp)
    docs = [nlp.make_doc(word) for word in WORDS]
    for found, word, one in zip(component.best(docs, 4), WORDS, outputs(nlp), strict=True):
        assert len(found) == (4 if word else 0)
        assert len({each.text for each in found}) == len(found)
        scores = [each.score for each in found]
        assert scores == sorted(scores, reverse=True)
        for each in found:
            penalty = ((5 + len(each.text) + 1) / 6) ** 0.6
            assert each.score == pytest.approx(each.log_probability / penalty, rel=1e-5)
        if found:
            (greedy,) = component.best([nlp.make_doc(word)], 1, beam=1)[0]
            assert greedy.text == one
    with pytest.raises(ValueError, match="`beam = 2` cannot work: set it to 3 or more"):
        component.best(docs, 3, beam=2)
    with pytest.raises(ValueError, match="`k = 0` cannot work"):
        component.best(docs, 0)


def test_options_of_the_search() -> None:
    nlp = trained_text2text(steps=10)
    component: Any = pipe_of(nlp)
    texts = random_words(60, seed=5)
    greedy = outputs(nlp, texts)

    def log_probability() -> float:
        docs = [nlp.make_doc(text) for text in texts]
        return sum(found[0].log_probability for found in pipe_of(nlp).best(docs, 1))

    before = log_probability()
    component.beam = 5
    component.length_penalty = 0.0
    assert outputs(nlp, texts) != greedy
    assert log_probability() > before
    lengths = sum(map(len, outputs(nlp, texts)))
    component.length_penalty = 5.0
    assert sum(map(len, outputs(nlp, texts))) > lengths
    component.max_length = 2
    assert max(map(len, outputs(nlp, texts))) == 2


def test_the_length_of_an_output_is_bounded() -> None:
    nlp = make_text2text(max_growth=0.5)
    bias: FloatsXd = pipe_of(nlp).model.get_ref("decoder").get_param("output_bias")
    bias[:2] = -100.0  # the end never comes by itself
    assert [len(output) for output in outputs(nlp, ["a", "abcd", ""])] == [10, 12, 0]
    component: Any = pipe_of(nlp)
    component.max_length = 11
    assert [len(output) for output in outputs(nlp, ["a", "abcd"])] == [10, 11]


def test_alignments() -> None:
    """A decoder that reverses attends to the last character first."""
    nlp = trained_text2text(small_seq2seq(width=48), steps=120)
    docs = [nlp.make_doc("fgha"), nlp.make_doc("")]
    aligned, none = pipe_of(nlp).align(docs, ["ahgf", ""])
    assert aligned.shape == (5, 4)
    assert none.shape == (1, 0)
    np.testing.assert_allclose(aligned.sum(axis=1), 1.0, atol=1e-6)


def test_another_extension() -> None:
    nlp = trained_text2text(output="reverse")
    doc = nlp("abc")
    assert doc._.reverse == "cba"
    assert doc._.output is None
    blank = spacy.blank("en")
    blank.add_pipe("seqrnn_text2text", config={"output": "unheard_of"})
    with pytest.raises(ValueError, match=r"No example has a text in `doc\._\.unheard_of`"):
        blank.initialize(lambda: examples(blank))


def test_outputs_are_saved_with_documents() -> None:
    nlp = trained_text2text()
    (again,) = DocBin(docs=[nlp("abc")], store_user_data=True).get_docs(nlp.vocab)
    assert again._.output == "cba"


@pytest.mark.parametrize("options", [{}, {"tied": True, "attention": "additive", "depth": 2}])
def test_saving_and_loading(tmp_path: Path, options: dict[str, Any]) -> None:
    """The pipeline and the component, to disk and bytes, trained, initialised or neither."""
    model = small_seq2seq(**options)
    nlp = trained_text2text(model, beam=3)
    expected = outputs(nlp)
    nlp.to_disk(tmp_path / "pipeline")
    loaded = spacy.load(tmp_path / "pipeline")
    assert outputs(loaded) == expected
    assert loaded.to_bytes() == nlp.to_bytes()
    blank = load_model_from_config(nlp.config).from_bytes(nlp.to_bytes())
    assert outputs(blank) == expected
    pipe_of(nlp).to_disk(tmp_path / "component")
    for load in ("bytes", "disk"):
        other = make_text2text(model)
        assert outputs(other) != expected
        if load == "bytes":
            pipe_of(other).from_bytes(pipe_of(nlp).to_bytes())
        else:
            pipe_of(other).from_disk(tmp_path / "component")
        assert [doc._.output for doc in other.pipe(WORDS)] == expected
    new = spacy.blank("en")
    new.add_pipe("seqrnn_text2text", config={"model": model})
    assert load_model_from_config(new.config).from_bytes(new.to_bytes()).to_bytes()


def test_training_goes_on_after_loading(tmp_path: Path) -> None:
    nlp = trained_text2text(steps=10)
    nlp.to_disk(tmp_path)
    results = []
    for each in (nlp, spacy.load(tmp_path)):
        optimizer = Adam(0.01)
        for _ in range(5):
            losses = each.update(examples(each), sgd=optimizer, losses={})
        results.append(losses["seqrnn_text2text"])
    assert results[0] == pytest.approx(results[1], rel=1e-4)


def test_averages_are_used_and_given_back() -> None:
    nlp = make_text2text()
    optimizer = Adam(0.01, use_averages=True)
    for _ in range(40):
        nlp.update(examples(nlp), sgd=optimizer, losses={})
    before = outputs(nlp)
    with nlp.use_params(optimizer.averages):
        averaged = pipe_of(nlp).model.to_bytes()
    assert averaged != pipe_of(nlp).model.to_bytes()
    assert outputs(nlp) == before


def test_a_shared_encoder() -> None:
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": small_seq2seq("words")["tok2vec"]})
    model = {**small_seq2seq("words"), "tok2vec": listener}
    nlp.add_pipe("seqrnn_text2text", config={"model": model})
    texts = {"one two": "a b", "two": "b", "one": "a"}
    batch = [pair(nlp.make_doc(text), target) for text, target in texts.items()]
    nlp.initialize(lambda: batch)
    optimizer = Adam(0.02)
    for _ in range(60):
        nlp.update([*batch, pair(nlp.make_doc("two two"), None)], sgd=optimizer, losses={})
    assert outputs(nlp, list(texts)) == list(texts.values())


def test_words_with_several_processes() -> None:
    nlp = trained_text2text()
    found = [doc._.output for doc in nlp.pipe(WORDS * 4, n_process=2, batch_size=8)]
    assert found == REVERSED * 4


def test_a_model_without_a_decoder_is_rejected() -> None:
    nlp = spacy.blank("en")
    with pytest.raises(ValueError, match=r"writes no text: set `@architectures"):
        nlp.add_pipe("seqrnn_text2text", config={"model": small_seq2seq()["tok2vec"]})


def test_copying_writes_what_the_vocabulary_does_not_have() -> None:
    """Words in reverse, some of whose letters training has never met."""
    words = random_words(500)
    model = small_seq2seq(width=32, copy=True)
    nlp = make_text2text(model, words, max_units=4)
    assert len(pipe_of(nlp).vocabulary.units) == 4
    optimizer = Adam(0.01)
    for _ in range(8):
        batch = examples(nlp, words)
        for first in range(0, len(batch), 25):
            nlp.update(batch[first : first + 25], sgd=optimizer, losses={})
    assert nlp.evaluate(examples(nlp, words))["output_exact"] > 0.9
    new = ["aXc", "Yab", "☃"]
    found = outputs(nlp, new)
    assert set("".join(found)) & set("XY☃")
    assert [doc._.output for doc in map(nlp, new)] == found
    loaded = load_model_from_config(nlp.config).from_bytes(nlp.to_bytes())
    assert outputs(loaded, new) == found


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attention": NONE}, "`copy = True` cannot work with `attention = 'none'`"),
        ({"source_unit": "words"}, "`source_unit = 'words'` and `target_unit = 'characters'`"),
    ],
)
def test_copying_needs_attention_and_the_same_units(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_text2text(small_seq2seq(copy=True, **options))


def test_vectors_of_another_width_cannot_be_tied() -> None:
    with pytest.raises(ValueError, match="`tied = True` cannot work with `embed_width = 5` and"):
        make_text2text(small_seq2seq(tied=True, embed_width=5))


def test_a_listener_has_no_characters() -> None:
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
    with pytest.raises(ValueError, match="`source_unit = 'characters'` does not go with a liste"):
        make_text2text({**small_seq2seq(), "tok2vec": listener})


def test_options_of_the_search_that_cannot_work() -> None:
    with pytest.raises(ValueError, match="`length_penalty = 11` cannot work: set it to 10 or less"):
        make_text2text(length_penalty=11)
    with pytest.raises(ValueError, match="`min_count = 99` leaves nothing to write, because none"):
        make_text2text(min_count=99)


def test_max_grad_norm_clips_the_gradients() -> None:
    def norm(limit: float) -> float:
        nlp = make_text2text(small_seq2seq(max_grad_norm=limit))
        pipe_of(nlp).update(examples(nlp))
        model = pipe_of(nlp).model
        grads: list[Any] = [n.get_grad(name) for n in model.walk() for name in n.grad_names]
        return float(np.sqrt(sum((grad**2).sum() for grad in grads)))

    assert norm(0.0) > 0.01
    assert norm(0.01) == pytest.approx(0.01, rel=1e-3)


def test_the_units_of_another_corpus_are_counted() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("seqrnn_text2text", config={"model": small_seq2seq()})
    component = pipe_of(nlp)
    component.initialize(
        lambda: examples(nlp), nlp=nlp, corpus=lambda nlp: iter(examples(nlp, ["xyz"]))
    )
    assert set(component.vocabulary.units) == set("xyz")


def test_a_document_may_have_any_white_space() -> None:
    nlp = trained_text2text(steps=2)
    assert all(isinstance(output, str) for output in outputs(nlp, [" ", "\n\n", " a  b "]))
    assert isinstance(nlp(Doc(nlp.vocab, words=["a", " ", "b"]))._.output, str)
