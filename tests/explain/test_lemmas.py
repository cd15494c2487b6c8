"""Which lemmas come from the dictionary, and what the network attends to for the others."""

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_seqrnn.explain import explain_lemmatizer
from spacy_seqrnn.explain.lemmas import MOST_PICTURES
from spacy_seqrnn.explain.predictions import END_NAME
from spacy_seqrnn.seq2seq.forms import SIGNS, expand

from ..seq2seq.test_lemmatizer import TOKENS, make_lemmatizer, pipe_of, train, words
from .test_alignment import weights_of

SIGN_OF = {name: sign for sign, name in SIGNS.items()}
KNOWN = TOKENS[0][0]
NEW = sorted({form for form, _, _ in words(40, seed=1)} - {form for form, _, _ in TOKENS})


@pytest.fixture(scope="module")
def lemmatizer() -> Language:
    return train(make_lemmatizer(use_tags=False), 2)


def test_the_network_writes_what_the_dictionary_does_not_have(lemmatizer: Language) -> None:
    text = f"{NEW[0]} {KNOWN} {NEW[1]} {NEW[0]}"
    found, doc = explain_lemmatizer(lemmatizer, text), lemmatizer(text)
    assert found.tokens == tuple(text.split())
    assert found.lemmas == tuple(token.lemma_ for token in doc)
    assert found.by_network == (True, False, True, True)
    assert [each.form for each in found.written] == NEW[:2]
    for each in found.written:
        assert each.alignment.source == tuple(each.form)
        assert each.alignment.text == found.lemmas[found.tokens.index(each.form)]
        *units, end = each.alignment.units
        assert end == END_NAME
        assert expand(each.form, "".join(SIGN_OF.get(unit, unit) for unit in units)) == (
            each.alignment.text
        )
        np.testing.assert_allclose(weights_of(each.alignment).sum(axis=1), 1.0, atol=1e-5)
        assert len(each.alignment.outputs) == 3
    lemmas, *attention = found.tables()
    assert [row[2] for row in lemmas[2]] == ["network", "dictionary", "network", "network"]
    assert len(attention) == 2
    assert found._repr_html_().count('class="heat"') == 2


def test_the_network_reads_the_tag() -> None:
    nlp = make_lemmatizer()
    nlp.add_pipe("attribute_ruler", first=True).add([[{"ORTH": NEW[0]}]], {"TAG": "ING"})  # type: ignore[attr-defined]
    found = explain_lemmatizer(nlp, f"{NEW[0]} {NEW[0]}")
    (written,) = found.written
    assert written.tag == "ING"
    assert written.alignment.source == ("TAG=ING", *NEW[0])
    assert found.by_network == (True, True)


def test_a_lemma_that_is_the_form_is_one_unit() -> None:
    """Also in lower case."""
    tokens = [(form, "", form.lower()) for form, _, _ in TOKENS]
    tokens += [(form.upper(), "", form.lower()) for form, _, _ in TOKENS]
    nlp = train(make_lemmatizer(tokens, use_tags=False), 3, tokens)
    found = explain_lemmatizer(nlp, f"{NEW[0]} {NEW[0].upper()}")
    assert found.lemmas == (NEW[0], NEW[0])
    assert [each.alignment.units for each in found.written] == [
        ("<as it is>", END_NAME),
        ("<in lower case>", END_NAME),
    ]
    assert [len(each.alignment.weights or ()) for each in found.written] == [2, 2]
    assert found.written[1].alignment.outputs[0].text == NEW[0]


def test_forms_in_the_order_of_the_documents(lemmatizer: Language) -> None:
    texts = [[NEW[2], KNOWN], [], [NEW[0], NEW[2], " "]]
    docs = [Doc(lemmatizer.vocab, words=forms) for forms in texts]
    assert list(pipe_of(lemmatizer).sources(docs)) == [(NEW[2], ""), (NEW[0], "")]


def test_nothing_is_written(lemmatizer: Language) -> None:
    found = explain_lemmatizer(lemmatizer, KNOWN)
    assert found.written == ()
    assert len(found.tables()) == 1
    assert 'class="heat"' not in found._repr_html_()


def test_of_many_forms_the_first_are_drawn(lemmatizer: Language) -> None:
    html = explain_lemmatizer(lemmatizer, " ".join(NEW[: MOST_PICTURES + 1]))._repr_html_()
    assert html.count('class="heat"') == MOST_PICTURES
    assert f"the first {MOST_PICTURES} of such forms" in html


def test_other_pipelines() -> None:
    with pytest.raises(ValueError, match="needs a component with the factory `seqrnn_lemmatizer`"):
        explain_lemmatizer(spacy.blank("en"), "a")
