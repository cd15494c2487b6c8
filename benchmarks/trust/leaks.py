"""Whether memory grows with the number of documents read: `python -m benchmarks.trust.leaks`.

A million short documents and ten thousand long ones go through `nlp.pipe` in memory zones, and
resident memory is read after each zone. NEW_WORDS of their words are new, as in real text, where
new words never end. spaCy's part is measured separately, with the same texts and a pipeline that
only tokenises: its tables of strings and lexemes do not shrink after a zone.

Memory that the C library keeps for later is released before each reading, as it fluctuates with
the size of batches, and the table of words is small enough to be full after the first tenth.
`--plain` does neither: it uses the default table, and includes free memory. Linux with glibc only.
"""

import ctypes
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from typing import Annotated, Any

import numpy as np
import spacy
import srsly
import torch
import typer
from spacy.language import Language
from spacy.training import Example
from thinc.api import Config, fix_random_seed
from wasabi import msg

from ..accuracy.results import environment_line, markdown_table, replace_section
from ..memory import MEGABYTE, memory
from .results import PAGE, keep, kept

LIMIT = 0.05  # how much memory may grow after the first tenth of the documents
VOCABULARY, ZIPF_EXPONENT = 20_000, 1.3
NEW_WORDS = 0.02
SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
HEADER = ["documents", "pipeline", "words", "MB after a tenth", "MB in the end", "growth"]
SPACY_ALONE = "spaCy's tokenizer alone"


@dataclass(frozen=True)
class Load:
    """Documents of one kind.

    n_docs: how many there are.
    words: the fewest and the most words of one.
    zone: how many documents are in a memory zone.
    """

    n_docs: int
    words: tuple[int, int]
    zone: int


LOADS = {
    "short": Load(1_000_000, (3, 12), 10_000),
    "long": Load(10_000, (2_000, 2_000), 50),
}

# All layers of the package that remember words, small enough for a million documents. The table of
# words fills up within the first tenth and is emptied many times.
PIPELINE = """
[nlp]
lang = "en"
pipeline = ["tok2vec","seqrnn_ner","textcat"]

[components]

[components.tok2vec]
factory = "tok2vec"

[components.tok2vec.model]
@architectures = "spacy.Tok2Vec.v2"

[components.tok2vec.model.embed]
@architectures = "spacy-seqrnn.LexemeEmbed.v1"
table_size = 16384

[components.tok2vec.model.embed.layers]

[components.tok2vec.model.embed.layers.words]
@architectures = "spacy.MultiHashEmbed.v2"
width = 16
attrs = ["NORM","PREFIX","SUFFIX","SHAPE"]
rows = [2000,500,1000,500]
include_static_vectors = false

[components.tok2vec.model.embed.layers.chars]
@architectures = "spacy-seqrnn.CharCNNEmbed.v1"
width = 16
char_width = 8

[components.tok2vec.model.encode]
@architectures = "spacy-seqrnn.RNNEncoder.v1"
width = 32

[components.seqrnn_ner]
factory = "seqrnn_ner"
spans_key = "found"

[components.seqrnn_ner.model]
@architectures = "spacy-seqrnn.NER.v1"

[components.seqrnn_ner.model.tok2vec]
@architectures = "spacy.Tok2VecListener.v1"
width = 32

[components.textcat]
factory = "textcat"

[components.textcat.model]
@architectures = "spacy-seqrnn.TextCat.v1"
exclusive_classes = true

[components.textcat.model.tok2vec]
@architectures = "spacy.Tok2VecListener.v1"
width = 32
"""
PIPELINE_PLAIN = PIPELINE.replace("table_size = 16384\n", "")


def main(
    short: Annotated[int, typer.Option(help="How many short documents")] = LOADS["short"].n_docs,
    long: Annotated[int, typer.Option(help="How many long documents")] = LOADS["long"].n_docs,
    plain: Annotated[bool, typer.Option(help="Default table, and free memory counts")] = False,
) -> None:
    """Measure each kind of documents with both pipelines, print a table and save the result."""
    rows = []
    for kind, n_docs in (("short", short), ("long", long)):
        for pipeline in PIPELINES:
            rows.append(in_new_process(kind, n_docs, pipeline, plain))
            msg.text(srsly.json_dumps(rows[-1]))
    table = [table_row(row) for row in rows]
    msg.table(table, header=HEADER, divider=True, aligns=tuple("llrrrr"))
    msg.text(f"Allowed: {LIMIT:.0%}")
    keep({"limit": LIMIT, "plain": plain, "rows": rows}, "leaks", "plain" if plain else "kept")
    write_page()


