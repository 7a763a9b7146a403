"""The quasi-recurrent network."""

import torch
from torch import Tensor, nn

from rnncli.nn.cells.pooling import pool_sequence
from rnncli.nn.layer import BidirectionalLayer, project


def qrnn_sequence(gates: Tensor) -> Tensor:
    """Run quasi-recurrent networks with output gates ("fo-pooling") over time from a zero state.

    Args:
        gates: float [T, ..., 3H], forget gate, output gate and candidate before their activations, biases included.

    Returns:
        float [T, ..., H], the gated state after every step.

    Reference:
        Bradbury et al. 2017, arXiv:1611.01576, equation 4.
    """
    keep, out, candidates = gates.chunk(3, -1)
    return out.sigmoid() * pool_sequence(candidates.tanh(), keep.sigmoid())


class QRNNLayer(BidirectionalLayer):
    """A bidirectional layer of quasi-recurrent networks that look at two tokens, this one and the one read before.

    Args:
        input_size: width of the inputs (D).
        hidden_size: units per direction (H).

    Reference:
        Bradbury et al. 2017, arXiv:1611.01576, equation 2, with biases. Before the first token there are zeros. The
        bias of the forget gate starts at 1, as an LSTM's does.
    """

    previous_weight: nn.Parameter

    def __init__(self, input_size: int, hidden_size: int) -> None:
        """Draw the weights."""
        super().__init__("qrnn", input_size, hidden_size)
        with torch.no_grad():
            for direction in range(2):
                # Drawn over both tokens, whose widths add up.
                both = torch.empty(2 * input_size, 3 * hidden_size)
                for gate in torch.split(both, hidden_size, 1):
                    nn.init.xavier_uniform_(gate)
                self.input_weight[:, direction], self.previous_weight[:, direction] = torch.split(both, input_size)
            self.input_bias[:, :hidden_size] = 1.0

    def input_gates(self, steps: Tensor, order: Tensor) -> Tensor:
        """Compute the gates from each token and the one read before it."""
        current = project(steps, order, self.input_weight, self.input_bias)
        previous = project(steps, order, self.previous_weight)
        return torch.cat((current[:1], current[1:] + previous[:-1]))

    def recur(self, gates: Tensor) -> Tensor:
        """Run both directions."""
        return qrnn_sequence(gates)
