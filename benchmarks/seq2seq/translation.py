"""How good translations are: `python -m benchmarks.seq2seq.translation NAME MODEL CORPUS`.

MODEL is a pipeline of `spacy project run multi30k`, and CORPUS a `.spacy` file with references.
NAME is one of `NAMES`: a direction, and whether the decoder attends to the source. The pictures of
Cho et al. (2014), "On the properties of neural machine translation", show how a decoder without
attention forgets long sources. Minutes are those of the training's log.
"""

import argparse
from bisect import bisect_right
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import sacrebleu
import srsly
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spacy_seqrnn.draw.svg import as_file, as_svg, new_figure, style

from ..accuracy.results import environment_line, markdown_table, replace_section, write_result
from ..environment import describe_environment
from .pipelines import load, write
from .results import PAGE, RESULTS

NAMES = {
    "de-en": "German to English",
    "en-de": "English to German",
    "en-de-none": "English to German, without attention",
}
CURVES = {"en-de": "with attention", "en-de-none": "without attention"}
PICTURE = Path("docs/pictures/bleu-by-length.svg")
STARTS = (1, 9, 12, 15, 20)  # the fewest words of the sources of each group


class Pair(NamedTuple):
    """A text as written, what it should be, and the words of its source."""

    written: str
    reference: str
    n_words: int


def main() -> None:
    """Translate, save the scores, and write the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("model", type=Path)
    parser.add_argument("corpus", type=Path)
    options = parser.parse_args()
    pairs = translate(options.model, options.corpus)
    groups = sorted(by_length(pairs).items())
    log = srsly.read_jsonl(options.model.parent / "training.jsonl")
    result = {
        "corpus": str(options.corpus),
        **scores(pairs),
        "bleu_by_length": {start: bleu(group) for start, group in groups},
        "texts_by_length": {start: len(group) for start, group in groups},
        "minutes": max(line["seconds"] for line in log) / 60,
        "environment": describe_environment(),
    }
    write_result(result, "translation", options.name, folder=RESULTS)
    write_page()


def translate(model: Path, corpus: Path) -> list[Pair]:
    """What a pipeline writes for each text of a corpus, by its own beam."""
    nlp, component = load(model)
    references = list(DocBin().from_disk(corpus).get_docs(Vocab()))
    sources = [doc.text for doc in references]
    written = write(nlp, component.output, sources)
    expected = [doc._.get(component.output) for doc in references]
    lengths = [len(source.split()) for source in sources]
    return list(map(Pair, written, expected, lengths))


def scores(pairs: list[Pair]) -> dict[str, float]:
    """BLEU with the tokens of 13a, also of lower-cased texts, and chrF, from 0 to 100."""
    written, references = _columns(pairs)
    return {
        "bleu": bleu(pairs),
        "bleu_lower": sacrebleu.corpus_bleu(written, [references], lowercase=True).score,
        "chrf": sacrebleu.corpus_chrf(written, [references]).score,
    }


def bleu(pairs: list[Pair]) -> float:
    """Of all texts together, with capitals."""
    written, references = _columns(pairs)
    return float(sacrebleu.corpus_bleu(written, [references]).score)


def _columns(pairs: list[Pair]) -> tuple[list[str], list[str]]:
    return [pair.written for pair in pairs], [pair.reference for pair in pairs]


def by_length(pairs: list[Pair]) -> dict[int, list[Pair]]:
    """Groups of similar numbers of words, by the fewest words of each."""
    groups = defaultdict(list)
    for pair in pairs:
        groups[STARTS[max(0, bisect_right(STARTS, pair.n_words) - 1)]].append(pair)
    return groups


def write_page() -> None:
    """Write the table and the picture from the results that there are."""
    found = {
        name: srsly.read_json(path)
        for name in NAMES
        if (path := RESULTS / f"translation-{name}.json").exists()
    }
    replace_section(PAGE, "translation", table(found))
    curves = {label: found[name] for name, label in CURVES.items() if name in found}
    PICTURE.write_text(draw(curves), encoding="utf8")


def table(found: dict[str, dict[str, Any]]) -> str:
    """A row for each result, by names: scores, and BLEU by the length of sources."""
    header = ["", "BLEU", "lower case", "chrF", "minutes", *map(_group, range(len(STARTS)))]
    rows = [
        [
            NAMES[name],
            f"**{result['bleu']:.1f}**",
            *(f"{result[score]:.1f}" for score in ("bleu_lower", "chrf")),
            f"{result['minutes']:.0f}",
            *(f"{result['bleu_by_length'][str(start)]:.1f}" for start in STARTS),
        ]
        for name, result in found.items()
    ]
    corpora = ", ".join(dict.fromkeys(f"`{result['corpus']}`" for result in found.values()))
    note = (
        f"Scores of sacrebleu for {corpora}, one seed each; the columns with numbers of words are "
        f"BLEU by the length of the source. Measured on: {environment_line(list(found.values()))}."
    )
    return f"{markdown_table(header, rows)}\n\n{note}"


def _group(i: int) -> str:
    if i + 1 == len(STARTS):
        return f"{STARTS[i]} or more"
    return f"{STARTS[i]} to {STARTS[i + 1] - 1}"


def draw(curves: dict[str, dict[str, Any]]) -> str:
    """BLEU by the length of the source, a line for each result, as a picture (SVG)."""
    with style():
        figure = new_figure(6.0, 3.0)
        axis = figure.subplots()
        for label, result in curves.items():
            axis.plot([result["bleu_by_length"][str(start)] for start in STARTS], "o-", label=label)
        axis.set_xticks(range(len(STARTS)), map(_group, range(len(STARTS))))
        axis.set_ylabel("BLEU")
        axis.set_xlabel("words of the source")
        axis.set_ylim(bottom=0)
        axis.grid(True, axis="y")
        axis.legend()
        return as_file(as_svg(figure))


if __name__ == "__main__":
    main()
