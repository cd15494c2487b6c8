"""Recurrent cells, one a file. A new one needs its file and its line in `CELLS`."""

from .cell import Cell, Tensors, project
from .gru import GRUCell
from .lstm import LSTMCell
from .rnn import RNNCell
from .sru import SRUCell

__all__ = ["CELLS", "Cell", "Tensors", "project"]

CELLS: dict[str, Cell] = {
    "rnn": RNNCell(),
    "lstm": LSTMCell(),
    "gru": GRUCell(),
    "sru": SRUCell(),
}
