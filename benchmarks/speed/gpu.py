"""Words a second on a GPU, and on the CPU beside it: `python -m benchmarks.speed.gpu NER TEXTS`.

NER and TEXTS are `.spacy` files with entities and with categories. spaCy's entity recogniser and
text classifier and ours, with the same embedding: training steps of about 2,000 words each, and
`nlp.pipe` over the whole file. Everything runs in one process with
one thread, so both sides have the same machine. `--write` puts the table of the recorded result
into docs/speed.md.
"""

import argparse
import copy
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

import spacy
import srsly
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Corpus, Example
from spacy.training.batchers import minibatch_by_words
from thinc.api import Optimizer, fix_random_seed, prefer_gpu, require_cpu
from wasabi import msg

from ..accuracy.results import environment_line, markdown_table, replace_section
from ..documents import bare
from .results import RESULTS, keep
from .workers.serve import timed

PAGE = Path("docs/speed.md")
HEADER = ["", "nlp.update, words/s", "nlp.pipe, words/s"]
WORDS_A_BATCH, BATCHES, REPEATS = 2000, 20, 3
PIPE_BATCHES = [256, 1000]
EMBED = {
    "@architectures": "spacy.MultiHashEmbed.v2",
    "width": 96,
    "attrs": ["NORM", "PREFIX", "SUFFIX", "SHAPE"],
    "rows": [5000, 1000, 2500, 2500],
    "include_static_vectors": False,
}


def tok2vec(encode: dict[str, Any]) -> dict[str, Any]:
    """The embedding of both sides, and an encoder."""
    return {"@architectures": "spacy.Tok2Vec.v2", "embed": EMBED, "encode": encode}


def recurrent(cell: str) -> dict[str, Any]:
    """Our recogniser: a layer that reads in both directions, and a CRF."""
    encode = {"@architectures": "spacy-seqrnn.RNNEncoder.v1", "width": 256, "cell": cell}
    return {"@architectures": "spacy-seqrnn.NER.v1", "tok2vec": tok2vec(encode)}


CNN = {
    "@architectures": "spacy.MaxoutWindowEncoder.v2",
    "width": 96,
    "depth": 4,
    "window_size": 1,
    "maxout_pieces": 3,
}
PARSER = {
    "@architectures": "spacy.TransitionBasedParser.v2",
    "state_type": "ner",
    "extra_state_tokens": False,
    "hidden_width": 64,
    "maxout_pieces": 2,
    "use_upper": True,
    "nO": None,
    "tok2vec": tok2vec(CNN),
}
TEXTCAT = {
    "@architectures": "spacy-seqrnn.TextCat.v1",
    "pooling": ["max", "mean", "narrow_attention", "last"],
    "exclusive_classes": True,
    "ngrams": {"@architectures": "spacy-seqrnn.NgramScores.v1"},
    "tok2vec": tok2vec(
        {"@architectures": "spacy-seqrnn.RNNEncoder.v1", "width": 128, "word_dropout": 0.05}
    ),
}
SPACY_TEXTCAT = {
    "@architectures": "spacy.TextCatEnsemble.v2",
    "tok2vec": tok2vec(CNN),
    "linear_model": {
        "@architectures": "spacy.TextCatBOW.v3",
        "exclusive_classes": True,
        "ngram_size": 1,
        "no_output_layer": False,
    },
}
Sides: TypeAlias = dict[str, tuple[str, dict[str, Any]]]  # factory and model of each
TEXT_SIDES: Sides = {
    "spaCy's textcat": ("textcat", SPACY_TEXTCAT),
    "TextCat.v1": ("textcat", TEXTCAT),
}
NER_SIDES: Sides = {
    "spaCy's ner": ("ner", PARSER),
    "seqrnn_ner": ("seqrnn_ner", recurrent("lstm")),
    "seqrnn_ner, GRU": ("seqrnn_ner", recurrent("gru")),
}


def main() -> None:
    """Measure and keep, or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ner", type=Path, nargs="?")
    parser.add_argument("texts", type=Path, nargs="?")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE}")
    options = parser.parse_args()
    if options.write:
        replace_section(PAGE, "gpu", table())
        return
    torch.set_num_threads(1)
    rows = {}
    for device, choose in {"cpu": require_cpu, "gpu": prefer_gpu}.items():
        if not choose():
            msg.warn("CuPy finds no GPU: only the CPU is measured.")
            break
        for sides, corpus in ((NER_SIDES, options.ner), (TEXT_SIDES, options.texts)):
            for side, (factory, model) in sides.items():
                rows[f"{side}, {device}"] = measure(factory, model, corpus)
                msg.info(f"{side}, {device}: {rows[f'{side}, {device}']}")
    msg.table(
        [(side, *map("{:,}".format, row.values())) for side, row in rows.items()], header=HEADER
    )
    corpora = [str(options.ner), str(options.texts)]
    keep("gpu", {"corpora": corpora, "gpu": gpu_name(), "rows": rows})


def measure(factory: str, model: dict[str, Any], corpus: Path) -> dict[str, int]:
    """Training steps and prediction of one pipeline on the current device."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe(factory, config={"model": copy.deepcopy(model)})
    examples = list(Corpus(corpus)(nlp))
    optimizer = nlp.initialize(lambda: examples)
    batches = list(minibatch_by_words(examples, WORDS_A_BATCH))[:BATCHES]
    trained = sum(len(example.reference) for batch in batches for example in batch)
    update = median(timed_updates(nlp, batches, optimizer) for _ in range(REPEATS + 1))
    docs = [example.reference for example in examples]
    pipe = min(timed_pipe(nlp, docs, size) for size in PIPE_BATCHES for _ in range(REPEATS))
    return {
        "update": round(trained / update),
        "pipe": round(sum(map(len, docs)) / pipe),
    }


def timed_updates(nlp: Language, batches: list[list[Example]], optimizer: Optimizer) -> float:
    """Seconds of the training steps."""
    fresh = [[Example(bare(eg.reference), eg.reference) for eg in batch] for batch in batches]
    return synchronised(lambda: [nlp.update(batch, sgd=optimizer, drop=0.1) for batch in fresh])


def timed_pipe(nlp: Language, docs: list[Doc], batch_size: int) -> float:
    """Seconds of `nlp.pipe`."""
    fresh = [bare(doc) for doc in docs]
    return synchronised(lambda: all(True for _ in nlp.pipe(fresh, batch_size=batch_size)))


def synchronised(work: Callable[[], Any]) -> float:
    """Seconds until the device has done the work too, which it does beside the CPU."""

    def run() -> None:
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    return timed(run)


def table() -> str:
    """Training and prediction of both sides on both devices."""
    result = srsly.read_json(RESULTS / "gpu.json")
    rows = [[side, *map("{:,}".format, row.values())] for side, row in result["rows"].items()]
    note = f"Measured on: {result['gpu']}; {environment_line([result])}."
    return f"{markdown_table(HEADER, rows)}\n\n{note}"


def gpu_name() -> str | None:
    """The GPU, if there is one."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


if __name__ == "__main__":
    main()
