"""An encoder-decoder as PyTorch's users write one, with the weights of a pipeline of ours.

A bidirectional `nn.LSTM` over a padded batch, then one `nn.LSTMCell` a step with dot-product
attention and input feeding (Luong et al. 2015), until all texts of the batch have ended. The same
weights write the same texts, so that only the time differs.
"""

import sentencepiece
import torch
from spacy.tokens import Doc
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from spacy_seqrnn.rnn.cells import Tensors
from spacy_seqrnn.rnn.tensors import direction_weights
from spacy_seqrnn.seq2seq.component import RecurrentText2Text
from spacy_seqrnn.seq2seq.model import decoders_of
from spacy_seqrnn.seq2seq.pipe import MORE
from spacy_seqrnn.seq2seq.vocab import END

BATCH = 64  # texts
LSTM = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class Peer(nn.Module):
    """The encoder-decoder of a component: subwords, LSTMs of one layer, dot products.

    Raises ValueError for a component with another one.
    """

    # The decoder's arrays, under our names
    embed: torch.Tensor
    key_weights: torch.Tensor
    bridge_weights: torch.Tensor
    bridge_bias: torch.Tensor
    combine_weights: torch.Tensor
    combine_bias: torch.Tensor
    output_weights: torch.Tensor
    output_bias: torch.Tensor
    source_embed: torch.Tensor  # a row for each number of sentencepiece

    def __init__(self, component: RecurrentText2Text) -> None:
        super().__init__()
        decoders = decoders_of(component.model)
        decoder = decoders[0]
        attention, copy = decoder.attrs["attention"], decoder.attrs["copy"]
        kind = (attention, copy, len(decoder.layers), len(decoders))
        if kind != ("dot", False, 1, 1):
            raise ValueError(
                f"The peer has dot products, no copying and one layer of one decoder, not {kind}."
            )
        for name in decoder.param_names:
            self.register_buffer(name, torch.from_numpy(decoder.get_param(name).copy()))
        if "output_weights" not in decoder.param_names:  # tied
            self.register_buffer("output_weights", self.embed)
        embed, encode = component.model.get_ref("tok2vec").layers
        self.pieces = sentencepiece.SentencePieceProcessor(
            model_proto=component.vocabulary.kind.model  # type: ignore[attr-defined]
        )
        words = [self.pieces.id_to_piece(number) for number in range(len(self.pieces))]
        (vectors,) = embed.predict([Doc(component.vocab, words=words)])
        self.register_buffer("source_embed", torch.from_numpy(vectors))
        (encoder,) = (node for node in encode.walk() if "cell" in node.attrs)
        half = encoder.get_dim("nO") // 2
        self.encoder = nn.LSTM(encoder.get_dim("nI"), half, bidirectional=True, batch_first=True)
        for suffix, weights in zip(("_l0", "_l0_reverse"), direction_weights(encoder), strict=True):
            _set_weights(self.encoder, suffix, weights)
        (layer,) = decoder.layers
        self.cell = nn.LSTMCell(layer.get_dim("nI"), decoder.get_dim("nH"))
        _set_weights(self.cell, "", direction_weights(layer)[0])
        self.growth, self.most = component.max_growth, component.max_length
        self.text_of = component.vocabulary.text_of

    def translate(self, texts: list[str]) -> list[str]:
        """Write a text for each text, in batches of similar length."""
        sources = self.pieces.encode(texts)
        order = sorted(range(len(texts)), key=lambda i: len(sources[i]))
        found = [""] * len(texts)
        for first in range(0, len(order), BATCH):
            batch = order[first : first + BATCH]
            for i, units in zip(batch, self.write([sources[i] for i in batch]), strict=True):
                found[i] = self.text_of(units)
        return found

    @torch.inference_mode()
    def write(self, sources: list[list[int]]) -> list[list[int]]:
        """The units for each source, which is a list of rows of `source_embed`."""
        lengths = torch.tensor([len(source) for source in sources])
        X = pad_sequence([self.source_embed[source] for source in sources], batch_first=True)
        packed = pack_padded_sequence(X, lengths, batch_first=True, enforce_sorted=False)
        values, _ = pad_packed_sequence(self.encoder(packed)[0], batch_first=True)  # (B, S, nI)
        keys = values @ self.key_weights.T  # (B, S, width)
        outside = torch.arange(values.shape[1]) >= lengths[:, None]  # (B, S)
        rows = torch.arange(len(sources))
        ends = torch.cat([values[:, 0], values[rows, lengths - 1]], dim=1)
        states = torch.tanh(ends @ self.bridge_weights.T + self.bridge_bias)
        h, c = states.chunk(2, dim=1)  # (B, width)
        limits = (lengths * self.growth + MORE).long().clamp(max=self.most)
        units = torch.full((len(sources),), END)
        fed = torch.zeros_like(h)
        running = torch.ones(len(sources), dtype=torch.bool)
        steps = []
        for step in range(int(limits.max())):
            h, c = self.cell(torch.cat([self.embed[units], fed], dim=1), (h, c))
            scores = (keys @ h[:, :, None]).squeeze(2) / h.shape[1] ** 0.5  # (B, S)
            shares = torch.softmax(scores.masked_fill(outside, -torch.inf), dim=1)
            context = (shares[:, None] @ values).squeeze(1)  # (B, nI)
            joint = torch.cat([context, h], dim=1)
            fed = torch.tanh(joint @ self.combine_weights.T + self.combine_bias)
            units = (fed @ self.output_weights.T + self.output_bias).argmax(dim=1)
            running &= (units != END) & (step < limits)
            if not running.any():
                break
            steps.append(units.where(running, END))
        columns = torch.stack(steps, dim=1).tolist() if steps else [[] for _ in sources]
        return [[unit for unit in column if unit != END] for column in columns]


def _set_weights(module: nn.Module, suffix: str, weights: Tensors) -> None:
    for name, array in zip(LSTM, weights.values(), strict=True):
        getattr(module, f"{name}{suffix}").data = array.clone()
