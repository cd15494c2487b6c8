"""Components with several encoder-decoders that write together."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from thinc.api import Adam

from spacy_seqrnn.architectures.ensembles import Seq2SeqEnsemble
from spacy_seqrnn.architectures.ner import NER
from spacy_seqrnn.architectures.seq2seq import Seq2Seq
from spacy_seqrnn.architectures.tok2vec import HashEmbedRNN

from .models import WORDS, examples, make_text2text, pipe_of, small_seq2seq, trained_text2text


def ensemble(**members: Any) -> dict[str, Any]:
    return {"@architectures": "spacy-seqrnn.Seq2SeqEnsemble.v1", "members": members}


def small_ensemble(**options: Any) -> dict[str, Any]:
    """Members of different widths and cells."""
    return ensemble(
        a=small_seq2seq(**options), b=small_seq2seq(width=12, cell="gru", depth=2, **options)
    )


@pytest.mark.parametrize("copy", [False, True])
def test_learns_its_training_data_and_survives_saving(copy: bool, tmp_path: Path) -> None:
    nlp = trained_text2text(small_ensemble(copy=copy), steps=80)
    assert nlp.evaluate(examples(nlp))["output_exact"] == 1.0
    nlp.to_disk(tmp_path)
    docs = [nlp.make_doc(word) for word in WORDS]
    assert pipe_of(spacy.load(tmp_path)).best(docs, 3) == pipe_of(nlp).best(docs, 3)


def test_members_learn_as_if_alone() -> None:
    """The loss is their mean, and each has the gradients of its own."""
    nlp = make_text2text(small_ensemble())
    pipe = pipe_of(nlp)
    losses = pipe.update(examples(nlp))
    alone = []
    for number, member in enumerate(("a", "b")):
        other = make_text2text(small_ensemble()["members"][member])
        own = pipe_of(other)
        own.model.from_bytes(pipe.model.layers[number].to_bytes())
        alone.append(own.update(examples(other))["seqrnn_text2text"])
        for node, of_own in zip(pipe.model.layers[number].walk(), own.model.walk(), strict=True):
            for name in node.grad_names:
                gradient, expected = (np.asarray(each.get_grad(name)) for each in (node, of_own))
                np.testing.assert_allclose(gradient, expected, rtol=1e-5)
    assert losses["seqrnn_text2text"] == pytest.approx(np.mean(alone), rel=1e-5)
    assert alone[0] != pytest.approx(alone[1])


def test_members_differ_in_their_first_weights() -> None:
    nlp = make_text2text(ensemble(a=small_seq2seq(), b=small_seq2seq()))
    first, second = pipe_of(nlp).model.layers
    weights: list[Any] = [
        each.get_ref("decoder").get_param("combine_weights") for each in (first, second)
    ]
    assert not np.allclose(*weights)


def test_one_member_is_itself() -> None:
    nlp, other = make_text2text(small_seq2seq()), make_text2text(ensemble(a=small_seq2seq()))
    pipe, single = pipe_of(other), pipe_of(nlp)
    pipe.model.layers[0].from_bytes(single.model.to_bytes())
    docs = [nlp.make_doc(word) for word in WORDS]
    assert pipe.best(docs, 3) == single.best(docs, 3)


def test_alignments_are_the_mean_of_the_members() -> None:
    nlp = trained_text2text(small_ensemble())
    pipe = pipe_of(nlp)
    docs, texts = [nlp.make_doc(word) for word in WORDS], [word[::-1] for word in WORDS]
    found, members = pipe.align(docs, texts), []
    for number, member in enumerate(("a", "b")):
        single = pipe_of(make_text2text(small_ensemble()["members"][member]))
        single.model.from_bytes(pipe.model.layers[number].to_bytes())
        members.append(single.align(docs, texts))
    for together, *each in zip(found, *members, strict=True):
        np.testing.assert_allclose(together, np.mean(each, axis=0), atol=1e-6)


def test_an_alignment_is_that_of_the_members_that_have_one() -> None:
    with_one, without = small_seq2seq(), small_seq2seq(attention="none")
    nlp = make_text2text(ensemble(a=without, b=with_one))
    single = make_text2text(with_one)
    pipe_of(single).model.from_bytes(pipe_of(nlp).model.layers[1].to_bytes())
    docs = [nlp.make_doc("abc")]
    assert (pipe_of(nlp).align(docs, ["cba"])[0] == pipe_of(single).align(docs, ["cba"])[0]).all()
    neither = pipe_of(make_text2text(ensemble(a=without, b=without)))
    assert neither.align(docs, ["cba"])[0].shape == (4, 0)


def test_an_update_with_an_optimizer_changes_all_members() -> None:
    nlp = make_text2text(small_ensemble())
    before = [member.to_bytes() for member in pipe_of(nlp).model.layers]
    nlp.update(examples(nlp), sgd=Adam(0.01))
    after = [member.to_bytes() for member in pipe_of(nlp).model.layers]
    assert all(one != other for one, other in zip(before, after, strict=True))


def member(**options: Any) -> Any:
    return Seq2Seq(tok2vec=HashEmbedRNN(width=8, embed_size=20), **options)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "Seq2SeqEnsemble has no members"),
        ({"a": 3}, "`members.a = 3` cannot be a member of Seq2SeqEnsemble"),
        (
            {"a": NER(tok2vec=HashEmbedRNN(width=8, embed_size=20))},
            r"cannot be a member of Seq2SeqEnsemble: .* \"spacy-seqrnn.Seq2Seq.v1\"",
        ),
        (
            {"a": member(), "b": member(target_unit="characters")},
            "do not agree on `target_unit`: a has 'words', b has 'characters'",
        ),
        (
            {"a": member(), "b": member(copy=True)},
            "do not agree on `copy`: a has false, b has true",
        ),
    ],
)
def test_wrong_members_are_named(members: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Seq2SeqEnsemble(members=members)


def test_an_ensemble_of_ensembles_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`members\.a` is itself an ensemble"):
        Seq2SeqEnsemble(members={"a": Seq2SeqEnsemble(members={"b": member()})})
