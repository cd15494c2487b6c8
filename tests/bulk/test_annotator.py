"""The annotator: every kind of batch gives what plain loops over `nlp.pipe` give."""

import pickle
import shutil
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Token
from thinc.compat import has_gpu

from spacy_seqrnn import Annotator, annotator
from spacy_seqrnn.bulk import pipelines
from spacy_seqrnn.bulk.columns import COLUMNS

from ..conftest import CLAUSES, ODD_TEXTS
from .pipelines import assert_close, by_loops

TEXTS = [
    *(" ".join(clause) + " ." for clause in CLAUSES),
    *ODD_TEXTS,
    "Mira Holt visited 😀 Oslo gladly",
    "Otto left Bergen sadly . Pia likes New Lund dearly .",
]
MISSING = "the text is missing (null)"


@pytest.fixture
def annotate(model: Path) -> Annotator:
    return annotator(str(model), id_column="id", columns=list(COLUMNS))


@pytest.fixture(scope="module")
def expected(model: Path) -> list[dict[str, Any]]:
    """The rows of `TEXTS`."""
    docs = spacy.load(model).pipe(TEXTS)
    return [{"id": i, **by_loops(doc), "error": None} for i, doc in enumerate(docs)]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The number of texts and the batch size of each call of `nlp.pipe`."""
    found: list[Any] = []
    pipe = Language.pipe

    def watched(nlp: Language, texts: list[Any], *, batch_size: int | None) -> Iterator[Doc]:
        found.append((len(texts), batch_size))
        return pipe(nlp, texts, batch_size=batch_size)

    monkeypatch.setattr(Language, "pipe", watched)
    return found


def batch(texts: list[Any], kind: pa.DataType | None = None) -> pa.RecordBatch:
    column = pa.array(texts, pa.string()) if kind is None else pa.array(texts).cast(kind)
    return pa.record_batch({"id": pa.array(range(len(texts)), pa.int64()), "text": column})


def chunked(texts: list[str]) -> pa.Table:
    """A table with a chunk for each row."""
    whole = batch(texts)
    return pa.Table.from_batches([whole.slice(row, 1) for row in range(len(texts))])


def frame(texts: list[Any]) -> Any:
    pandas = pytest.importorskip("pandas")
    index = [f"row {i // 2}" for i in range(len(texts))]  # an index may have a value twice
    data = pandas.DataFrame({"id": range(len(texts)), "text": texts}, index=index)
    return data if texts else data.astype({"id": "int64", "text": object})


def rows(annotated: Any) -> list[dict[str, Any]]:
    """The rows of any type of batch, or of an iterator of batches."""
    if isinstance(annotated, Iterator):
        return [row for each in annotated for row in rows(each)]
    if not isinstance(annotated, pa.RecordBatch | pa.Table):
        annotated = pa.Table.from_pandas(annotated, preserve_index=False)
    found: list[dict[str, Any]] = annotated.to_pylist()
    return found


def test_the_pipeline_sets_every_column(expected: list[dict[str, Any]]) -> None:
    values = {name: [row[name] for row in expected if row[name]] for name in COLUMNS}
    assert all(values.values())
    assert any(span["score"] is not None for found in values["entities"] for span in found)
    assert "leave" in {lemma for found in values["lemmas"] for lemma in found}
    assert {key for found in values["spans"] for key, _ in found} == {"found", "sc"}


@pytest.mark.parametrize(
    "make", [batch, lambda texts: pa.Table.from_batches([batch(texts)]), chunked]
)
def test_batches_of_arrow(
    annotate: Annotator, expected: list[dict[str, Any]], make: Callable[[list[str]], Any]
) -> None:
    data = make(TEXTS)
    annotated = annotate(data)
    assert type(annotated) is type(data)
    assert annotated.schema == annotate.schema(data.schema)
    annotated.validate(full=True)
    assert rows(annotated) == expected


def test_an_iterator_is_read_as_its_batches_are_wanted(
    annotate: Annotator, expected: list[dict[str, Any]]
) -> None:
    taken = []

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(TEXTS), 5):
            taken.append(start)
            yield batch(TEXTS).slice(start, 5)

    annotated = annotate(batches())
    assert not taken
    first = next(annotated)
    assert taken == [0]
    assert isinstance(first, pa.RecordBatch)
    assert rows(iter([first, *annotated])) == expected


def test_data_frames(annotate: Annotator, expected: list[dict[str, Any]]) -> None:
    data = frame(TEXTS)
    annotated = annotate(data)
    assert list(annotated.index) == list(data.index)
    assert annotated["id"].dtype == data["id"].dtype
    for field in annotate.schema(batch([]).schema):
        if field.name != "id":
            assert annotated[field.name].dtype.pyarrow_dtype == field.type
    assert rows(annotated) == expected


def test_an_iterator_of_data_frames_gives_objects(
    annotate: Annotator, expected: list[dict[str, Any]]
) -> None:
    (annotated,) = annotate(iter([frame([*TEXTS, None])]))
    found = annotated.to_dict("records")
    assert found.pop() == {"id": len(TEXTS), **dict.fromkeys(COLUMNS), "error": MISSING}
    for row in found:
        assert isinstance(row["cats"], dict)
        row["cats"], row["spans"] = list(row["cats"].items()), list(row["spans"].items())
    assert found == expected


def test_data_frames_with_anything_in_them(annotate: Annotator) -> None:
    texts = ["Oslo", None, float("nan"), b"Oslo", b"\xff", 3, ""]
    data = frame(texts).assign(unread=[object()] * len(texts))
    assert [row["error"] for row in rows(annotate(data))] == [
        *(None, MISSING, MISSING, None, "the text is not UTF-8"),
        *("the text is no text but a value of type int", None),
    ]


@pytest.mark.parametrize("kind", ["category", "string[pyarrow]", "string[python]"])
def test_data_frames_with_other_columns_of_texts(annotate: Annotator, kind: str) -> None:
    texts = ["Otto left Oslo", "Pia", None]
    data = frame(texts).astype({"text": kind})
    assert rows(annotate(data)) == rows(annotate(frame(texts)))
    assert [row["error"] for row in rows(annotate(data))] == [None, None, MISSING]


@pytest.mark.parametrize(
    "kind",
    [
        *(pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()),
        *(pa.dictionary(pa.int32(), pa.string()), pa.dictionary(pa.int8(), pa.large_string())),
    ],
)
def test_columns_of_texts(
    annotate: Annotator, expected: list[dict[str, Any]], kind: pa.DataType
) -> None:
    assert rows(annotate(batch(TEXTS, kind))) == expected


def test_rows_without_annotation_say_why(model: Path, expected: list[dict[str, Any]]) -> None:
    annotate = annotator(str(model), id_column="id", columns=list(COLUMNS))
    long = "Oslo " * 250_000
    texts = [TEXTS[0].encode(), None, b"\xff", long.encode(), TEXTS[1].encode()]
    first, *without, last = rows(annotate(batch(texts, pa.binary())))
    assert_close([first, last], [expected[0], {**expected[1], "id": 4}])
    assert [row.pop("error") for row in without] == [
        MISSING,
        "the text is not UTF-8",
        "the text has 1,250,000 characters, more than the 1,000,000 of the pipeline's "
        "`nlp.max_length`",
    ]
    assert without == [{"id": row, **dict.fromkeys(COLUMNS)} for row in (1, 2, 3)]


@pytest.mark.parametrize("texts", [[], [None, None]])
def test_batches_without_texts(annotate: Annotator, texts: list[None]) -> None:
    schema = annotate.schema(batch([]).schema)
    for data in (batch(texts), pa.Table.from_batches([batch(texts)]), batch([]).slice(0)):
        annotated = annotate(data)
        assert annotated.schema == schema
        assert annotated.num_rows == data.num_rows
    assert annotate(pa.table({"id": [1], "text": pa.nulls(1)})).num_rows == 1
    assert rows(annotate(iter([]))) == []
    assert rows(annotate(frame(texts))) == rows(annotate(batch(texts)))


def test_columns_that_are_kept(model: Path) -> None:
    annotate = annotator(str(model), keep=["b", "text"], columns=["tags"], text_column="text")
    kept = {"a": [1, 2], "b": [[{"x": 1}], None], "text": ["Oslo", "Pia"]}
    annotated = annotate(pa.table(kept))
    assert annotated.column_names == ["b", "text", "tags", "error"]
    assert annotated.select(["b", "text"]).to_pydict() == {"b": kept["b"], "text": kept["text"]}


def test_the_columns_that_components_say_they_set(model: Path) -> None:
    annotate = annotator(str(model))
    assert {"entities", "cats", "spans", "sentences", "tokens", "tags"} <= set(annotate.columns)
    assert {"deps", "heads", "pos", "morphs"} <= set(annotate.columns)


@pytest.mark.parametrize("kind", ["batch", "table", "frame"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text_column": "body"}, "The input has no column 'body': name one of id, text."),
        ({"keep": ["key"]}, "The input has no column 'key': name one of id, text."),
        ({"text_column": "id"}, "The column 'id' has values of type int64, not texts"),
    ],
)
def test_columns_that_the_input_lacks(
    model: Path, options: dict[str, Any], message: str, kind: str
) -> None:
    annotate = annotator(str(model), columns=["tags"], **options)
    data = {"batch": batch, "table": chunked, "frame": frame}[kind](TEXTS)
    with pytest.raises(ValueError, match=message):
        annotate(data)


def test_columns_that_the_input_has_twice(annotate: Annotator) -> None:
    columns = [pa.array([1]), pa.array([2]), pa.array(["Oslo"])]
    data = pa.RecordBatch.from_arrays(columns, ["id", "id", "text"])
    for given in (data, pa.Table.from_batches([data])):
        with pytest.raises(ValueError, match="The input has more than one column 'id'"):
            annotate(given)
    both = frame(["Oslo"])
    with pytest.raises(ValueError, match="The input has more than one column 'text'"):
        annotate(both[["id", "text", "text"]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"id_column": "a", "keep": ["a"]}, r"is kept twice \(a, a\): name it once"),
        ({"keep": ["tags"]}, "Both the input and the annotation have a column 'tags'"),
        ({"keep": ["error"]}, "Both the input and the annotation have a column 'error'"),
        ({"columns": ["tags", "tags"]}, "The column 'tags' is named twice"),
        ({"columns": ["tag"]}, "'tag' is not a column: name one of entities, cats,"),
        ({"columns": ["doc._.x"]}, "'doc._.x' is not a column"),
        ({"columns": ["doc._.x:no"]}, "'no' in 'doc._.x:no' is not a type of Arrow"),
        ({"columns": []}, "No component of '.*' says that it sets a column of annotation"),
    ],
)
def test_columns_that_cannot_be(model: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        annotator(str(model), **{"columns": ["tags"], **options})


@pytest.mark.parametrize("data", [{"text": ["Oslo"]}, "Oslo", [], None])
def test_what_is_no_batch(annotate: Annotator, data: Any) -> None:
    with pytest.raises(TypeError, match=rf"type {type(data).__name__}.*batch_format='pyarrow'"):
        annotate(data)


def test_a_pipeline_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="'no_such_model' is not a pipeline: give the folder"):
        annotator("no_such_model")


@pytest.mark.skipif(has_gpu, reason="there is a GPU")
def test_a_gpu_that_there_is_not(model: Path) -> None:
    annotate = annotator(str(model), gpu_id=0)  # as on the driver of a cluster, which needs none
    with pytest.raises(ValueError, match="GPU"):
        annotate(batch(TEXTS))


def test_no_texts_need_no_pipeline(model: Path, tmp_path: Path) -> None:
    """As on the driver of a cluster, which asks for the types with an empty batch."""
    shutil.copy(model / "config.cfg", tmp_path)  # and nothing that could be loaded
    annotate = annotator(str(tmp_path), id_column="id")
    empty = batch([])
    assert annotate(empty).schema == annotate.schema(empty.schema)
    with pytest.raises(OSError, match=r"meta\.json"):
        annotate(batch(["Oslo"]))


def test_custom_attributes(model: Path) -> None:
    Doc.set_extension("length", getter=len, force=True)
    Token.set_extension("double", getter=lambda token: 2 * len(token), force=True)
    names = ["doc._.length:int64", "token._.double:float", "tags"]
    annotated = annotator(str(model), columns=names)(batch(TEXTS))
    assert annotated.schema.types[:2] == [pa.int64(), pa.list_(pa.float32())]
    docs = list(spacy.load(model).pipe(TEXTS))
    assert annotated["length"].to_pylist() == [len(doc) for doc in docs]
    assert annotated["double"].to_pylist() == [[2 * len(token) for token in doc] for doc in docs]
    for name in ("doc", "token"):
        with pytest.raises(ValueError, match=rf"No component of the pipeline sets `{name}._.none`"):
            annotator(str(model), columns=[f"{name}._.none:int64"])(batch(TEXTS))


@Language.component("fails_on_pia")
def fails_on_pia(doc: Doc) -> Doc:
    if "Pia" in doc.text:
        raise RuntimeError("no Pia")
    return doc


def test_a_component_that_fails(
    model: Path, tmp_path: Path, expected: list[dict[str, Any]]
) -> None:
    nlp = spacy.load(model)
    nlp.add_pipe("fails_on_pia")
    nlp.to_disk(tmp_path)
    annotate = annotator(str(tmp_path), id_column="id", columns=list(COLUMNS))
    failed = {
        **dict.fromkeys(COLUMNS),
        "error": "the pipeline failed: RuntimeError: no Pia",
    }
    for row, wanted in zip(rows(annotate(batch(TEXTS))), expected, strict=True):
        fails = "Pia" in TEXTS[row["id"]]
        assert_close(row, {"id": row["id"], **failed} if fails else wanted)


def test_slices_give_the_same(
    annotate: Annotator,
    expected: list[dict[str, Any]],
    calls: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipelines, "SLICE_TEXTS", 3)
    monkeypatch.setattr(pipelines, "SLICE_CHARACTERS", 60)
    assert_close(rows(annotate(batch(TEXTS))), expected)
    assert len(calls) > len(TEXTS) / 3
    assert max(size for size, _ in calls) == 3


def test_new_words_are_dropped_when_there_are_many(
    model: Path, tmp_path: Path, expected: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    spacy.load(model).to_disk(tmp_path)  # which no other test has loaded
    annotate = annotator(str(tmp_path), id_column="id", columns=list(COLUMNS))
    vocab = pipelines.load_once(str(tmp_path), -1).nlp.vocab
    monkeypatch.setattr(pipelines, "SLICE_TEXTS", 4)
    monkeypatch.setattr(pipelines, "MOST_WORDS", 0)
    assert_close(rows(annotate(batch(TEXTS))), expected)
    annotate(batch(["Zanzibarquux"]))
    assert "Zanzibarquux" not in vocab.strings
    monkeypatch.setattr(pipelines, "MOST_WORDS", 1_000_000)
    annotate(batch(["Zanzibarquux"]))
    assert "Zanzibarquux" in vocab.strings


def test_a_pipeline_that_has_had_many_words_is_loaded_anew(
    model: Path, tmp_path: Path, expected: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    spacy.load(model).to_disk(tmp_path)  # which no other test has loaded
    annotate = annotator(str(tmp_path), id_column="id", columns=list(COLUMNS))
    old = weakref.ref(pipelines.load_once(str(tmp_path), -1).nlp)
    monkeypatch.setattr(pipelines, "MOST_WORDS", 0)  # dropped words count as well
    monkeypatch.setattr(pipelines, "MOST_WORDS_EVER", 2)
    annotate(batch(["Zanzibarquux Xanadaquux"]))
    assert pipelines.load_once(str(tmp_path), -1).nlp is old()
    annotate(batch(["Quuxistan"]))
    gone = []
    load = pipelines._load

    def observed(*key: Any) -> pipelines.Loaded:
        gone.append(old() is None)
        return load(*key)

    monkeypatch.setattr(pipelines, "_load", observed)
    assert_close(rows(annotate(batch(TEXTS))), expected)
    assert gone == [True]  # before the new one was in memory


def test_small_chunks_of_a_table_are_annotated_together(model: Path, calls: list[Any]) -> None:
    annotator(str(model), columns=["tags"], batch_size=7)(chunked(TEXTS))
    assert calls == [(len(TEXTS), 7)]


def test_the_annotator_is_pickled_without_its_pipeline(
    annotate: Annotator, expected: list[dict[str, Any]]
) -> None:
    data = pickle.dumps(annotate)
    assert len(data) < 1000
    assert pickle.loads(data) == annotate
    assert rows(pickle.loads(data)(batch(TEXTS))) == expected


def test_threads_share_one_pipeline(
    model: Path,
    tmp_path: Path,
    expected: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spacy.load(model).to_disk(tmp_path)
    loaded = []
    load = spacy.load

    def slowly(name: Path) -> Language:
        loaded.append(name)
        time.sleep(0.1)
        return load(name)

    monkeypatch.setattr(spacy, "load", slowly)
    annotate = annotator(str(tmp_path), id_column="id", columns=list(COLUMNS))
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(annotate, [batch(TEXTS)] * 8):
            assert rows(found) == expected
    assert loaded == [tmp_path]
