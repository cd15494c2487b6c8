"""Loading runs no code, and allocates no memory for what a saved model claims.

Anyone who can write a model can write the checksums too, so all of these have correct ones.
"""

import gc
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import srsly
import torch
from spacy.language import Language
from srsly.msgpack import ExtType, packb
from thinc.api import Config

from spacy_seqrnn.saved.checkpoints import UNCHECKED
from spacy_seqrnn.saved.checksums import CHECKSUMS, write_list
from spacy_seqrnn.saved.layers import is_ours, output_width
from spacy_seqrnn.saved.shapes import Layer
from spacy_seqrnn.saved.whole import contents

from ..conftest import gold_examples
from ..pipes import get_pipe
from ..seq2seq.models import small_seq2seq
from ..small import small_ner, small_textcat, small_tok2vec
from .test_bad_configs import (
    ENTRY_POINTS,
    chars,
    encoder,
    ensemble,
    lexemes,
    make_nlp,
    ner,
    ngrams,
    textcat,
    tok2vec,
)

WHOLE_FILES = {"@callbacks": "spacy-seqrnn.whole_files.v1"}
MODELS = {
    "tok2vec": small_tok2vec(),
    "tagger": {"@architectures": "spacy.Tagger.v2", "tok2vec": small_tok2vec()},
    "textcat": small_textcat(True, pooling=["attention", "max"]),
    "seqrnn_ner": small_ner(),
}
NAMES = list(MODELS)
# Models whose outermost layer is ours are safe on their own, the others with whole_files.
OURS = ["textcat", "seqrnn_ner"]
Saved = dict[str, Any]


def make(*, guarded: bool) -> Language:
    components = {name: {"factory": name, "model": model} for name, model in MODELS.items()}
    nlp = {"lang": "en", "pipeline": NAMES, "after_creation": WHOLE_FILES if guarded else None}
    config = Config({"nlp": nlp, "components": components})
    return spacy.util.load_model_from_config(config, auto_fill=True)


@pytest.fixture(scope="module")
def nlp() -> Language:
    """Run on the invented sentences once, so that all parameters exist."""
    nlp = make(guarded=True)
    examples = gold_examples(nlp)
    nlp.update(examples, sgd=nlp.initialize(lambda: examples))
    return nlp


def model_of(saved: Path, name: str) -> Saved:
    """A saved model, to be changed."""
    model: dict[str, Any] = srsly.read_msgpack(saved / name / "model")
    return model


def with_model(saved: Path, name: str, model: bytes, *, guarded: bool) -> None:
    """Replace a component's model in a saved pipeline, with correct checksums."""
    (saved / name / "model").write_bytes(model)
    config = Config().from_disk(saved / "config.cfg")
    config["nlp"]["after_creation"] = WHOLE_FILES if guarded else None
    config.to_disk(saved / "config.cfg")
    seal(saved)


def seal(folder: Path) -> None:
    """Correct the checksums of a changed pipeline, those of its recogniser first."""
    lists = sorted(folder.rglob(CHECKSUMS), key=lambda file: len(file.parts), reverse=True)
    for path in [file.parent for file in lists]:
        (path / CHECKSUMS).unlink()
        write_list(path, set(contents(path)[0]) - {UNCHECKED})


def as_bytes(saved: Path, name: str, model: bytes) -> bytes:
    """A pipeline as a byte string that contains only one component, with another model."""
    parts = {"cfg": (saved / name / "cfg").read_text()} if (saved / name / "cfg").exists() else {}
    return bytes(srsly.msgpack_dumps({name: srsly.msgpack_dumps({**parts, "model": model})}))


def rejection(name: str) -> str:
    return f"The saved component '{name}' cannot be loaded"


# Code


class Payload:
    """Creates a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (str(self.path),)


def object_array(payload: bytes, kind: bytes, descr: Any) -> dict[bytes, Any]:
    """An array of objects as msgpack-numpy writes it, of which srsly's reader is a copy."""
    return {b"nd": True, b"kind": kind, b"type": descr, b"shape": [1], b"data": payload}


def first_param(model: Saved) -> tuple[int, str]:
    """A layer that has a parameter, and its name."""
    return next((i, name) for i, params in enumerate(model["params"]) for name in params)


