"""The service of `examples/serve.py` answers like the pipeline."""

import importlib.util
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import spacy
from fastapi.testclient import TestClient

SERVE = Path(__file__).parents[2] / "examples" / "serve.py"
TEXTS = [
    "Maria Schneider joined Siemens in Munich on 3 May 2019.",
    "",
    "On Friday Kofi Mensah flew from Accra to Lisbon.",
    "Nothing to see here.",
]


@pytest.fixture(scope="module")
def client(pipelines: Path) -> Iterator[TestClient]:
    spec = importlib.util.spec_from_file_location("serve", SERVE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIPELINE", str(pipelines / "ner" / "model-best"))
        with TestClient(module.app) as client:
            yield client


def answer(client: TestClient, texts: list[str]) -> list[list[dict[str, Any]]]:
    response = client.post("/entities", json={"texts": texts})
    assert response.status_code == 200, response.text
    answer: list[list[dict[str, Any]]] = response.json()
    return answer


def test_answers_are_those_of_the_pipeline(client: TestClient, pipelines: Path) -> None:
    nlp = spacy.load(pipelines / "ner" / "model-best")
    found = 0
    for text, entities in zip(TEXTS, answer(client, TEXTS), strict=True):
        doc = nlp(text)
        group = doc.spans["seqrnn_ner"]
        expected = [
            {
                "text": span.text,
                "label": span.label_,
                "start": span.start_char,
                "end": span.end_char,
                "score": pytest.approx(float(score), abs=1e-5),
            }
            for span, score in zip(group, group.attrs["scores"], strict=True)
        ]
        assert entities == expected
        assert [e["text"] for e in entities] == [e.text for e in doc.ents]
        found += len(entities)
    assert found > 2


def test_requests_that_come_together(client: TestClient) -> None:
    texts = [f"{text} {i}" for i in range(10) for text in TEXTS]
    expected = [answer(client, [text]) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: answer(client, [text]), texts))
    assert found == expected


def test_words_of_a_request_are_forgotten(client: TestClient) -> None:
    app: Any = client.app
    vocab = app.state.nlp.vocab
    answer(client, ["Zanzibarquux"])
    assert "Zanzibarquux" not in vocab.strings


@pytest.mark.parametrize("body", [{}, {"texts": "no list"}, {"texts": ["x"] * 1001}])
def test_what_is_no_request_is_rejected(client: TestClient, body: dict[str, Any]) -> None:
    assert client.post("/entities", json=body).status_code == 422


def test_a_text_that_is_too_long_is_rejected(client: TestClient) -> None:
    assert client.post("/entities", json={"texts": ["x" * 100_001]}).status_code == 422
