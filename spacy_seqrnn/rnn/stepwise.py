"""The recurrence for prediction on a CPU, one time step of many documents after the other.

Torch's kernels compute the input's share of the gates for every token. Here it is computed once for
every distinct word, where the layer before says which tokens are the same. Together with larger
matrix products, and without a copy for tokens that other documents lack, that makes a large batch
faster than torch's own kernels are. For few documents at a time they are the faster ones.
"""

import torch

from ..batch.packing import Packing

FEWEST_DOCS = 32  # with fewer, a step costs more in calls than in computation
BLOCK_DOCS = 256  # of more, the states and gates do not fit into a core's cache

# Hidden state and, in an LSTM, cell state; each of shape (n_docs, H).
States = list[torch.Tensor]


def n_better_alone(packing: Packing) -> int:
    """How many documents, longest first, torch's kernels read faster: too few, or far too long."""
    if packing.n_sequences < FEWEST_DOCS:
        return packing.n_sequences
    lengths = packing.lengths_by_rank
    return int((lengths > 2 * lengths[FEWEST_DOCS - 1]).sum())


def read_in_steps(
    cell: str,
    words: torch.Tensor,
    index: torch.Tensor,
    weights: list[list[torch.Tensor]],
    packing: Packing,
    *,
    int8: bool = False,
) -> torch.Tensor:
    """Read the documents of a batch.

    cell: "rnn", "lstm" or "gru".
    words: distinct input vectors. Shape (n_words, nI).
    index: which of them each token has. Shape (n_tokens,), packed.
    weights: for each direction input weights, recurrent weights and their biases, in torch's order.
    int8: multiply states and recurrent weights as 8-bit integers.
    Returns the hidden states, shape (n_tokens, n_directions * H), packed.
    """
    width = weights[0][1].shape[1]
    turned = torch.from_numpy(packing.reversed_rows)
    y = words.new_empty(packing.n_tokens, len(weights) * width)
    for direction, outputs in enumerate(y.split(width, dim=1)):
        step = STEPS[cell](weights[direction], words, int8)
        if direction == 0:
            _read(step, index, packing, outputs)
        else:
            backward = torch.empty_like(outputs, memory_format=torch.contiguous_format)
            _read(step, index[turned], packing, backward)
            torch.index_select(backward, 0, turned, out=outputs)
    return y.mul_(step.scale)


def _read(step: "Step", index: torch.Tensor, packing: Packing, outputs: torch.Tensor) -> None:
    """Read all documents in one direction into `outputs`, shape (n_tokens, H)."""
    states: States = []
    for begins, rows in packing.blocks(BLOCK_DOCS):
        states = step.first(rows.stop - rows.start) if begins else states
        states = [state[: rows.stop - rows.start] for state in states]
        states = step(index[rows], states, outputs[rows])