def payloads(model: Saved, marker: Path) -> dict[str, bytes]:
    """Models with code in every place that could contain some."""
    pickled = pickle.dumps(Payload(marker))
    by_torch, by_numpy = io.BytesIO(), io.BytesIO()
    torch.save(Payload(marker), by_torch)
    np.save(by_numpy, np.asarray([Payload(marker)], dtype=object), allow_pickle=True)
    i, param = first_param(model)
    at = next(i for i, attrs in enumerate(model["attrs"]) if attrs)
    attr = next(iter(model["attrs"][at]))
    values = {
        "pickle": pickled,
        "torch": by_torch.getvalue(),
        "numpy": by_numpy.getvalue(),
        "extension": ExtType(42, pickled),
        "objects": object_array(pickled, b"O", "|O"),
        "objects of no kind": object_array(pickled, b"", "|O8"),
        "objects in a structure": object_array(pickled, b"V", [["a", "|O"]]),
        "expression": {b"complex": True, b"data": f"__import__('os').mkdir({str(marker)!r})"},
    }
    found = {"pickle": pickled, "torch": by_torch.getvalue(), "numpy": by_numpy.getvalue()}
    for kind, value in values.items():
        found[f"{kind} as model"] = packed(value)
        found[f"{kind} as parameter"] = changed(model, "params", i, {param: value})
        found[f"{kind} as attribute"] = changed(model, "attrs", at, {attr: value})
        inner = packed(value)
        found[f"{kind} in an attribute"] = changed(model, "attrs", at, {attr: inner})
        found[f"{kind} in an unknown attribute"] = changed(model, "attrs", at, {"new": inner})
        found[f"{kind} as shim"] = changed(model, "shims", at, [value])
        found[f"{kind} as name"] = changed(model, "nodes", at, {"name": value})
    return found


def packed(value: Any) -> bytes:
    return bytes(packb(value, use_bin_type=True))


def changed(model: Saved, part: str, i: int, value: Any) -> bytes:
    """A saved model with something else in one of its layers."""
    rows = list(model[part])
    rows[i] = {**rows[i], **value} if isinstance(value, dict) else value
    return packed({**model, part: rows})


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_no_code_is_run(saved: Path, tmp_path: Path, name: str, guarded: bool) -> None:
    marker = tmp_path / "marker"
    nlp = make(guarded=guarded)
    for case, model in payloads(model_of(saved, name), marker).items():
        error = error_of(nlp, as_bytes(saved, name, model))
        assert not marker.exists(), case
        if case in HARMLESS:
            continue
        if guarded or name in OURS:
            assert isinstance(error, ValueError), f"{case}: {error!r}"
        if guarded or name == "seqrnn_ner":
            assert rejection(name) in str(error), f"{case}: {error}"


# Bytes within bytes, which nothing reads
HARMLESS = [f"{kind} in an unknown attribute" for kind in ("pickle", "torch", "numpy")]


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_no_code_is_run_from_disk(saved: Path, tmp_path: Path, name: str, guarded: bool) -> None:
    marker = tmp_path / "marker"
    models = payloads(model_of(saved, name), marker)
    copy = shutil.copytree(saved, tmp_path / "copy")
    loaders: dict[str, Callable[[Path], Language]] = {
        "pickle": spacy.load,
        "objects as parameter": make(guarded=guarded).from_disk,
    }
    for case, load in loaders.items():
        with_model(copy, name, models[case], guarded=guarded)
        named = guarded or name == "seqrnn_ner"
        with pytest.raises(
            Exception, match=rejection(name) if named else None
        ):  # srsly's own error
            load(copy)
        assert not marker.exists()


@pytest.fixture(autouse=True)
def _collecting() -> Iterator[None]:
    """srsly leaves the garbage collector off if it fails, for models that only srsly has read."""
    yield
    gc.enable()


