"""The LSTM's recurrence for few documents, in the layout of torch's kernel.

That kernel, oneDNN's, computes all gates of a step at once, but only where every sequence has a
token at every step; over sequences that end one by one `torch.lstm` is two to four times slower. So
the batch is read in stretches. Rows that are thrown away come after all tokens of their document,
in either direction, so they change nothing.
"""

import torch

from ..batch.packing import Packing
from ..batch.stretches import STRETCH_STEPS


def lstm_predict(
    x: torch.Tensor, weights: list[list[torch.Tensor]], packing: Packing
) -> torch.Tensor:
    """Read the documents of a batch.

    x: Shape (n_tokens, nI), packed.
    weights: for each direction input weights, recurrent weights and their biases.
    Returns the hidden states, shape (n_tokens, n_directions * H), packed.
    """
    if packing.n_sequences == 1 and packing.n_tokens <= STRETCH_STEPS:
        return _read_one(x, weights)
    width = weights[0][1].shape[1]
    # The last row of each is for what is thrown away.
    x = torch.cat([x, x.new_zeros(1, x.shape[1])])
    y = x.new_empty(len(x), len(weights) * width)
    for direction, outputs in enumerate(y.split(width, dim=1)):
        for stretch in packing.stretches:
            rows = torch.from_numpy(stretch.rows[direction])
            inputs = x.index_select(0, rows).view(-1, stretch.n_docs, x.shape[1])
            if stretch.begins:
                h = c = x.new_zeros(1, stretch.n_docs, width)
            else:
                h, c = h[:, : stretch.n_docs], c[:, : stretch.n_docs]
            hidden, h, c = torch.lstm(
                inputs,
                [h, c],
                weights[direction],
                True,  # has biases
                1,  # layers
                0.0,  # dropout
                False,  # is training
                False,  # both directions
                False,  # documents come first
            )
            outputs.index_copy_(0, rows, hidden.reshape(-1, width))
    return y[:-1]


def _read_one(x: torch.Tensor, weights: list[list[torch.Tensor]]) -> torch.Tensor:
    """Read one short document, where every call counts. x: Shape (n_tokens, nI)."""
    states = x.new_zeros(len(weights), 1, weights[0][1].shape[1])
    flat = [tensor for direction in weights for tensor in direction]
    both = len(weights) == 2
    y, _, _ = torch.lstm(x[:, None], [states, states], flat, True, 1, 0.0, False, both, False)
    return y[:, 0]
