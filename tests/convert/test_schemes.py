"""Every scheme is recognised and read, and tags that fit none are reported."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import BILOU, IOB1, IOB2, IOBES, Entities
from spacy.training.iob_utils import iob_to_biluo, tags_to_entities

from spacy_seqrnn.convert.options import Scheme
from spacy_seqrnn.convert.schemes import LETTERS, read_tags

from .conftest import Fail

# An entity, by its length and its label; None for a token that is outside or not annotated
Spans = list[tuple[int, str] | None]
LABELS = ["PER", "LOC", "B-1", "Öl", "O"]
SPANS = st.lists(
    st.one_of(st.none(), st.tuples(st.integers(1, 4), st.sampled_from(LABELS))), max_size=8
)
# Begin, inside, last and unit
SHAPES = {
    Scheme.biluo: "BILU",
    Scheme.bioes: "BIES",
    Scheme.bmewo: "BMEW",
    Scheme.bmes: "BMES",
    Scheme.iob2: "BIIB",
}


def where(sentence: int, token: int) -> str:
    return f"sentence {sentence}, token {token}"


def write(spans: Spans, scheme: Scheme) -> list[str]:
    """The tags of entities, one after the other."""
    tags: list[str] = []
    for before, span in pairwise([None, *spans]):
        if span is None:
            tags.append("O")
            continue
        length, label = span
        if scheme is Scheme.iob1:
            touches = before is not None and before[1] == label
            letters = ("B" if touches else "I") + "I" * (length - 1)
        else:
            begin, inside, last, unit = tuple(SHAPES[scheme])
            letters = unit if length == 1 else begin + inside * (length - 2) + last
        tags += [f"{letter}-{label}" for letter in letters]
    return tags


def expected(spans: Spans) -> list[tuple[str, int, int]]:
    found, start = [], 0
    for span in spans:
        length = span[0] if span else 1
        if span:
            found.append((span[1], start, start + length - 1))
        start += length
    return found


@pytest.mark.parametrize("scheme", LETTERS)
@given(st.lists(SPANS, max_size=3))
def test_entities_come_back_from_any_scheme(scheme: Scheme, sentences: list[Spans]) -> None:
    tags = [write(spans, scheme) for spans in sentences]
    for each in (scheme, Scheme.auto):
        biluo, _ = read_tags(tags, where, each)
        assert [tags_to_entities(sentence) for sentence in biluo] == list(map(expected, sentences))


@pytest.mark.parametrize("scheme", LETTERS)
def test_the_scheme_is_found(scheme: Scheme) -> None:
    spans: Spans = [(1, "PER"), (1, "PER"), None, (2, "LOC"), (3, "PER"), (1, "LOC")]
    assert read_tags([write(spans, scheme)], where)[1] is scheme


@given(SPANS, st.sampled_from([Scheme.io, Scheme.auto]))
def test_neighbours_without_prefix_are_one_entity(spans: Spans, scheme: Scheme) -> None:
    spans = [span and (span[0], span[1].replace("-", "").replace("O", "X")) for span in spans]
    bare = [label for span in spans for label in ([span[1]] * span[0] if span else ["O"])]
    biluo, found = read_tags([bare], where, scheme)
    inside = [tag if tag == "O" else f"I-{tag}" for tag in bare]
    assert biluo == [iob_to_biluo(inside)]
    assert found is Scheme.io or set(bare) <= {"O"}
    assert read_tags([inside], where, Scheme.io)[0] == biluo


@pytest.mark.parametrize(
    ("scheme", "peer"),
    [
        (Scheme.iob1, IOB1),
        (Scheme.iob2, IOB2),
        (Scheme.bioes, IOBES),
        (Scheme.biluo, BILOU),
    ],
)
@given(SPANS)
def test_as_seqeval_reads_them(scheme: Scheme, peer: type, spans: Spans) -> None:
    tags = write([s and (s[0], s[1].replace("-", "")) for s in spans], scheme)
    (entities,) = Entities([tags], peer).entities
    found = [(each.tag, each.start, each.end - 1) for each in entities]
    assert tags_to_entities(read_tags([tags], where, scheme)[0][0]) == found


@given(st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])))
@pytest.mark.filterwarnings("ignore:Entities begin with B")
def test_any_tags_of_iob_are_read_as_the_scorer_of_conll(tags: list[str]) -> None:
    (biluo,), scheme = read_tags([tags], where)
    assert tags_to_entities(biluo) == get_entities(tags)
    assert scheme in {Scheme.iob1, Scheme.iob2}


@pytest.mark.parametrize("scheme", LETTERS)
def test_tokens_that_nobody_annotated_end_an_entity(scheme: Scheme) -> None:
    tags = [["-", *write([(1, "PER")], scheme), "-", *write([(2, "PER")], scheme), "O", "-"]]
    (biluo,), _ = read_tags(tags, where, scheme)
    assert biluo == ["-", "U-PER", "-", "B-PER", "L-PER", "O", "-"]


def test_both_schemes_of_iob_in_one_file_are_told() -> None:
    with pytest.warns(UserWarning, match=r"but 2 with I, the first in sentence 0, token 2:"):
        biluo, scheme = read_tags([["B-PER", "O", "I-LOC"], ["I-PER", "B-PER"]], where)
    assert biluo == [["U-PER", "O", "U-LOC"], ["U-PER", "U-PER"]]
    assert scheme is Scheme.iob2


@pytest.mark.parametrize(
    ("tags", "options", "part"),
    [
        ("O B_PER I-PER", [], "line 2: the tag 'B_PER' has no prefix, but others such as 'I-PER'"),
        (
            "O B_A I_A",
            [],
            "line 2: the tag 'B_A' seems to have a prefix, but not in the form 'B-PER'",
        ),
        (
            "O b-A i-A",
            [],
            "line 2: the tag 'b-A' seems to have a prefix, but not in the form 'B-PER'",
        ),
        (
            "O A-B A-I",
            [],
            "line 2: the tag 'A-B' seems to have a prefix, but not in the form 'B-PER'",
        ),
        ("O B-", ["--tag-column", "2"], "line 2: the tag 'B-' has no label: correct it."),
        ("B-A L-A E-A", [], "No scheme has all of these tags: 'B-A' ('toy.conll', line 1)"),
        ("B-A O L-A U-A", [], "line 2: 'O' cannot follow 'B-A' in the scheme biluo"),
        ("B-A L-B", [], "line 2: 'L-B' cannot follow 'B-A' in the scheme biluo"),
        ("O E-A", [], "line 2: 'E-A' cannot follow 'O' in the scheme bioes"),
        ("E-A S-A", [], "line 1: 'E-A' cannot follow the beginning in the scheme bioes"),
        ("M-A W-A", [], "line 1: 'M-A' cannot follow the beginning in the scheme bmewo"),
        ("S-A B-A", [], "line 2: the end cannot follow 'B-A' in the scheme bioes"),
        ("B-A - L-A O", [], "line 2: '-' cannot follow 'B-A' in the scheme biluo"),
        ("O I-A", ["--scheme", "iob2"], "line 2: the tag 'I-A' does not begin an entity there"),
        ("O B-A", ["--scheme", "iob1"], "line 2: the tag 'B-A' does not begin an entity there"),
        (
            "O L-A",
            ["--scheme", "bioes"],
            "line 2: the tag 'L-A' does not belong to `--scheme bioes`",
        ),
    ],
)
def test_what_fits_no_scheme_is_named(fail: Fail, tags: str, options: list[str], part: str) -> None:
    content = "".join(f"w{i}\t{tag}\n" for i, tag in enumerate(tags.split()))
    assert part in fail(content, *options)
