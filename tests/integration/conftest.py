"""Each component trained once on its own and once with a shared `tok2vec`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from .components import COMPONENTS, TEXTS, initialize, make_pipeline, train


@dataclass(frozen=True)
class Trained:
    """A trained pipeline.

    name: which of `COMPONENTS` it has.
    path: where it is saved.
    losses: the component's loss at each step of the training.
    docs: its predictions for `TEXTS` before it was saved.
    """

    name: str
    path: Path
    losses: list[float]
    docs: list[Doc]

    def load(self) -> Language:
        """Give a copy that the test may change."""
        return spacy.load(self.path)


@pytest.fixture(scope="session")
def train_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, bool], Trained]:
    """Train a component, on its own or listening to a `tok2vec` component, on first request."""

    @cache
    def train_component(name: str, shared: bool) -> Trained:
        path = tmp_path_factory.mktemp(name)
        nlp = make_pipeline(name, shared=shared)
        history = train(nlp, initialize(nlp))
        nlp.to_disk(path)
        losses = [losses[name] for losses in history]
        return Trained(name, path, losses, list(nlp.pipe(TEXTS)))

    return train_component


@pytest.fixture(
    params=[(name, shared) for name in COMPONENTS for shared in (False, True)],
    ids=lambda param: f"{param[0]}-{'listening' if param[1] else 'alone'}",
)
def trained(request: pytest.FixtureRequest, train_once: Callable[[str, bool], Trained]) -> Trained:
    """A component in either form."""
    return train_once(*request.param)