class Step:
    """What all cells have in common. A call reads one token of each document."""

    n_states = 1
    scale = 1.0  # of the hidden states to what a call writes

    def __init__(self, weights: list[torch.Tensor], words: torch.Tensor, int8: bool) -> None:
        """weights: of one direction, as `read_in_steps` has them. words: those that it reads."""
        input_weights, recurrent_weights, input_bias, self.recurrent_bias = weights
        self.width = recurrent_weights.shape[1]
        self.recurrent = recurrent_weights.t().contiguous()
        self.product = Int8Product(self.recurrent, 1.0 / self.scale) if int8 else None
        self.of_words = torch.addmm(self.bias(input_bias), words, input_weights.t())

    def bias(self, input_bias: torch.Tensor) -> torch.Tensor:
        """What is added to the input's share of the gates."""
        return input_bias + self.recurrent_bias

    def first(self, n_docs: int) -> States:
        """The states before the first token."""
        # Used again in each step, so that it stays in the cache.
        self.gates = self.of_words.new_empty(n_docs, self.of_words.shape[1])
        self.scratch = self.of_words.new_empty(n_docs, self.width)
        return list(self.of_words.new_zeros(self.n_states, n_docs, self.width))

    def inputs(self, index: torch.Tensor) -> torch.Tensor:
        """The input's share of the gates, shape (n_docs, gates * H)."""
        return torch.index_select(self.of_words, 0, index, out=self.gates[: len(index)])

    def gates_of(self, index: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """The shares of the input and of the state before, shape (n_docs, gates * H)."""
        gates = self.inputs(index)
        return gates.add_(self.product(h)) if self.product else gates.addmm_(h, self.recurrent)

    def __call__(self, index: torch.Tensor, states: States, hidden: torch.Tensor) -> States:
        """The states after the tokens of the words `index`. Writes them to `hidden` too."""
        raise NotImplementedError


class RNNStep(Step):
    """h' = tanh(W x + b + U h + c)"""

    def __call__(self, index: torch.Tensor, states: States, hidden: torch.Tensor) -> States:
        return [tanh(self.gates_of(index, states[0]), out=hidden)]


class LSTMStep(Step):
    """i, f, o = σ(…), g = tanh(…) of W x + b + U h + c; c' = f c + i g; h' = o tanh(c')

    As tanh(v) = 2 σ(2v) − 1, one call does all gates. The states that are kept are 2c' and h' / 2,
    so that nothing has to be doubled in each step.
    """

    n_states = 2
    scale = 2.0

    def __init__(self, weights: list[torch.Tensor], words: torch.Tensor, int8: bool) -> None:
        width = weights[1].shape[1]
        factors = words.new_ones(4 * width, 1)
        factors[2 * width : 3 * width] = 2.0
        input_weights, recurrent_weights, *biases = weights
        matrices = [input_weights * factors, recurrent_weights * (self.scale * factors)]
        super().__init__([*matrices, *(bias * factors[:, 0] for bias in biases)], words, int8)

    def __call__(self, index: torch.Tensor, states: States, hidden: torch.Tensor) -> States:
        half_h, twice_c = states
        gates = self.gates_of(index, half_h).sigmoid_()
        input_gate, forget_gate, cell_input, output_gate = gates.chunk(4, dim=1)
        twice_c.mul_(forget_gate)
        twice_c.addcmul_(input_gate, cell_input, value=4.0).add_(input_gate, alpha=-2.0)
        squashed = torch.sigmoid(twice_c, out=self.scratch[: len(index)])
        half_h = torch.mul(output_gate, squashed, out=hidden).add_(output_gate, alpha=-0.5)
        return [half_h, twice_c]


class GRUStep(Step):
    """r, z = σ(…), n = tanh(W x + b + r (U h + c)); h' = n + z (h − n)"""

    def bias(self, input_bias: torch.Tensor) -> torch.Tensor:
        # The recurrent bias of n is within what r is multiplied with.
        bias = input_bias + self.recurrent_bias
        bias[2 * self.width :] = input_bias[2 * self.width :]
        return bias

    def __call__(self, index: torch.Tensor, states: States, hidden: torch.Tensor) -> States:
        h = states[0]
        gates = self.inputs(index)
        recurrent = self.product(h) if self.product else h @ self.recurrent
        opened = gates[:, : 2 * self.width]
        reset, update = opened.add_(recurrent[:, : 2 * self.width]).sigmoid_().chunk(2, dim=1)
        candidate = recurrent[:, 2 * self.width :].add_(self.recurrent_bias[2 * self.width :])
        sums = gates[:, 2 * self.width :].addcmul_(reset, candidate)
        return [torch.lerp(tanh(sums, out=sums), h, update, out=hidden)]


class Int8Product:
    """Products with the recurrent weights in 8-bit integers, summed in 32 bits.

    A state has one of 255 values between its bounds, which are those of tanh; a weight one of 255
    values up to the largest of its gate's unit.
    """

    def __init__(self, recurrent: torch.Tensor, largest_state: float) -> None:
        """recurrent: Shape (H, gates * H). largest_state: what states do not exceed."""
        self.per_state = 127.0 / largest_state
        per_weight = 127.0 / recurrent.abs().amax(dim=0).clamp_min(1e-30)
        self.recurrent = (recurrent * per_weight).round_().to(torch.int8)
        self.value = 1.0 / (self.per_state * per_weight)

    def __call__(self, h: torch.Tensor) -> torch.Tensor:
        """h: Shape (n_docs, H). Returns shape (n_docs, gates * H), in float32."""
        # The only product of 8-bit integers that torch has, and no part of its stable interface.
        whole = (h * self.per_state).round_().to(torch.int8)
        return torch._int_mm(whole, self.recurrent).to(h.dtype).mul_(self.value)


STEPS: dict[str, type[Step]] = {"rnn": RNNStep, "lstm": LSTMStep, "gru": GRUStep}


def tanh(x: torch.Tensor, *, out: torch.Tensor) -> torch.Tensor:
    """tanh as 2 σ(2x) − 1, which takes a third of the time of torch's own and is as near."""
    return torch.mul(x, 2.0, out=out).sigmoid_().mul_(2.0).add_(-1.0)
