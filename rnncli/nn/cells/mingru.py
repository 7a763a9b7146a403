"""The minimal gated recurrent unit."""

import torch
from torch import Tensor, nn

from rnncli.nn.cells.pooling import pool_sequence
from rnncli.nn.layer import BidirectionalLayer


def mingru_sequence(gates: Tensor) -> Tensor:
    """Run minimal gated recurrent units over time from a zero state.

    Args:
        gates: float [T, ..., 2H], update gate before its sigmoid, and candidate, biases included.

    Returns:
        float [T, ..., H], the state after every step.

    Reference:
        Feng et al. 2024, arXiv:2410.01201, section 3.1. Their appendix also makes the candidates positive, for the sake
        of logarithms that a loop does not need.
    """
    update, candidates = gates.chunk(2, -1)
    return pool_sequence(candidates, (-update).sigmoid())


class MinGRULayer(BidirectionalLayer):
    """A bidirectional layer of minimal gated recurrent units.

    Args:
        input_size: width of the inputs (D).
        hidden_size: units per direction (H).

    Reference:
        Feng et al. 2024, arXiv:2410.01201. The bias of the update gate starts at -1, so that a state first keeps three
        quarters of itself.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        """Draw the weights."""
        super().__init__("mingru", input_size, hidden_size)
        with torch.no_grad():
            for direction in range(2):
                nn.init.xavier_uniform_(self.input_weight[:, direction])
            self.input_bias[:, :hidden_size] = -1.0

    def recur(self, gates: Tensor) -> Tensor:
        """Run both directions."""
        return mingru_sequence(gates)
