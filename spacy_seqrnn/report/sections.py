"""The sections of a report: pictures, the text around them, and a table beside each."""

from collections.abc import Iterator, Sequence
from html import escape

from ..draw.html import details, paragraph, table
from ..draw.svg import as_element
from ..explain.heat import draw_entities
from ..report import pictures
from .categories import CategoryReport
from .curves import Curves
from .entities import Confusion, EntityReport
from .errors import CategoryError, EntityError, Mark, TextError, Word
from .groups import Group
from .lemmas import LemmaReport
from .reliability import Reliability
from .scores import LabelScores, Score
from .tags import TagReport
from .texts import TextReport
from .transitions import Transitions

# displaCy's markup of an entity, with its probability and with colours that the page sets
ENTITY = '<mark class="entity{kind}">{text}<span class="label">{label}{score}</span></mark>'
# The texts of an example
TEXTS = '<div class="text"><span class="kind">{kind}</span><p dir="auto">{text}</p></div>'
LEAST_COLOUR = 0.05  # share of the strongest word's attribution that is visible
# How many labels a picture shows
MOST_ROWS = 25

Part = tuple[str, str, list[str]]  # name, title, content


def curves_parts(curves: Curves) -> list[str]:
    """The picture and the table of a training run."""
    best = curves.best
    about = (
        f"The best development score is {curves.score[best]:.3f}, at step {curves.step[best]:,} of "
        f"{curves.step[-1]:,}, marked by the dotted lines. Training took "
        f"{_duration(curves.seconds[-1])}. The speed includes the time to evaluate and to save."
    )
    losses = ", ".join(
        f"loss of {name} from {values[0]:.3g} to {values[-1]:.3g}"
        for name, values in curves.losses.items()
    )
    description = (
        f"Four line charts over steps 0 to {curves.step[-1]}: {losses}; development score from "
        f"{curves.score[0]:.3f} to {curves.score[-1]:.3f}; learning rate; words per second."
    )
    return [
        paragraph(about),
        as_element(pictures.draw_curves(curves), description),
        details("All evaluations as a table", _curves_table(curves)),
    ]


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.1f} minutes"


def _curves_table(curves: Curves) -> str:
    header = ["step", "epoch", *(f"loss of {name}" for name in curves.losses), "score"]
    columns = [
        [f"{step:,}" for step in curves.step],
        [str(epoch) for epoch in curves.epoch],
        *([f"{value:.4g}" for value in values] for values in curves.losses.values()),
        [f"{value:.4f}" for value in curves.score],
    ]
    for name, values in curves.scores.items():
        header.append(name)
        columns.append([f"{value:.4g}" for value in values])
    if curves.learn_rate:
        header.append("learning rate")
        columns.append([f"{value:.3g}" for value in curves.learn_rate])
    header += ["words/s", "seconds"]
    columns += [
        ["" if value is None else f"{value:,.0f}" for value in curves.words_per_second],
        [f"{value:,.1f}" for value in curves.seconds],
    ]
    return table("Evaluations", header, [list(row) for row in zip(*columns, strict=True)])


def entity_parts(found: EntityReport) -> list[Part]:
    """All sections about entities."""
    parts = [
        ("types", "Entities by type", label_parts([found.total, *found.labels])),
        ("confusion", "Kinds of errors", _outcome_parts(found)),
    ]
    if found.reliability:
        parts.append(("reliability", "Are scores probabilities?", _reliable(found.reliability)))
    parts.append(
        ("lengths", "Entities by length of the document", _group_parts("F1", found.lengths))
    )
    if found.seen:
        about = (
            "Which words of an entity occur in the training data, ignoring case. Each entity, "
            "annotated or predicted, is counted by its own words."
        )
        parts.append(
            (
                "seen",
                "Seen and unseen entities",
                [paragraph(about), *_group_parts("F1", found.seen)],
            )
        )
    if found.transitions:
        parts.append(
            ("transitions", "Transitions of the CRF", _transition_parts(found.transitions))
        )
    parts.append(("errors", "Most confident errors", _entity_errors(found.errors)))
    return parts


