"""The page on what each part of the recipes is worth, written from the files of results."""

from functools import reduce
from itertools import groupby
from math import sqrt
from operator import getitem
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from .corpora import CORPORA, OURS
from .results import environment_line, markdown_table, read_results, replace_section, spread
from .variants import BASE, RECIPES, STEPS, VARIANTS

PAGE = Path("docs/ablation.md")
# The headings of the encoder page that have measured tables
ADVICE = Path("docs/encoders.md")
SIDE = "ablation"
INTRODUCTION = """# What each part is worth

Two recipes, {recipes}, with one thing changed at a
time, each trained for the same number of steps and scored on the development data. A difference is
to the recipe. Trainings ran beside a changing number of others, so their times are not compared.
Made by `python -m benchmarks.accuracy.ablation --write` from the files in
`benchmarks/accuracy/results`. That of entities is the recipe with GloVe's 50 dimensions, before its
corrections were slow, its locked dropout 0.25 and its training adversarial.

Measured on: {environment}.

## In short

{in_short}

{caution}"""
# The variants that answer the most frequent questions
QUESTIONS = {
    "GRU": "a GRU for the LSTM: a gate less",
    "plain RNN (tanh)": "a plain RNN for the LSTM: no gates at all",
    "left to right only": "no second direction",
    "depth 2, residual": "a second layer, with residual connection",
    "softmax, decoded within the rules of BILUO": "softmax for the CRF, decoded within its rules",
    "softmax, each token by itself": "softmax for the CRF, each token by itself",
    "no characters": "no characters",
    "learned vectors only, from zero": "no pretrained vectors",
}
# The groups of variants about the encoder and the layers right after it
ENCODER_GROUPS = ("Cell", "Direction", "Depth", "Pooling", "Decoder")


def write_page() -> None:
    """Write the page of all available results, and the tables of the advice on encoders."""
    results = all_results()
    replace_section(ADVICE, "chance", chance_table(results))
    replace_section(ADVICE, "encoders", encoder_table(results))
    introduction = INTRODUCTION.format(
        recipes=" and ".join(f"`{RECIPES[name].name}`" for name in RECIPES),
        environment=environment_line([r for own in results.values() for r in own]),
        in_short=in_short(results),
        caution=" ".join(caution(name, own) for name, own in results.items()),
    )
    tables = [
        f"## {CORPORA[name].title}, {STEPS[name]} steps\n\n{corpus_table(name, own)}"
        for name, own in results.items()
    ]
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text("\n\n".join([introduction, *tables]) + "\n", encoding="utf8")


def all_results() -> dict[str, list[dict[str, Any]]]:
    """The results of all variants, by corpus."""
    results = {name: read_results(side=SIDE, corpus=name) for name in VARIANTS}
    return {name: of_corpus for name, of_corpus in results.items() if of_corpus}


def chance_table(results: dict[str, list[dict[str, Any]]]) -> str:
    """How much scores on each corpus differ by chance."""
    rows = [
        [
            f"{CORPORA[name].title}, {CORPORA[name].metric}",
            f"{mean_of(of_variant(own, BASE), 'dev', 'score'):.1f}",
            f"{seed_deviation(name):.2f}",
            f"{by_seeds(name):.1f}",
            f"{by_texts(own):.1f}",
        ]
        for name, own in results.items()
    ]
    header = [
        "development score",
        "the recipe's",
        "deviation over seeds",
        "two trainings",
        "other texts",
    ]
    return markdown_table(header, rows)


def seed_deviation(name: str) -> float:
    """The standard deviation of the development score of our accuracy recipe over its seeds."""
    scores: list[float] = [
        result["dev"]["score"] for result in read_results(side=OURS, corpus=name)
    ]
    return stdev(scores)


def by_seeds(name: str) -> float:
    """How far apart two training runs may be by their seeds, in 19 of 20 cases."""
    return 1.96 * sqrt(2) * seed_deviation(name)


def by_texts(results: list[dict[str, Any]]) -> float:
    """Half of the recipe's 95 % interval over texts."""
    (low, high) = (mean_of(of_variant(results, BASE), "dev", "interval", i) for i in range(2))
    return (high - low) / 2


