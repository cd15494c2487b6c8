"""The word-level language model of PyTorch's examples: the peer of ours.

An LSTM of two layers over word vectors that are also the output weights, dropout before and after
it, a softmax over all words, truncated backpropagation through time over 35 steps of 20 streams,
gradients clipped to a norm of 0.25, and plain gradient descent at a rate of 20, divided by 4
whenever the held-out loss has not improved.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from .clock import Budget
from .text import END_OF_LINE

N_STREAMS, STEPS = 20, 35
LAYERS, DROPOUT = 2, 0.2
RATE, ANNEALING, CLIP = 20.0, 4.0, 0.25
INITIAL = 0.1
# The recipe looks at the held-out loss after each pass. Here also this often in the given time,
# which may end within the first pass.
CHECKS = 10

State: TypeAlias = tuple[torch.Tensor, torch.Tensor]
# From the next words of each stream, and the state before them, to scores and the state after them
Read: TypeAlias = Callable[[torch.Tensor, Any], tuple[torch.Tensor, Any]]


class WordModel(torch.nn.Module):
    """Scores of the next word."""

    def __init__(self, n_words: int, width: int) -> None:
        super().__init__()
        self.dropout = torch.nn.Dropout(DROPOUT)
        self.vectors = torch.nn.Embedding(n_words, width)
        self.lstm = torch.nn.LSTM(width, width, LAYERS, dropout=DROPOUT)
        self.output = torch.nn.Linear(width, n_words)
        self.output.weight = self.vectors.weight
        torch.nn.init.uniform_(self.vectors.weight, -INITIAL, INITIAL)
        torch.nn.init.zeros_(self.output.bias)

    def forward(
        self, words: torch.Tensor, state: State | None = None
    ) -> tuple[torch.Tensor, State]:
        """Read on. words: (n_steps, n_streams). Returns scores, (n_steps, n_streams, n_words)."""
        states, state = self.lstm(self.dropout(self.vectors(words)), state)
        return self.output(self.dropout(states)), state


def count_parameters(model: torch.nn.Module) -> int:
    """Shared ones once."""
    return sum(parameter.numel() for parameter in model.parameters())


def width_for(parameters: int, n_words: int) -> int:
    """The width at which the model has about so many parameters.

    Those are n_words * (width + 1) for vectors and output, and 8 * width * (width + 1) a layer.
    """
    a, b = 8 * LAYERS, n_words + 8 * LAYERS
    return max(round((-b + math.sqrt(b * b + 4 * a * (parameters - n_words))) / (2 * a)), 1)


def in_streams(numbers: np.ndarray, n_streams: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A text cut into streams side by side, and the word after each. Shape (n_steps, n_streams).

    The rest that does not fill a step is left out.
    """
    after = torch.from_numpy(numbers)
    read = torch.cat([after.new_tensor([END_OF_LINE]), after[:-1]])
    kept = len(after) // n_streams * n_streams
    x, y = (part[:kept].reshape(n_streams, -1).T.contiguous() for part in (read, after))
    return x, y


def nats(read: Read, numbers: np.ndarray, n_streams: int = N_STREAMS) -> float:
    """The summed surprisal of a text, all of it, read in a few streams."""
    kept = len(numbers) // n_streams * n_streams
    parts = [(numbers[:kept], n_streams), (numbers[kept:], 1)]
    with torch.inference_mode():
        return sum(_nats(read, *in_streams(part, n)) for part, n in parts if len(part))


def _nats(read: Read, x: torch.Tensor, y: torch.Tensor) -> float:
    total, state = 0.0, None
    for words, targets in zip(x.split(STEPS), y.split(STEPS), strict=True):
        scores, state = read(words, state)
        total += float(cross_entropy(scores.flatten(0, 1), targets.flatten(), reduction="sum"))
    return total


class Training:
    """Passes over a text."""

    def __init__(self, model: WordModel, train: np.ndarray) -> None:
        self.model = model
        self.x, self.y = in_streams(train, N_STREAMS)
        self.optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
        self.words = 0
        self.state: State | None = None
        self.at = 0

    def steps(self, n_steps: int) -> None:
        """Learn from the next words of each stream, so many times."""
        for _ in range(n_steps):
            self._learn()

    def _learn(self) -> None:
        chunk = slice(self.at, self.at + STEPS)
        x, y = self.x[chunk], self.y[chunk]
        self.model.train()
        self.model.zero_grad()
        state = self.state and (self.state[0].detach(), self.state[1].detach())
        scores, self.state = self.model(x, state)
        cross_entropy(scores.flatten(0, 1), y.flatten()).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimizer.step()
        self.words += x.numel()
        self.at += STEPS
        if self.at >= len(self.x):
            self.at, self.state = 0, None

    def run(self, dev: np.ndarray, budget: Budget) -> None:
        """Train until the time is spent, and keep the weights that were best on held-out text."""
        best, weights, check = math.inf, self.model.state_dict(), 1
        for _ in budget.left():
            budget.spend(partial(self.steps, 1))
            if self.at and budget.share < check / CHECKS:
                continue
            check = int(budget.share * CHECKS) + 1
            found = nats(self.model.eval(), dev)
            if found < best:
                best = found
                weights = {name: array.clone() for name, array in self.model.state_dict().items()}
            else:
                self.optimizer.param_groups[0]["lr"] /= ANNEALING
        self.model.load_state_dict(weights)
        self.model.eval()


def write(model: WordModel, n_words: int) -> list[int]:
    """Write a text word by word, each drawn from the probabilities of all words."""
    model.eval()
    word, state = torch.tensor([[END_OF_LINE]]), None
    written = []
    with torch.inference_mode():
        for _ in range(n_words):
            scores, state = model(word, state)
            word = torch.multinomial(scores[0].softmax(dim=1), 1)
            written.append(int(word))
    return written