def label_parts(labels: Sequence[LabelScores]) -> list[str]:
    """A picture of F1 and a table of all scores."""
    header = ["label", "precision", "recall", "F1", "correct", "predicted", "annotated"]
    cells = [
        [
            each.label,
            *map(str, (each.precision, each.recall, each.f1)),
            *(f"{n:,}" for n in (each.right, each.found, each.annotated)),
        ]
        for each in labels
    ]
    numbers = table("Scores with 95 % intervals", header, cells)
    if len(labels) <= MOST_ROWS:
        return [_scores_picture("F1", [(each.label, each.f1) for each in labels]), numbers]
    frequent = sorted(labels, key=_frequency, reverse=True)[:MOST_ROWS]
    return [
        paragraph(f"The {MOST_ROWS} most frequent of {len(labels)}; the table has them all."),
        _scores_picture("F1", [(each.label, each.f1) for each in frequent]),
        details("As a table", numbers),
    ]


def _frequency(scores: LabelScores) -> int:
    return scores.annotated


def _scores_picture(metric: str, rows: Sequence[tuple[str, Score]]) -> str:
    values = "; ".join(f"{name} {score}" for name, score in rows)
    return as_element(
        pictures.draw_scores(rows, f"{metric} with 95 % interval"),
        f"{metric} with its 95 % interval in rows: {values}.",
    )


def _group_parts(metric: str, groups: Sequence[Group]) -> list[str]:
    rows = [(f"{group.name} ({group.n:,})", group.score) for group in groups]
    cells = [[group.name, f"{group.n:,}", str(group.score)] for group in groups]
    return [
        _scores_picture(metric, rows),
        details("As a table", table(metric, ["group", "how many", metric], cells)),
    ]


def _outcome_parts(found: EntityReport) -> list[str]:
    counts = ", ".join(f"{n:,} {name}" for name, n in found.outcomes.items())
    about = (
        "Each annotated entity is paired with at most one prediction: with the same span and type "
        "if there is one, else with the same span, else with one that overlaps."
    )
    rows = [[name, f"{n:,}"] for name, n in found.outcomes.items()]
    return [
        paragraph(about),
        as_element(pictures.draw_counts(found.outcomes), f"Bars of outcomes: {counts}."),
        details("As a table", table("What became of entities", ["outcome", "how many"], rows)),
        *_confusion_parts(found.confusion, "Types of these pairs"),
    ]


def _confusion_parts(confusion: Confusion, title: str) -> list[str]:
    rows = [
        [name, *(f"{n:,}" for n in counts)]
        for name, counts in zip(confusion.rows, confusion.counts, strict=True)
    ]
    worst = max(
        (
            (n, gold, own)
            for gold, counts in zip(confusion.rows, confusion.counts, strict=True)
            for own, n in zip(confusion.columns, counts, strict=True)
            if gold != own
        ),
        default=(0, "", ""),
    )
    most = f" Most often wrong: {worst[1]} predicted as {worst[2]}, {worst[0]}." if worst[0] else ""
    return [
        paragraph(f"{title}: rows are annotated types, columns predicted ones."),
        as_element(
            pictures.draw_confusion(confusion),
            f"Heat map of confusions.{most} The table has them all.",
        ),
        details("As a table", table(title, ["annotated", *confusion.columns], rows)),
    ]


def _reliable(found: Reliability) -> list[str]:
    about = (
        "Of all predictions with a score of about 0.8, four in five should be correct. The "
        "expected "
        f"calibration error, the mean deviation from that, is {found.error:.3f}; the Brier score "
        "is "
        f"{found.brier:.3f}."
    )
    points = "; ".join(f"score {each.score:.2f}: {each.right:.2f} right" for each in found.bins)
    rows = [[f"{each.score:.3f}", f"{each.right:.3f}", f"{each.n:,}"] for each in found.bins]
    header = ["mean score", "share correct", "how many"]
    return [
        paragraph(about),
        as_element(pictures.draw_reliability(found), f"Reliability diagram: {points}."),
        details("As a table", table("Predictions by score", header, rows)),
    ]