def encoder_table(results: dict[str, list[dict[str, Any]]]) -> str:
    """Each variant of the encoder compared with the recipe, and what the difference means."""
    names = [
        (variant.group, variant.name)
        for group in ENCODER_GROUPS
        for variant in {v.name: v for own in VARIANTS.values() for v in own}.values()
        if variant.group == group
    ]
    rows = [
        [f"{group}: {variant}", *(verdict(name, own, variant) for name, own in results.items())]
        for group, variant in names
    ]
    header = [f"{CORPORA[name].title}, {CORPORA[name].metric}" for name in results]
    return markdown_table(["instead of the recipe", *header], rows)


def verdict(name: str, results: list[dict[str, Any]], variant: str) -> str:
    """A difference with its meaning, e.g. "-0.8, a difference"; empty if not measured."""
    base, own = of_variant(results, BASE), of_variant(results, variant)
    if not base or not own:
        return ""
    size = abs(mean_of(own, "dev", "score") - mean_of(base, "dev", "score"))
    if size <= by_seeds(name):
        says = "nothing"
    else:
        says = "a hint" if size <= by_texts(results) else "a difference"
    return f"{difference(results, own)}, {says}"


def in_short(results: dict[str, list[dict[str, Any]]]) -> str:
    """The answers to `QUESTIONS`: difference and size compared with the recipe."""
    rows = [
        [question, *(answer(own, variant) for own in results.values())]
        for variant, question in QUESTIONS.items()
    ]
    header = [f"{CORPORA[name].title}, {CORPORA[name].metric}" for name in results]
    return markdown_table(["instead of the recipe", *header], rows)


def answer(results: list[dict[str, Any]], variant: str) -> str:
    """One variant compared with the recipe, e.g. "-0.4, 0.75 x the parameters"."""
    base, own = of_variant(results, BASE), of_variant(results, variant)
    if not base or not own:
        return ""
    size = mean_of(own, "parameters") / mean_of(base, "parameters")
    return f"{difference(results, own)}, {size:.2f} x the parameters"


def caution(name: str, results: list[dict[str, Any]]) -> str:
    """How much the recipe's score varies by chance alone."""
    base = of_variant(results, BASE)
    if not base:
        return ""
    low, high = (mean(r["dev"]["interval"][i] for r in base) for i in range(2))
    return (
        f"On {CORPORA[name].title} the recipe's own score has a 95 % interval of "
        f"{low:.1f} to {high:.1f}, so smaller differences may be chance."
    )


def corpus_table(name: str, results: list[dict[str, Any]]) -> str:
    """The table of one corpus, in the order of the variants."""
    order = [variant.name for variant in VARIANTS[name]]
    rows = []
    in_order = sorted(results, key=lambda r: (order.index(r["variant"]), r["seed"]))
    for variant, group in groupby(in_order, key=lambda r: r["variant"]):
        own = list(group)
        rows.append(
            [
                f"{own[0]['group']}: {variant}",
                spread([r["dev"]["score"] for r in own]),
                difference(results, own),
                f"{mean_of(own, 'parameters') / 1e6:.2f}",
            ]
        )
    header = ["variant", f"dev {CORPORA[name].metric}", "difference", "M parameters"]
    return markdown_table(header, rows)


def of_variant(results: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """The results of one variant, one for each seed."""
    return [result for result in results if result["variant"] == name]


def difference(results: list[dict[str, Any]], own: list[dict[str, Any]]) -> str:
    """The difference of the mean development score from the recipe's; empty if unknown."""
    base = of_variant(results, BASE)
    if not base:
        return ""
    means = [mean(r["dev"]["score"] for r in group) for group in (own, base)]
    return f"{means[0] - means[1]:+.1f}"


def mean_of(results: list[Any], *place: str | int) -> float:
    """Mean of a number over seeds. place: the keys of the number in a result."""
    numbers: list[float] = [reduce(getitem, place, result) for result in results]
    return mean(numbers)