def test_the_payloads_are_live(saved: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    models = payloads(model_of(saved, "tagger"), marker)
    loaders: dict[str, Callable[[bytes], Any]] = {
        "pickle": pickle.loads,
        "torch": lambda data: torch.load(io.BytesIO(data), weights_only=False),
        "numpy": lambda data: np.load(io.BytesIO(data), allow_pickle=True),
    }
    for kind, load in loaders.items():
        load(models[kind])
        assert marker.is_dir()
        marker.rmdir()


def test_no_layer_has_a_shim() -> None:
    """A shim reads its own format: PyTorch's is pickle."""
    models = {
        "tok2vec": tok2vec(lexemes(a=chars())),
        "seqrnn_ner": ensemble("NER", a=ner(tok2vec()), b=ner(tok2vec(), decoder="softmax")),
        "textcat": ensemble("TextCat", a=ngrams(), b=textcat(tok2vec(), pooling="attention")),
    }
    nlp = make_nlp(models)
    for name in models:
        assert not any(node.shims for node in get_pipe(nlp, name).model.walk())


# Sizes

HEADERS = {
    "list": b"\xdd\xff\xff\xff\xff",
    "dictionary": b"\xdf\xff\xff\xff\xff",
    "bytes": b"\xc6\xff\xff\xff\xff",
    "text": b"\xdb\xff\xff\xff\xff",
    "extension": b"\xc9\xff\xff\xff\xff\x05",
}
MEGABYTES = 4
# Nested lists, each of which claims as many elements as the file has bytes: with 8 bytes per
# element, a thousand of them would take 32 GB.
NESTED = (b"\xdd" + (MEGABYTES << 20).to_bytes(4, "big")) * 1000 + bytes(MEGABYTES << 20)


def absurd(model: Saved) -> dict[str, bytes]:
    """Models that claim to be larger than they are."""
    i, param = first_param(model)
    at = next(i for i, attrs in enumerate(model["attrs"]) if attrs)
    attr = next(iter(model["attrs"][at]))
    found = {f"endless {kind}": header for kind, header in HEADERS.items()}
    found |= {"nested": NESTED, "deep": b"\x91" * 2000 + b"\x00", "deeper": b"\x91" * 100_000}
    for case, data in list(found.items()):
        found[f"{case} in an attribute"] = changed(model, "attrs", at, {attr: data})
        found[f"{case} in an unknown attribute"] = changed(model, "attrs", at, {"new": data})
    for shape in ([2**40], [2**31, 2**31], [10**6, 10**6], [-1], [2**62, 4], [0], [2**64 - 1], "x"):
        array = {b"nd": True, b"type": "<f4", b"kind": b"", b"shape": shape, b"data": bytes(8)}
        found[f"shape {shape}"] = changed(model, "params", i, {param: array})
    array = {b"nd": True, b"type": "<f4", b"kind": b"", b"shape": [2], b"data": bytes(8)}
    for key, value in [(b"kind", b"V"), (b"nd", 1), (b"type", "<"), (b"type", "<f8,<f8")]:
        found[f"{key!r} {value!r}"] = changed(model, "params", i, {param: {**array, key: value}})
    dims = model["nodes"][i]["dims"]
    for size in (2**40, 2**63, -1, 0, 1.5, "x", True, [1]):
        sizes = {"dims": dict.fromkeys(dims, size)}
        found[f"size {size}"] = changed(model, "nodes", i, sizes)
    for part in ("nodes", "attrs", "params", "shims"):
        found[f"one more in {part}"] = packed({**model, part: [*model[part], model[part][0]]})
        found[f"many in {part}"] = packed({**model, part: [0] * 20_000})
        found[f"none in {part}"] = packed({**model, part: []})
        found[f"without {part}"] = packed({k: v for k, v in model.items() if k != part})
    return found


# Loads every file in a folder as the model of a component, and reports the error and the memory
# used. There is no memory for anything much larger than the files.
LOAD_ALL = """
import gc, json, resource, sys
from pathlib import Path
from tests.trust.test_foreign_code import as_bytes, error_of, make, rejection, with_model

saved, cases = Path(sys.argv[1]), Path(sys.argv[2])
nlp = make(guarded=True)
size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + (200 << 20),) * 2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = {}
for file in sorted(cases.rglob("*-*")):
    name, model = file.parent.name, file.read_bytes()
    found[f"{name} {file.name}"] = str(error_of(nlp, as_bytes(saved, name, model)))
    if file.name in ("nested-", "endless-list-"):
        intact = (saved / name / "model").read_bytes()
        with_model(saved, name, model, guarded=True)
        try:
            nlp.from_disk(saved)
        except ValueError as error:
            found[f"{name} {file.name} from disk"] = str(error)
        with_model(saved, name, intact, guarded=True)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([found, (after - before) >> 10, gc.isenabled()]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of the address space")
def test_no_memory_is_taken_for_what_is_not_there(saved: Path, tmp_path: Path) -> None:
    cases = [(name, *case) for name in NAMES for case in absurd(model_of(saved, name)).items()]
    for name, case, model in cases:
        (tmp_path / "cases" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "cases" / name / f"{case.replace(' ', '-')}-").write_bytes(model)
    copy = shutil.copytree(saved, tmp_path / "copy")
    run: list[str | Path] = [
        sys.executable,
        "-W",
        "ignore",
        "-c",
        LOAD_ALL,
        copy,
        tmp_path / "cases",
    ]
    result = subprocess.run(run, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    found, megabytes, collecting = json.loads(result.stdout)
    assert len(found) == len(cases) + 2 * len(NAMES)
    for case, said in found.items():
        assert rejection(case.split()[0]) in said, f"{case}: {said}"
        assert "MemoryError" not in said, f"{case}: {said}"
    assert megabytes < 100  # the largest file has 4, and is read, copied and hashed
    assert collecting


# Shapes


def misfits(array: np.ndarray) -> dict[str, np.ndarray]:
    """The array in other shapes and types than its own."""
    return {
        "a row more": np.concatenate([array, array[:1]]),
        "a row less": array[:-1],
        "flat": array.ravel() if array.ndim > 1 else array[None],
        "another axis": array[..., None],
        "double": array.astype("float64"),
        "half": array.astype("float16"),
        "whole": array.astype("int32"),
        "a number": array.ravel()[0],
    }


def params(model: Saved) -> list[tuple[int, str, np.ndarray]]:
    return [
        (i, name, array)
        for i, arrays in enumerate(model["params"])
        for name, array in arrays.items()
        if array is not None
    ]


def error_of(nlp: Language, data: bytes) -> Exception | None:
    try:
        nlp.from_bytes(data)
    except Exception as error:
        return error
    return None


@pytest.mark.parametrize("name", NAMES)
def test_parameters_of_other_shapes_are_rejected(saved: Path, name: str) -> None:
    """For every layer, including Thinc's and spaCy's."""
    model, nlp = model_of(saved, name), make(guarded=True)
    cases = [(i, p, misfit) for i, p, array in params(model) for misfit in misfits(array).items()]
    assert len(cases) >= 30
    for i, param, (case, array) in cases:
        error = error_of(nlp, as_bytes(saved, name, changed(model, "params", i, {param: array})))
        assert isinstance(error, ValueError), f"{case} of {i}, {param}: {error!r}"
        assert rejection(name) in str(error)
        assert f"parameter '{param}'" in str(error)
    nlp.from_bytes(as_bytes(saved, name, (saved / name / "model").read_bytes()))


@pytest.mark.parametrize("name", NAMES)
def test_our_layers_reject_them_by_themselves(saved: Path, name: str) -> None:
    """Where only spaCy checks the rest of the model."""
    model, nlp = model_of(saved, name), make(guarded=False)
    nodes = list(get_pipe(nlp, name).model.walk())
    ours = [(i, p, array) for i, p, array in params(model) if isinstance(nodes[i], Layer)]
    assert ours
    for i, param, array in ours:
        for case, misfit in misfits(array).items():
            data = changed(model, "params", i, {param: misfit})
            error = error_of(nlp, as_bytes(saved, name, data))
            assert isinstance(error, ValueError), f"{case}: {error!r}"
            assert f"parameter '{param}'" in str(error)


def test_layers_that_do_not_fit_each_other_are_rejected(nlp: Language, saved: Path) -> None:
    """Each with parameters that fit its own size, which no config has set."""
    model, nodes = model_of(saved, "seqrnn_ner"), list(get_pipe(nlp, "seqrnn_ner").model.walk())
    at = next(i for i, node in enumerate(nodes) if node.name == "linear" and node.get_dim("nO") > 5)
    narrow = packed(
        {
            **model,
            "nodes": replaced(model["nodes"], at, "dims", {**model["nodes"][at]["dims"], "nI": 3}),
            "params": replaced(model["params"], at, "W", model["params"][at]["W"][:, :3]),
        }
    )
    error = error_of(make(guarded=True), as_bytes(saved, "seqrnn_ner", narrow))
    assert rejection("seqrnn_ner") in str(error)
    assert "'linear' has the size 'nI' = 3, but 16 is needed" in str(error)


def replaced(rows: list[dict[str, Any]], i: int, key: str, value: Any) -> list[dict[str, Any]]:
    return [{**row, key: value} if i == j else row for j, row in enumerate(rows)]


ATTRS = [
    ("rnn_stack", "residual", "yes"),
    ("rnn_stack", "dropout_rate", [0.5]),
    ("with_lexemes", "n_kept", 7),
    ("with_lexemes", "columns", [1]),
    ("with_lexemes", "table", 5),
    ("with_chars", "max_chars", "many"),
    ("lstm", "cell", "gru"),
    ("lstm", "cell", "unknown"),
    ("lstm", "directions", 0),
    ("expand_window", "window_size", 10**9),
    ("seqrnn_ner", "resize_output", 5),
    ("crf", "constraints", 5),
    ("hashembed", "seed", "x"),
]


@pytest.mark.parametrize(("layer", "attr", "value"), ATTRS)
def test_attributes_of_another_model_are_rejected(
    nlp: Language, saved: Path, layer: str, attr: str, value: Any
) -> None:
    model, nodes = model_of(saved, "seqrnn_ner"), list(get_pipe(nlp, "seqrnn_ner").model.walk())
    at = next(i for i, node in enumerate(nodes) if node.name == layer)
    data = changed(model, "attrs", at, {attr: packed(value)})
    for guarded in (True, False):
        error = error_of(make(guarded=guarded), as_bytes(saved, "seqrnn_ner", data))
        assert rejection("seqrnn_ner") in str(error)
        assert f"`{attr} = {value}` of the layer '{layer}', which is" in str(error)


@pytest.mark.parametrize("cfg", [{"labels": 5}, {"labels": [5]}, {"unseen_labels": "x"}, [1], "x"])
def test_settings_that_are_none_are_rejected(saved: Path, tmp_path: Path, cfg: Any) -> None:
    copy = shutil.copytree(saved, tmp_path / "copy")
    settings = srsly.read_json(copy / "seqrnn_ner" / "cfg")
    srsly.write_json(copy / "seqrnn_ner" / "cfg", {**settings, **cfg} if type(cfg) is dict else cfg)
    seal(copy)
    with pytest.raises(ValueError, match=rejection("seqrnn_ner")):
        spacy.load(copy)


def test_a_rejected_model_has_changed_nothing(nlp: Language, saved: Path, tmp_path: Path) -> None:
    """A file that is not a saved model at all is rejected before anything else is loaded."""
    loaded = spacy.load(saved)
    before = loaded.to_bytes()
    for name in NAMES:
        for case, model in payloads(model_of(saved, name), tmp_path / "marker").items():
            if case in HARMLESS:
                continue
            with pytest.raises(ValueError, match=rejection(name)):
                loaded.from_bytes(as_bytes(saved, name, model))
    assert loaded.to_bytes() == before


def every_model() -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    """Pipelines that together have all registered architectures."""
    word = {"@architectures": "spacy-seqrnn.WordEmbed.v1", "width": 6}
    char_rnn = {"@architectures": "spacy-seqrnn.CharRNNEmbed.v1", "width": 6}
    members = {"a": ner(tok2vec(word)), "b": ner(tok2vec(char_rnn), decoder="softmax")}
    yield "ner", {"seqrnn_ner": ensemble("NER", **members)}
    poolings = ["attention", "last", "first_last", "max", "mean"]
    scores = {"@architectures": "spacy-seqrnn.NgramScores.v1", "rows": 20}
    words = tok2vec(lexemes(a=chars(), b=word), depth=2)
    recurrent = textcat(words, pooling=poolings, ngrams=scores)
    bow = {"@architectures": "spacy.TextCatBOW.v3", "length": 64, "ngram_size": 1}
    bow |= {"exclusive_classes": True, "no_output_layer": False}
    yield "textcat", {"textcat": ensemble("TextCat", a=ngrams(), b=recurrent, c=bow)}
    yield "tok2vec", {"tok2vec": {**tok2vec(), "encode": encoder(residual=True, width=6)}}
    hashes = {"@architectures": "spacy-seqrnn.HashEmbedRNN.v1", "width": 6, "embed_size": 20}
    yield "hashes", {"tok2vec": hashes}
    apart = encoder(separate_directions=True, depth=2)
    lm = {"@architectures": "spacy-seqrnn.LanguageModel.v1", "cutoffs": [3, 6]}
    features = {"@architectures": "spacy-seqrnn.LMEmbed.v1", "tok2vec": tok2vec()}
    yield "features", {"seqrnn_ner": ner({**tok2vec(), "embed": features})}
    around = {"@architectures": "spacy-seqrnn.FeatureTok2Vec.v1", "features": features}
    yield "around", {"seqrnn_ner": ner({**tok2vec(), **around})}
    yield "lm", {"seqrnn_lm": {**lm, "tok2vec": {**tok2vec(), "encode": apart}}}
    yield "seq2seq", {"seqrnn_text2text": small_seq2seq(attention="additive", depth=2)}
    writers = ensemble("Seq2Seq", a=small_seq2seq(), b=small_seq2seq(cell="gru", tied=True))
    yield "writers", {"seqrnn_text2text": writers}


@pytest.mark.parametrize(("name", "models"), every_model(), ids=[name for name, _ in every_model()])
def test_all_our_architectures_are_known_and_load(
    name: str, models: dict[str, dict[str, Any]]
) -> None:
    nlp, other = make_nlp(models), make_nlp(models)
    examples = gold_examples(nlp)
    nlp.update(examples, sgd=nlp.initialize(lambda: examples))
    other.from_bytes(nlp.to_bytes())
    component = next(iter(models))
    model = get_pipe(other, component).model
    assert output_width(model, None) == model.get_dim("nO")
    saved = srsly.msgpack_loads(model.to_bytes())
    for i, node in enumerate(model.walk()):
        assert isinstance(node, Layer) == is_ours(node), node.name
        if isinstance(node, Layer) or isinstance(model, Layer):
            for param in node.param_names:
                data = changed(saved, "params", i, {param: saved["params"][i][param][:-1]})
                with pytest.raises(ValueError, match=f"parameter '{param}'"):
                    model.from_bytes(data)


def test_the_pipelines_above_have_all_our_architectures() -> None:
    text = str(list(every_model()))
    saved = set(ENTRY_POINTS["spacy_architectures"]) - {"spacy-seqrnn.PretrainLM.v1"}
    assert all(f"'{name}'" in text for name in saved)


def test_a_pipeline_of_words_with_rows_in_no_block_is_rejected() -> None:
    word = {"@architectures": "spacy-seqrnn.WordEmbed.v1", "width": 6}
    models = {"seqrnn_ner": ner(tok2vec(word))}
    nlp = make_nlp(models)
    examples = gold_examples(nlp)
    nlp.update(examples, sgd=nlp.initialize(lambda: examples))
    model = get_pipe(nlp, "seqrnn_ner").model
    saved = srsly.msgpack_loads(model.to_bytes())
    at = next(i for i, node in enumerate(model.walk()) if node.name == "word_embed")
    known = model.to_dict()["attrs"][at]
    rows = srsly.msgpack_loads(known["rows_of_keys"])
    for wrong, message in [
        (rows + 4096, "has no parameter 'rows_1'"),
        (rows - 4096, "has no parameter 'rows_-1'"),
        (rows[:-1], "rows"),
        (rows.astype("int32"), "rows"),
    ]:
        data = changed(saved, "attrs", at, {"rows_of_keys": srsly.msgpack_dumps(wrong)})
        with pytest.raises(ValueError, match=message):
            get_pipe(make_nlp(models), "seqrnn_ner").model.from_bytes(data)
