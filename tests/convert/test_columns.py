"""Columns: separators, comments, documents, and the meaning of each column."""

import pytest
from spacy.training import offsets_to_biluo_tags
from spacy.training.converters.conll_ner_to_docs import conll_ner_to_docs

from .conftest import Convert, Fail, entities

FOUND = [[("Ann Lee", "PER")], [("Oslo", "LOC")]]
WORDS = [["Ann", "Lee", "sat"], ["Oslo"]]


@pytest.mark.parametrize(
    "content",
    [
        "Ann\tB-PER\nLee\tI-PER\nsat\tO\n\nOslo\tB-LOC\n\n",
        # A line with a tab between sentences, as in WNUT-17's training data, and no last line end.
        "Ann\tB-PER\nLee\tI-PER\nsat\tO\n\t\nOslo\tB-LOC",
        # Parts of speech in between, as in CoNLL-2002.
        "Ann NN B-PER\nLee NN I-PER\nsat VB O\n\nOslo NN B-LOC\n",
        # Chunks, documents and IOB1, as in CoNLL-2003.
        "-DOCSTART- -X- -X- O\n\nAnn a I-NP I-PER\nLee a I-NP I-PER\nsat a I-VP O\n\n"
        "-DOCSTART- -X- -X- O\n\nOslo a I-NP I-LOC\n",
        # All chunks in a file without any, and columns of another width for a document
        "-DOCSTART- O\n\nAnn a O B-PER\nLee a O I-PER\nsat a O O\n\nOslo a O B-LOC\n",
        "Ann   B-PER\r\nLee\t I-PER \r\nsat  O\r\n\r\n\r\n\r\nOslo B-LOC\r\n",
        # Tag before token
        "B-PER\tAnn\nI-PER\tLee\nO\tsat\n\nB-LOC\tOslo\n",
        "B-PER Ann\nI-PER Lee\nO sat\n\nB-LOC Oslo\n",
        # Numbers and comments: GermEval 2014, UNER, MultiCoNER
        "# http://a.b [2009]\n1\tAnn\tB-PER\tO\n2\tLee\tI-PER\tB-LOC\n3\tsat\tO\tO\n\n"
        "# http://c.d\n1\tOslo\tB-LOC\tO\n",
        "# sent_id = 1\n# text = Ann Lee sat\n1\tAnn\tB-PER\t-\tme\n2\tLee\tI-PER\t-\tme\n"
        "3\tsat\tO\t-\tme\n\n# sent_id = 2\n1\tOslo\tB-LOC\t-\tme\n",
        "# id 12-ab domain=en\nAnn _ _ B-PER\n"
        "Lee _ _ I-PER\nsat _ _ O\n\n\n# id 34\nOslo _ _ B-LOC\n",
        # Multiword and empty tokens, as in CoNLL-U
        "1-2\tAnnLee\t_\n1\tAnn\tB-PER\n2\tLee\tI-PER\n2.1\tgone\t_\n3\tsat\tO\n\n1\tOslo\tB-LOC\n",
        # No prefixes
        "Ann PER\nLee PER\nsat O\n\nOslo LOC\n",
    ],
)
def test_forms(convert: Convert, content: str) -> None:
    docs = convert(content)
    assert entities(docs) == FOUND
    assert [[token.text for token in doc] for doc in docs] == WORDS
    assert all(token.ent_iob for doc in docs for token in doc)


@pytest.mark.parametrize("separator", ["\t", " "])
def test_tokens_that_look_like_comments(convert: Convert, separator: str) -> None:
    rows = ["# O", "#Oslo B-LOC", "", "#Oslo O", "# B-LOC"]
    content = "\n".join(row.replace(" ", separator) for row in ["# a comment of words", *rows])
    docs = convert(content)
    assert [[token.text for token in doc] for doc in docs] == [["#", "#Oslo"], ["#Oslo", "#"]]
    assert entities(docs) == [[("#Oslo", "LOC")], [("#", "LOC")]]


def test_other_comments(convert: Convert, fail: Fail) -> None:
    content = "% of a\nAnn B-PER\n"
    assert "line 2: 2 columns in 'Ann B-PER', but 3 in line 1" in fail(content)
    assert entities(convert(content, "--comment", "%")) == [[("Ann", "PER")]]


def test_no_comments_at_all(fail: Fail) -> None:
    part = "line 2: 2 columns in 'Ann B-PER', but 3 in line 1, '# of a'"
    assert part in fail("# of a\nAnn B-PER\n", "--comment", "")


def test_no_comment_within_a_sentence(fail: Fail) -> None:
    assert "line 2: 4 columns in '# a comment here'" in fail("Ann B-PER\n# a comment here\nsat O\n")


@pytest.mark.parametrize(
    ("n_sents", "sizes"), [(1, [1, 1, 1, 1]), (2, [2, 1, 1]), (3, [3, 1]), (0, [3, 1])]
)
@pytest.mark.parametrize(
    "start", ["-DOCSTART- O\n\n", "# newdoc id = 2\n", "#begin document (b)\n"]
)
def test_sentences_of_a_document(
    convert: Convert, n_sents: int, sizes: list[int], start: str
) -> None:
    content = f"Ann B-PER\n\nsat O\n\nin O\n\n{start}Oslo B-LOC\n"
    docs = convert(content, "--n-sents", str(n_sents))
    assert [len(list(doc.sents)) for doc in docs] == sizes
    assert [ent.text for doc in docs for ent in doc.ents] == ["Ann", "Oslo"]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], "A"),
        (["--tag-column", "4"], "B"),
        (["--tag-column", "-1"], "B"),
        (["--tag-column", "3", "--token-column", "2"], "A"),
    ],
)
def test_two_columns_of_tags_after_numbers(
    convert: Convert, options: list[str], found: str
) -> None:
    docs = convert("1 Ann B-A O\n2 Lee O B-B\n", *options)
    assert [ent.label_ for ent in docs[0].ents] == [found]
    assert docs[0].text.split() == ["Ann", "Lee"]