def _transition_parts(found: Transitions) -> list[str]:
    flat = [
        (score, before, after)
        for before, row in zip(found.rows, found.scores, strict=True)
        for after, score in zip(found.columns, row, strict=True)
        if score is not None
    ]
    n_cells = len(found.rows) * len(found.columns)
    (low, *least), (high, *most) = min(flat), max(flat)
    about = (
        "The score of each tag (column) after each other tag (row), in nats; B begins an entity, I "
        "continues it, L ends it, and U is an entity of a single token. The scheme forbids the "
        f"{n_cells - len(flat):,} of {n_cells:,} cells with a cross; "
        "nothing is learned for them."
    )
    description = (
        f"Heat map of {n_cells:,} cells. Highest: {most[0]} then {most[1]}, {high:.2f}. Lowest: "
        f"{least[0]} then {least[1]}, {low:.2f}. The table has them all."
    )
    rows = [
        [name, *("forbidden" if score is None else f"{score:.2f}" for score in row)]
        for name, row in zip(found.rows, found.scores, strict=True)
    ]
    return [
        paragraph(about),
        as_element(pictures.draw_transitions(found), description),
        details("As a table", table("Transitions", ["tag", *found.columns], rows)),
    ]


def _entity_errors(errors: Sequence[EntityError]) -> list[str]:
    if not errors:
        return [paragraph("No entity was predicted wrongly.")]
    about = (
        "The wrong entities with the highest scores, outlined in red. A missed entity has no "
        "score, "
        "and appears only if another was predicted in its place."
    )
    return [paragraph(about), *map(_entity_error, errors)]


def _entity_error(error: EntityError) -> str:
    score = "" if error.score is None else f", score {error.score:.3f}"
    title = f"“{error.entity}” as {error.label}: {error.outcome}{score}"
    predicted = _displacy(error.text, error.found, "predicted")
    annotated = _displacy(error.text, error.annotated, "annotated")
    return f'<div class="error"><h3>{escape(title)}</h3>{predicted}{annotated}</div>'


def _displacy(text: str, marks: Sequence[Mark], kind: str) -> str:
    """A text with entities in displaCy's markup."""
    ents = [
        {
            "start": mark.start,
            "end": mark.end,
            "label": escape(mark.label),  # which displaCy does not do
            "params": {
                "score": "" if mark.score is None else f" {mark.score:.2f}",
                "kind": " wrong" if mark.wrong else "",
            },
        }
        for mark in marks
    ]
    markup = draw_entities(text, ents, ENTITY)
    return f'<div class="{kind}"><span class="kind">{kind}</span>{markup}</div>'


def category_parts(found: CategoryReport) -> list[Part]:
    """All sections about the categories of one component."""
    metric = "accuracy" if found.exclusive else "F1"
    parts = [("types", "Categories", label_parts(found.labels))]
    if found.confusion:
        parts.append(("confusion", "Confusion", _confusion_parts(found.confusion, "Documents")))
    parts += [
        ("reliability", "Are scores probabilities?", _reliable(found.reliability)),
        ("lengths", "Documents by length", _group_parts(metric, found.lengths)),
    ]
    if found.unseen:
        about = "The share of a document's words that are not in the training data, ignoring case."
        inside = [paragraph(about), *_group_parts(metric, found.unseen)]
        parts.append(("seen", "Documents by unseen words", inside))
    parts.append(("errors", "Most confident errors", _category_errors(found.errors)))
    return parts


