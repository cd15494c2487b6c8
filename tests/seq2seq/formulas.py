"""A decoder by its formulas, one unit at a time, with torch's modules."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from spacy_seqrnn.rnn.tensors import direction_weights
from spacy_seqrnn.seq2seq.decoder import NONE
from spacy_seqrnn.seq2seq.vocab import END


@dataclass(frozen=True)
class Formulas:
    """What the formulas give for each unit of a target and for its end.

    log_probabilities: of all units. Shape (n_units + 1, nO).
    shares: the weights of the source tokens. Shape (n_units + 1, S).
    joints: contexts and hidden states. Shape (n_units + 1, width).
    """

    log_probabilities: torch.Tensor
    shares: torch.Tensor
    joints: torch.Tensor


def by_formula(decoder: Any, states: Any, units: np.ndarray) -> Formulas:
    """One document, with torch's modules. states: its source."""
    source = torch.from_numpy(states.copy())
    arrays = {name: torch.from_numpy(decoder.get_param(name)) for name in decoder.param_names}
    cell, kind = decoder.layers[0].attrs["cell"], decoder.attrs["attention"]
    width = decoder.get_dim("nH")
    module = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell]
    layers = [module(layer.get_dim("nI"), width) for layer in decoder.layers]
    for torchs, ours in zip(layers, decoder.layers, strict=True):
        for name, weights in zip(
            ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"),
            direction_weights(ours)[0].values(),
            strict=True,
        ):
            getattr(torchs, name).data = weights.clone()
    nothing = torch.zeros(decoder.get_dim("nI"))
    ends = torch.cat([source[0], source[-1]] if len(source) else [nothing, nothing])
    first = torch.tanh(arrays["bridge_weights"] @ ends + arrays["bridge_bias"]).view(-1, 1, width)
    per_layer = len(first) // len(layers)
    states = [list(first[i : i + per_layer].split(1)) for i in range(0, len(first), per_layer)]
    fed, found = torch.zeros(width), list[Any]()
    all_shares, joints = list[Any](), list[Any]()
    for before in [END, *units.tolist()]:
        x = torch.cat([arrays["embed"][before], fed])
        for i, layer in enumerate(layers):
            given_states = states[i][0] if len(states[i]) == 1 else tuple(states[i])
            y, after = layer(x[None, None], given_states)
            states[i] = [after] if len(states[i]) == 1 else list(after)
            x = y[0, 0]
        joint = x
        if kind != NONE:
            keys = source @ arrays["key_weights"].T
            if kind == "dot":
                scores = keys @ x / width**0.5
            else:
                scores = torch.tanh(keys + arrays["query_weights"] @ x) @ arrays["vector"]
            shares = torch.softmax(scores, 0)
            all_shares.append(shares)
            joint = torch.cat([shares @ source, x])
        joints.append(joint)
        fed = torch.tanh(arrays["combine_weights"] @ joint + arrays["combine_bias"])
        output = arrays["embed"] if decoder.attrs["tied"] else arrays["output_weights"]
        found.append(torch.log_softmax(output @ fed + arrays["output_bias"], 0))
    stacked = [
        torch.stack(each).detach() if each else torch.zeros(0)
        for each in (found, all_shares, joints)
    ]
    return Formulas(*stacked)