def test_columns_that_are_given(convert: Convert, fail: Fail) -> None:
    content = "x O Ann B-PER\nx B-LOC sat O\n"
    assert "has tags in columns 2 and 4: set `--tag-column`" in fail(content)
    docs = convert(content, "--tag-column", "-1", "--token-column", "3")
    assert entities(docs) == [[("Ann", "PER")]]
    docs = convert("10 000 O\nAnn O\n", "--token-column", "1", "--tag-column", "-1")
    assert [token.text for token in docs[0]] == ["10", "Ann"]


@pytest.mark.parametrize(
    ("content", "options", "tags"),
    [
        ("Ann NN B-PER\nsat VB O\n", [], ["NN", "VB"]),
        ("Ann NN a B-PER\nsat VB a O\n", [], ["NN", "VB"]),
        ("Ann ann NN B-PER\nsat sit VB O\n", ["--pos-column", "3"], ["NN", "VB"]),
        ("Ann ann B-PER\nsat sit O\n", ["--pos-column", "0"], ["-", "-"]),
        ("Ann _ B-PER\nsat _ O\n", [], ["-", "-"]),
        ("Ann B-PER\nsat O\n", [], ["-", "-"]),
    ],
)
def test_parts_of_speech(
    convert: Convert, content: str, options: list[str], tags: list[str]
) -> None:
    (doc,) = convert(content, *options)
    assert [token.tag_ for token in doc] == tags


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["-", "-", "U-LOC", "O"]),
        (["--missing", "?"], None),
    ],
)
def test_tokens_that_nobody_annotated(
    convert: Convert, fail: Fail, options: list[str], expected: list[str] | None
) -> None:
    content = "Ann -\nin _\nOslo B-LOC\nsat O\n"
    if expected is None:
        assert "toy.conll', line" in fail(content, *options)
        return
    (doc,) = convert(content, *options)
    spans = [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
    tags = offsets_to_biluo_tags(doc, spans, missing="O")
    assert [
        "-" if token.ent_iob == 0 else t for token, t in zip(doc, tags, strict=True)
    ] == expected


def test_what_stands_for_outside_is_asked(convert: Convert, fail: Fail) -> None:
    content = "Ann B-PER\nsat _\n"
    assert "has no tag O, but '_': set `--outside _` if it marks tokens outside" in fail(content)
    (doc,) = convert(content, "--outside", "_")
    assert [token.ent_iob_ for token in doc] == ["B", "O"]
    (doc,) = convert(content, "--missing", "_")
    assert [token.ent_iob_ for token in doc] == ["B", ""]


@pytest.mark.parametrize(
    ("content", "options", "part"),
    [
        ("Ann B-PER\nLee\n", [], "line 2: 1 columns in 'Lee', but 2 in line 1, 'Ann B-PER'"),
        ("<html>\n", [], "line 1: no column contains only tags, as in '<html>'"),
        ("Ann NN\nsat VB\n", [], "line 1: no column contains only tags, as in 'Ann NN'"),
        (
            "O O\nB-A B-A\n",
            ["--tag-column", "1"],
            "has only columns of tags: set",
        ),
        ("Ann\tB-PER\n\tO\n", [], "line 2: a column is empty in ['', 'O']"),
        ("\n \n\n", [], "'toy.conll' contains no sentence."),
        ("Ann O\n", ["--tag-column", "3"], "line 1: no column 3 in 'Ann O', which has 2"),
        ("Ann O\n", ["--tag-column", "-3"], "line 1: no column 3 in 'Ann O', which has 2"),
        ("Ann O\n", ["--token-column", "0"], "`--token-column 0` is not a column"),
        (
            "Ann O\n",
            ["--token-column", "2", "--tag-column", "-1"],
            "Column 2 of 'toy.conll' cannot have both tokens and tags",
        ),
        ("Ann O\n", ["--token-column", "1", "--tag-column", "3"], "line 1: no column 3 in 'Ann O'"),
        ("Ann PER\nsat 0\nup O\n", [], "line 2: the tag '0' is not a label, but may mean O"),
        ("Ann PER\nsat o\nup O\n", [], "line 2: the tag 'o' is not a label, but may mean O"),
    ],
)
def test_what_cannot_be_read(fail: Fail, content: str, options: list[str], part: str) -> None:
    assert part in fail(content, *options)


def test_comments_of_conllu_are_none_of_the_rows(convert: Convert) -> None:
    """Even if a comment has as many words as a row has columns, and its value is a tag."""
    content = "# sent_id = O\n# text = B-PER\nAnn NN x B-PER\n\n# text = O\nOslo NN x B-LOC\n"
    assert entities(convert(content)) == [[("Ann", "PER")], [("Oslo", "LOC")]]


def test_documents_are_those_of_spacys_converter(convert: Convert) -> None:
    content = "Ann NN B-PER\nLee NN I-PER\nsat VB O\n\nOslo NN B-LOC\n\n"
    ours = convert(content)
    theirs = list(conll_ner_to_docs(content, n_sents=1, no_print=True))
    assert [doc.to_json() for doc in ours] == [doc.to_json() for doc in theirs]


def test_renamed_labels(convert: Convert) -> None:
    docs = convert("Ann B-PER\nOslo B-LOC\n", "--rename", "PER=PERSON")
    assert entities(docs) == [[("Ann", "PERSON"), ("Oslo", "LOC")]]