def _category_errors(errors: Sequence[CategoryError]) -> list[str]:
    if not errors:
        return [paragraph("No text was classified wrongly.")]
    about = "The wrong categories with the highest probability."
    if any(error.words for error in errors):
        about += (
            " Words in orange spoke for the category, words in blue against it: the stronger the "
            "colour, the more the word changed its probability (integrated gradients)."
        )
    return [paragraph(about), *map(_category_error, errors)]


def _category_error(error: CategoryError) -> str:
    title = f"{error.annotated} predicted as {error.found}, probability {error.score:.3f}"
    text = "".join(_coloured(error.text, error.words))
    return f'<div class="error"><h3>{escape(title)}</h3><p dir="auto">{text}</p></div>'


def _coloured(text: str, words: Sequence[Word]) -> Iterator[str]:
    """The parts of a text, with a colour for each word; the strongest has the full colour."""
    largest = max((abs(word.attribution) for word in words), default=0.0)
    end = 0
    for word in words:
        share = abs(word.attribution) / largest if largest else 0.0
        yield escape(text[end : word.start])
        inside = escape(text[word.start : word.end])
        if share >= LEAST_COLOUR:
            kind = "for" if word.attribution > 0 else "against"
            title = f"{word.attribution:+.3f}"
            inside = (
                f'<span class="{kind}" style="--p: {share:.2f}" title="{title}">{inside}</span>'
            )
        yield inside
        end = word.end
    yield escape(text[end:])


def tag_parts(found: TagReport) -> list[Part]:
    """All sections about tags."""
    rows = [[each.annotated, each.found, f"{each.n:,}"] for each in found.confused]
    parts = [
        ("types", "Tags", [_about_tokens(found.n_tokens), *label_parts(found.labels)]),
        (
            "confusion",
            "Most frequent confusions of tags",
            [table("Tokens", ["annotated", "predicted", "how many"], rows)],
        ),
        ("lengths", "Tags by length of the document", _group_parts("accuracy", found.lengths)),
    ]
    if found.seen:
        parts.append(
            ("seen", "Tags of seen and unseen words", _group_parts("accuracy", found.seen))
        )
    return parts


def lemma_parts(found: LemmaReport) -> list[Part]:
    """All sections about lemmas."""
    rows = [[each.word, each.annotated, each.found, f"{each.n:,}"] for each in found.wrong]
    header = ["word", "annotated", "predicted", "how many"]
    about = _about_tokens(found.n_tokens)
    parts = [("errors", "Most frequent wrong lemmas", [about, table("Tokens", header, rows)])]
    if found.seen:
        seen = _group_parts("accuracy", found.seen)
        parts.insert(0, ("seen", "Lemmas of seen and unseen words", seen))
    return parts


def _about_tokens(n: int) -> str:
    return paragraph(
        f"Counted are the {n:,} annotated tokens that the tokenizer finds too; `spacy evaluate` "
        "counts the others as well."
    )


def text_parts(found: TextReport) -> list[Part]:
    """All sections about written texts."""
    rows = [[name, f"{value:.4f}"] for name, value in found.scores.items()]
    about = (
        "The texts with the most edits to the reference, by its characters (character error rate). "
        "A heat map shows the attention in %: a row for each unit of the output, a column for each "
        "of the source."
    )
    worst = [_text_error(error, found.direction) for error in found.worst]
    return [
        ("types", "Scores", [table("Scores of all texts together", ["score", "value"], rows)]),
        ("lengths", "Texts by length of the source", _group_parts("exact match", found.lengths)),
        ("errors", "Worst texts", [paragraph(about), *worst]),
    ]


def _text_error(error: TextError, direction: str) -> str:
    title = f"Character error rate {error.error_rate:.2f}"
    shown = {"source": error.source, "reference": error.reference, "output": error.written}
    texts = "".join(TEXTS.format(kind=kind, text=escape(text)) for kind, text in shown.items())
    found = error.alignment
    picture = found.picture("Attention in %", direction=direction) if found else ""
    return f'<div class="error"><h3>{title}</h3>{texts}{picture}</div>'
