"""Serve a pipeline over HTTP.

    pip install fastapi uvicorn
    OMP_NUM_THREADS=1 PIPELINE=training/model-best uvicorn --app-dir examples --workers 2 serve:app

`POST /entities` takes {"texts": ["..."]} and answers with each text's entities and their scores.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Lock
from typing import Annotated

import spacy
from fastapi import FastAPI, Request
from pydantic import BaseModel, Field
from spacy.language import Language
from spacy.tokens import Doc

# Limits of a request; time and memory grow with the text.
MOST_TEXTS = 1000
MOST_CHARACTERS = 100_000
SPANS_KEY = "seqrnn_ner"  # as in the pipeline's config


class Texts(BaseModel):
    """The content of a request."""

    texts: list[Annotated[str, Field(max_length=MOST_CHARACTERS)]] = Field(max_length=MOST_TEXTS)


class Entity(BaseModel):
    """An entity: where it is in the text, in characters, and how probable."""

    text: str
    label: str
    start: int
    end: int
    score: float


@asynccontextmanager
async def load(app: FastAPI) -> AsyncIterator[None]:
    """Load the pipeline once, before the first request."""
    app.state.nlp = spacy.load(os.environ.get("PIPELINE", "training/model-best"))
    app.state.lock = Lock()
    yield


app = FastAPI(lifespan=load)


# A plain function, not a coroutine: it runs in a thread, and the server stays responsive.
@app.post("/entities")
def entities(texts: Texts, request: Request) -> list[list[Entity]]:
    """Predict the entities of each text."""
    nlp: Language = request.app.state.nlp
    # The zone drops new words at its end, or the vocabulary would grow with every request. Threads
    # can share a pipeline, but not a memory zone, so requests take turns.
    with request.app.state.lock, nlp.memory_zone():
        return [read_entities(doc) for doc in nlp.pipe(texts.texts)]


def read_entities(doc: Doc) -> list[Entity]:
    """The entities of a document with their scores."""
    group = doc.spans[SPANS_KEY]
    return [
        Entity(
            text=span.text,
            label=span.label_,
            start=span.start_char,
            end=span.end_char,
            score=float(score),
        )
        for span, score in zip(group, group.attrs["scores"], strict=True)
    ]
