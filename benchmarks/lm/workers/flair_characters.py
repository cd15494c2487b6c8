"""Flair's language model: `python -m benchmarks.lm.workers.flair_characters characters FOLDER`.

A `LanguageModel` of one LSTM with about as many parameters as ours, trained by Flair's own
`LanguageModelTrainer` with its defaults on the same lines. Only its steps of training spend the
minutes, not its evaluations. It is scored as it is then, or as it was when it was best on the
development text.
"""

import math
import sys
import time
from pathlib import Path
from typing import Any

import flair
import numpy as np
import torch
from flair.data import Dictionary
from flair.models import LanguageModel
from flair.trainers.language_model_trainer import LanguageModelTrainer, TextCorpus

from ...speed.workers.serve import answer
from ..recipe import count_parameters, nats
from ..text import numbers_of, path_of, read_lines, read_settings, read_vocabulary

EMBEDDING = 100  # Flair's default
SEQUENCE, STREAMS = 250, 100  # of its documentation
SPLITS = 20  # files of training text, after each of which it evaluates
END = "\n"


class LimitedModel(LanguageModel):  # type: ignore[misc]  # in another environment
    """A model whose training is interrupted, as if from the keyboard, when its time is spent."""

    seconds = math.inf
    spent = started = 0.0
    units = 0

    def train(self, mode: bool = True) -> "LimitedModel":
        """Begin or end to train."""
        now = time.process_time()
        self.spent += now - self.started if self.training else 0.0
        self.started = now
        model: LimitedModel = super().train(mode)
        return model

    def forward(self, characters: torch.Tensor, *others: Any, **options: Any) -> Any:
        """Read on."""
        if self.training:
            if self.spent + time.process_time() - self.started >= self.seconds:
                raise KeyboardInterrupt
            self.units += characters.numel()
        return super().forward(characters, *others, **options)


def main(_task: str, folder: str) -> None:
    """Train for the minutes and say how good the model is."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    settings = read_settings(Path(folder))
    vocabulary = read_vocabulary(Path(folder), "characters")
    dictionary = Dictionary(add_unk=True)
    for character in [END, *vocabulary]:  # numbered as by `numbers_of`
        dictionary.add_item(character)
    width = width_for(settings.parameters["characters"], len(dictionary))
    model = LimitedModel(dictionary, True, hidden_size=width, nlayers=1)
    texts = Path(folder) / "flair"
    write_corpus(Path(folder), texts)
    corpus = TextCorpus(texts, dictionary, random_case_flip=False)
    trainer = LanguageModelTrainer(model, corpus)
    model.seconds, model.spent = 60 * settings.minutes, 0.0
    trainer.train(texts / "model", SEQUENCE, mini_batch_size=STREAMS, num_workers=0)
    about = {"units": model.units, "seconds": model.spent, "version": flair.__version__}
    dev, test = (
        numbers_of(read_lines(Path(folder), part, "characters"), vocabulary)
        for part in ("dev", "test")
    )
    found = min(candidates(model, texts / "model" / "best-lm.pt"), key=lambda m: bits(m, dev))
    answer({"bits": bits(found, test), "parameters": count_parameters(model), **about})


def width_for(parameters: int, n_characters: int) -> int:
    """The width at which the model has about so many parameters.

    Those are EMBEDDING * n for the embedding, 4 * width * (width + EMBEDDING + 2) for the LSTM, and
    n * (width + 1) for the output.
    """
    b = 4 * (EMBEDDING + 2) + n_characters
    c = parameters - n_characters * (EMBEDDING + 1)
    return max(round((-b + math.sqrt(b * b + 16 * c)) / 8), 1)


def write_corpus(folder: Path, target: Path) -> None:
    """The same lines in the files that Flair reads."""
    (target / "train").mkdir(parents=True, exist_ok=True)
    lines = path_of(folder, "train").read_text(encoding="utf8").splitlines(keepends=True)
    for number in range(SPLITS):
        text = "".join(lines[number::SPLITS])
        (target / "train" / f"{number}.txt").write_text(text, encoding="utf8")
    for part, name in (("dev", "valid"), ("test", "test")):
        text = path_of(folder, part).read_text(encoding="utf8")
        (target / f"{name}.txt").write_text(text, encoding="utf8")


def candidates(model: Any, saved: Path) -> list[Any]:
    """The model as it is, and as it was saved, if it was."""
    return [model, *([LanguageModel.load_language_model(saved)] if saved.exists() else [])]


def bits(model: Any, numbers: np.ndarray) -> float:
    """Per character, with the ends of lines."""
    model.eval()

    def read(characters: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        scores, _, state = model(characters, state or model.init_hidden(characters.shape[1]))
        return scores, state

    return nats(read, numbers) / (math.log(2) * len(numbers))


if __name__ == "__main__":
    main(*sys.argv[1:])
