"""Apply the two pipelines of the quickstart to a few sentences."""

from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.language import Language
from spacy.tokens import Doc
from wasabi import msg

from command import run

# The span group of the recogniser's entities with their scores
SPANS_KEY = "seqrnn_ner"

NEWS = [
    "Maria Schneider joined Siemens in Munich on 3 May 2019.",
    "Next Tuesday the World Bank opens an office in Nairobi.",
    "Toyota and Panasonic will build the plant near Osaka by 2027.",
    "On Friday Kofi Mensah flew from Accra to Lisbon.",
]
OPINIONS = [
    "A warm, funny and beautifully acted film.",
    "The food was cold and nobody seemed to care.",
    "The battery lasts for two days and the screen is gorgeous.",
    "It broke after a week, and they would not take it back.",
]


def show(
    ner: Annotated[Path, typer.Argument(help="Pipeline that predicts entities")],
    sentiment: Annotated[Path, typer.Argument(help="Pipeline that predicts sentiment")],
) -> None:
    """Print entities with their scores, and texts with the probability of each sentiment."""
    msg.divider(f"Entities ({ner})")
    print_table(["Sentence", "Entity", "Label", "Score"], entity_rows(spacy.load(ner)), "lllr")
    msg.divider(f"Sentiment ({sentiment})")
    print_table(["Text", "positive", "negative"], sentiment_rows(spacy.load(sentiment)), "lrr")


def print_table(header: list[str], rows: list[list[str]], aligns: str) -> None:
    """Print rows below a header, with columns as wide as necessary."""
    msg.table(rows, header=header, divider=True, aligns=tuple(aligns), max_col=80)


def entity_rows(nlp: Language) -> list[list[str]]:
    """List the entities of the news, each sentence's text beside its first entity only."""
    rows = []
    for doc in nlp.pipe(NEWS):
        entities = read_entities(doc) or [["-", "", ""]]
        texts = [doc.text] + [""] * (len(entities) - 1)
        rows += [[text, *entity] for text, entity in zip(texts, entities, strict=True)]
    return rows


def read_entities(doc: Doc) -> list[list[str]]:
    """List a doc's entities: text, label, probability."""
    group = doc.spans[SPANS_KEY]
    scores = group.attrs["scores"]
    return [
        [span.text, span.label_, f"{score:.2f}"] for span, score in zip(group, scores, strict=True)
    ]


def sentiment_rows(nlp: Language) -> list[list[str]]:
    """List the opinions with the probability of each sentiment."""
    return [
        [doc.text, f"{doc.cats['positive']:.2f}", f"{doc.cats['negative']:.2f}"]
        for doc in nlp.pipe(OPINIONS)
    ]


if __name__ == "__main__":
    run(show)