def write_page() -> None:
    """Write the page's tables."""
    results = kept("leaks")
    tables = [markdown_table(HEADER, list(map(table_row, result["rows"]))) for result in results]
    note = f"Measured on: {environment_line(results)}."
    replace_section(PAGE, "leaks", "\n\nWith `--plain`:\n\n".join(tables) + f"\n\n{note}")


def table_row(row: dict[str, Any]) -> list[str]:
    """A row of the printed table."""
    documents = f"{row['n_docs']:,} {row['documents']}"
    tenth, end = (f"{row['megabytes'][i]:,.1f}" for i in (len(row["megabytes"]) // 10 - 1, -1))
    return [documents, row["pipeline"], f"{row['words']:,}", tenth, end, f"{row['growth']:+.1%}"]


def in_new_process(kind: str, n_docs: int, pipeline: str, plain: bool = False) -> dict[str, Any]:
    """Measure in a process where nothing else allocates or frees memory."""
    command = [sys.executable, "-m", "benchmarks.trust.leaks", kind, str(n_docs), pipeline]
    command += ["plain"] * plain
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def measure(kind: str, n_docs: int, pipeline: str, *, plain: bool = False) -> dict[str, Any]:
    """Memory after each zone, and how far its peak is above that of the first tenth."""
    torch.set_num_threads(1)
    load = LOADS[kind]
    zone = min(load.zone, n_docs // 20)
    start, n_words, megabytes = time.perf_counter(), 0, []
    nlp, stream = PIPELINES[pipeline](PIPELINE_PLAIN if plain else PIPELINE), texts(load.words)
    for _ in range(n_docs // zone):
        with nlp.memory_zone():
            n_words += sum(len(doc) for doc in nlp.pipe(islice(stream, zone)))
        in_use = memory("VmRSS") if plain else memory_in_use()
        megabytes.append(round(in_use / MEGABYTE, 1))
    return {
        "documents": kind,
        "pipeline": pipeline,
        "n_docs": n_docs,
        "words": n_words,
        "growth": round(growth(megabytes), 4),
        "seconds": round(time.perf_counter() - start),
        "peak": round(memory("VmHWM") / MEGABYTE, 1),
        "megabytes": megabytes,
    }


def memory_in_use() -> float:
    """Resident memory without freed memory, in bytes."""
    ctypes.CDLL(None).malloc_trim(0)
    return memory("VmRSS")


def growth(megabytes: list[float]) -> float:
    """The peak of memory after the first tenth of the zones, relative to the peak until then."""
    tenth = len(megabytes) // 10
    return max(megabytes[tenth:]) / max(megabytes[:tenth]) - 1


def texts(n_words: tuple[int, int]) -> Iterator[str]:
    """Infinite texts of so many words: common words by Zipf's law, and ever-new ones."""
    random = np.random.default_rng(0)
    new = count(VOCABULARY)
    fewest, most = n_words
    while True:
        size = int(random.integers(fewest, most + 1))
        numbers = random.zipf(ZIPF_EXPONENT, size) % VOCABULARY
        is_new = random.random(size) < NEW_WORDS
        yield " ".join(
            word(next(new) if flag else number)
            for number, flag in zip(numbers.tolist(), is_new.tolist(), strict=True)
        )


def word(number: int) -> str:
    """The number as an invented word, every fourth with a capital."""
    syllables, rest = [], number + len(SYLLABLES)
    while rest:
        rest, last = divmod(rest, len(SYLLABLES))
        syllables.append(SYLLABLES[last])
    return "".join(syllables).capitalize() if number % 4 == 0 else "".join(syllables)


def make_pipeline(config: str = PIPELINE) -> Language:
    """A pipeline of ours with a shared encoder and random weights."""
    fix_random_seed(0)
    nlp = spacy.util.load_model_from_config(Config().from_str(config), auto_fill=True)
    nlp.initialize(lambda: [_example(nlp, "A"), _example(nlp, "B")])
    return nlp


def _example(nlp: Language, label: str) -> Example:
    text, cats = f"one {label} two", {"A": float(label == "A"), "B": float(label == "B")}
    return Example.from_dict(nlp.make_doc(text), {"entities": [(4, 5, label)], "cats": cats})


def make_tokenizer(config: str = PIPELINE) -> Language:
    """A pipeline that only tokenises, whatever the other's config says."""
    return spacy.blank("en")


PIPELINES = {"spacy-seqrnn": make_pipeline, SPACY_ALONE: make_tokenizer}


if __name__ == "__main__":
    if len(sys.argv) > 3 and sys.argv[1] in LOADS:
        kind, n_docs, name, *plain = sys.argv[1:]
        print(json.dumps(measure(kind, int(n_docs), name, plain=bool(plain))))
    else:
        typer.run(main)
