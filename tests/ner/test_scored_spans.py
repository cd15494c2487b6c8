"""The group of entities with their scores, as later components and files see it."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from catalogue import Registry
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.cli._util import app
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span, SpanGroup
from typer.testing import CliRunner

from spacy_seqrnn.ner.scored_spans import ScoredSpans

from .pipelines import trained

TEXT = "In New York City Bob sleeps"
FOUND = [("New York City", "LOC"), ("Bob", "PER")]
MERGERS = {
    "merge_entities": {},
    "merge_subtokens": {},
    "merge_noun_chunks": {},
    "token_splitter": {"min_length": 3, "split_length": 2},
}


@Language.component("test_parse", assigns=["token.dep", "token.head"])
def parse(doc: Doc) -> Doc:
    """What the merging components look for: noun chunks, subtokens."""
    for token in doc:
        token.head, token.dep_, token.pos_ = doc[min(token.i + 1, len(doc) - 1)], "subtok", "PROPN"
    doc[len(doc) - 1].dep_ = "nsubj"
    return doc


@pytest.fixture(scope="module")
def nlp() -> Language:
    nlp = trained(spans_key="found")
    nlp.add_pipe("test_parse")
    return nlp


@pytest.fixture
def merging(nlp: Language, request: pytest.FixtureRequest) -> Iterator[Language]:
    nlp.add_pipe(request.param, config=MERGERS[request.param])
    yield nlp
    nlp.remove_pipe(request.param)


def read(group: Iterable[Span]) -> list[tuple[str, str]]:
    return [(span.text, span.label_) for span in group]


@pytest.mark.parametrize("merging", MERGERS, indirect=True)
def test_follows_its_text_through_every_component_that_changes_tokens(merging: Language) -> None:
    doc = merging(TEXT)
    assert [token.text for token in doc] != TEXT.split()
    group = doc.spans["found"]
    for (text, label), span in zip(FOUND, group, strict=True):
        assert text in span.text
        assert span.label_ == label
        assert span.start_char == doc[span.start].idx
    assert len(group.attrs["scores"]) == len(group)
    loaded = Doc(doc.vocab).from_bytes(doc.to_bytes())
    assert read(loaded.spans["found"]) == read(group)


@pytest.mark.parametrize("merging", ["merge_entities"], indirect=True)
def test_merged_entities_are_in_the_group_as_in_ents(merging: Language, tmp_path: Path) -> None:
    """In pipes of one process and of two, and in what `spacy apply` writes."""
    (tmp_path / "in.jsonl").write_text(srsly.json_dumps({"text": TEXT}), encoding="utf8")
    merging.to_disk(tmp_path / "model")
    words = [str(tmp_path / name) for name in ("model", "in.jsonl", "out.spacy")]
    result = CliRunner().invoke(app, ["apply", *words])
    assert result.exit_code == 0, result.exception
    applied = DocBin().from_disk(tmp_path / "out.spacy").get_docs(merging.vocab)
    for doc in [merging(TEXT), *merging.pipe([TEXT] * 2, n_process=2), *applied]:
        assert [token.text for token in doc] == ["In", "New York City", "Bob", "sleeps"]
        assert read(doc.spans["found"]) == read(doc.ents) == FOUND
        assert len(doc.spans["found"].attrs["scores"]) == 2


def test_spacys_own_group_does_not_follow(nlp: Language) -> None:
    """Its error message. Once spaCy fixes this, our own class is no longer needed."""
    doc = nlp(TEXT)
    doc.spans["own"] = SpanGroup(doc, spans=list(doc.ents))
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[1:4])
    assert doc.spans["own"][0].text != "New York City"
    with pytest.raises(IndexError, match="E035"):
        list(SpanGroup(doc, spans=[]) + doc.spans["own"])[-1].text  # noqa: B018


WORDS = ["In", "New", "York", "City", "Bob", "Berg", "sleeps", "."]
PLACES = st.tuples(st.integers(0, 7), st.integers(1, 4)).map(lambda p: (p[0], min(sum(p), 8)))


@settings(max_examples=60, deadline=None)
@given(
    spans=st.lists(PLACES, max_size=4),
    merged=st.lists(PLACES, max_size=3),
    split=st.lists(st.integers(0, 7), max_size=2),
)
def test_a_span_has_all_tokens_that_have_any_of_its_characters(
    spans: list[tuple[int, int]], merged: list[tuple[int, int]], split: list[int]
) -> None:
    vocab = spacy.blank("en").vocab
    doc = Doc(vocab, words=WORDS)
    members = [Span(doc, start, end, "X", span_id=f"{i}") for i, (start, end) in enumerate(spans)]
    group = ScoredSpans(doc, name="g", spans=members)
    doc.spans["g"] = group
    characters = [(span.start_char, span.end_char) for span in members]
    retokenize(doc, merged, split)
    for i, (start, end) in enumerate(characters):
        own = [t.i for t in doc if t.idx < end and t.idx + len(t) > start]
        assert (group[i].start, group[i].end) == (own[0], own[-1] + 1)
        assert (group[i].label_, group[i].id_) == ("X", f"{i}")
    copy = doc.copy()
    assert read(copy.spans["g"]) == read(group)
    with pytest.raises(IndexError, match="E856"):
        group[len(spans)]


def retokenize(doc: Doc, merged: list[tuple[int, int]], split: list[int]) -> None:
    """Merge non-overlapping spans, and split each of the other tokens in two."""
    with doc.retokenize() as retokenizer:
        for span in spacy.util.filter_spans([doc[start:end] for start, end in merged]):
            retokenizer.merge(span)
    with doc.retokenize() as retokenizer:
        for i in set(split):
            if i < len(doc) and len(doc[i]) > 1:
                text = doc[i].text
                retokenizer.split(doc[i], [text[:1], text[1:]], [doc[i], doc[i]])


def test_a_copy_follows_too(nlp: Language) -> None:
    doc = nlp(TEXT).copy()
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[0:5])
    assert read(doc.spans["found"]) == [("In New York City Bob", label) for _, label in FOUND]


def test_what_is_added_later_follows_too(nlp: Language) -> None:
    doc = nlp(TEXT)
    group = doc.spans["found"]
    group.append(Span(doc, 4, 6, "X"))
    group += [Span(doc, 5, 6, "Y")]
    del group[1]
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[1:4])
    texts = {"LOC": "New York City", "PER": "Bob", "X": "Bob sleeps", "Y": "sleeps"}
    assert all(span.text == texts[span.label_] for span in group)
    assert not group.has_overlap or len(group) == 3


def test_saved_as_spacy_saves_a_group(nlp: Language) -> None:
    """So spaCy reads it even if this package is not installed, and old files too."""
    for text in (TEXT, "nothing happens here"):
        doc = nlp(text)
        group = doc.spans["found"]
        plain = SpanGroup(doc, name=group.name, attrs=group.attrs, spans=list(group))
        assert group.to_bytes() == plain.to_bytes()


def test_saved_without_a_look_through_all_entry_points(
    nlp: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This takes longer than everything else for a short document."""
    doc = nlp(TEXT)
    looks: list[Registry] = []
    get_all = Registry.get_all

    def look(registry: Registry) -> dict[str, Any]:
        looks.append(registry)
        found: dict[str, Any] = get_all(registry)
        return found

    monkeypatch.setattr(Registry, "get_all", look)
    doc.spans["found"].to_bytes()
    assert not looks
    SpanGroup(doc).to_bytes()
    assert looks


def test_threads_save_their_own_groups(nlp: Language) -> None:
    docs = list(nlp.pipe([TEXT, "Oslo sleeps", "nothing happens here"] * 20))
    expected = [doc.spans["found"].to_bytes() for doc in docs]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda doc: doc.spans["found"].to_bytes(), docs)) == expected


def test_what_cannot_be_saved_does_not_spoil_what_can(nlp: Language) -> None:
    doc = nlp(TEXT)
    group = doc.spans["found"]
    before = group.to_bytes()
    group.attrs["strange"] = object()
    with pytest.raises(TypeError):
        group.to_bytes()
    del group.attrs["strange"]
    assert group.to_bytes() == before
