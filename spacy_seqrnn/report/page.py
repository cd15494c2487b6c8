"""The page of a report: one HTML file that needs nothing else."""

from html import escape

from ..draw.html import details, document, links, paragraph, section, table
from ..explain.alignment_heat import ALIGNMENT_STYLE
from ..explain.heat import TABLE_STYLE
from .analysis import Report
from .sections import (
    Part,
    category_parts,
    curves_parts,
    entity_parts,
    lemma_parts,
    tag_parts,
    text_parts,
)

STYLE = """
.seqrnn .error { border-top: 1px solid #ccc; padding: .6em 0; }
.seqrnn .error h3 { font-size: 1em; margin: 0 0 .2em; overflow-wrap: anywhere; }
.seqrnn .error p { margin: 0; }
.seqrnn .entities { overflow-wrap: anywhere; }
.seqrnn mark { background: #dbeafe; color: inherit; padding: .15em .35em; border-radius: .3em; }
.seqrnn .annotated mark { background: #dcfce7; }
.seqrnn mark .label { font-size: .8em; font-weight: 600; margin-left: .5em; }
.seqrnn .predicted, .seqrnn .annotated, .seqrnn .text { display: grid;
  grid-template-columns: 6em 1fr; }
.seqrnn .text p { line-height: 1.9; }
.seqrnn .entities { line-height: 1.9 !important; }
.seqrnn .kind { line-height: 1.9; }
.seqrnn mark.wrong { outline: 2px solid #dc2626; }
.seqrnn .error .for, .seqrnn .error .against { border-radius: .2em; }
.seqrnn .error .for { background: rgb(234 88 12 / calc(var(--p) * 55%)); }
.seqrnn .error .against { background: rgb(37 99 235 / calc(var(--p) * 55%)); }
.seqrnn .cards { display: flex; flex-wrap: wrap; gap: .8em; padding: 0; list-style: none; }
.seqrnn .cards li { border: 1px solid #ccc; border-radius: .5em; padding: .5em .9em; }
.seqrnn .cards strong { display: block; font-size: 1.6em; }
@media (prefers-color-scheme: dark) {
  .seqrnn .error, .seqrnn .cards li { border-color: #444; }
  .seqrnn mark { background: #1e3a8a; }
  .seqrnn .annotated mark { background: #14532d; }
  .seqrnn mark.wrong { outline-color: #f87171; }
}
""".strip()
INTERVALS = (
    "Below each score is its 95 % bootstrap interval: it contains the score of 95 of 100 sets "
    "of documents resampled from these."
)
DEV_DATA = (
    "The best pipeline was selected on the development data, so on other texts it is likely to "
    "score "
    "somewhat lower: evaluate it with --data on a file that training did not use."
)


def report_page(report: Report) -> str:
    """The report as an HTML file."""
    parts: list[Part] = []
    if report.curves:
        parts.append(("curves", "Learning curves", curves_parts(report.curves)))
    scored = [
        *([(report.entities.component, entity_parts(report.entities))] if report.entities else []),
        *((each.component, category_parts(each)) for each in report.categories),
        *([(report.tags.component, tag_parts(report.tags))] if report.tags else []),
        *([(report.lemmas.component, lemma_parts(report.lemmas))] if report.lemmas else []),
        *((each.component, text_parts(each)) for each in report.texts),
    ]
    parts += scored[0][1] if len(scored) == 1 else _told_apart(scored)
    parts.append(("config", "Config and versions", _config(report)))
    contents = links({name: title for name, title, _ in parts})
    sections = [section(name, title, inside) for name, title, inside in parts]
    title = f"Report on {report.folder}"
    style = STYLE + TABLE_STYLE + ALIGNMENT_STYLE
    return document(title, [*_summary(report), contents, *sections], style=style)


def _told_apart(scored: list[tuple[str, list[Part]]]) -> list[Part]:
    """The sections of several components, with names and titles that tell them apart."""
    return [
        (f"{name}-{i + 1}", f"{component}: {title}", inside)
        for i, (component, parts) in enumerate(scored)
        for name, title, inside in parts
    ]


def _summary(report: Report) -> list[str]:
    cards = []
    if report.entities:
        total = report.entities.total
        cards += [("entity F1", total.f1), ("precision", total.precision), ("recall", total.recall)]
    for each in report.categories:
        cards += [(f"accuracy of {each.component}", each.accuracy)] if each.accuracy else []
        cards.append((f"macro F1 of {each.component}", each.macro_f1))
    if report.tags:
        cards.append(("tag accuracy", report.tags.accuracy))
    if report.lemmas:
        cards.append(("lemma accuracy", report.lemmas.accuracy))
    cards += [(f"exact match of {each.component}", each.exact) for each in report.texts]
    shown = "".join(
        f"<li>{escape(name)} <strong>{score.value:.3f}</strong> {score.low:.3f} to "
        f"{score.high:.3f}</li>"
        for name, score in cards
    )
    about = f"{report.model}: {', '.join(report.pipeline) or 'no component'}"
    if report.data:
        about += (
            f". Evaluated on {report.data}: {report.n_docs:,} documents, {report.n_tokens:,} tokens"
        )
    sentences = [f"{about}.", *([INTERVALS] if cards else [])]
    sentences += [DEV_DATA] if cards and report.is_dev else []
    sentences += report.notes
    return [f'<ul class="cards">{shown}</ul>' if shown else "", *map(paragraph, sentences)]


def _config(report: Report) -> list[str]:
    versions = [[name, value] for name, value in report.versions.items()]
    saved = [[name, f"{value:.4f}"] for name, value in report.performance.items()]
    return [
        table("Versions", ["what", "version"], versions),
        details(
            "Scores on the development data that training saved in the pipeline",
            table("Saved scores", ["score", "value"], saved),
        ),
        details(
            "Config",
            f'<pre role="region" tabindex="0" aria-label="Config">{escape(report.config)}</pre>',
        ),
    ]
