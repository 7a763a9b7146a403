"""The independently recurrent network, with hand-written backpropagation through time."""

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx

from rnncli.nn.cells.activation import activate_, slopes
from rnncli.nn.layer import BidirectionalLayer

_MOST_RECURRENT = 0.99
"""Largest recurrent weight at the start; 1 itself has no inverse hyperbolic tangent."""


def indrnn_sequence(inputs: Tensor, weight: Tensor, activation: str) -> Tensor:
    """Run G independently recurrent networks over time from a zero state.

    Args:
        inputs: float [T, G, B, H], the input's share of the new state, biases included.
        weight: float [G, H], the weight of each unit's own last state.
        activation: one of ACTIVATIONS.

    Returns:
        float [T, G, B, H], the state after every step.

    Reference:
        Li et al. 2018, arXiv:1803.04831, section 3.
    """
    result: Tensor = _IndRNNSequence.apply(inputs, weight, activation)  # type: ignore[no-untyped-call]
    return result


class _IndRNNSequence(torch.autograd.Function):
    """One loop forward and one backward, element by element."""

    @staticmethod
    def forward(ctx: FunctionCtx, inputs: Tensor, weight: Tensor, activation: str) -> Tensor:
        states = torch.cat((torch.zeros_like(inputs[:1]), inputs))
        weight = weight.unsqueeze(1)
        for t in range(len(inputs)):
            activate_(states[t + 1].addcmul_(states[t], weight), activation)
        ctx.save_for_backward(states, weight)
        ctx.activation = activation  # type: ignore[attr-defined]
        return states[1:]

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        states, weight = ctx.saved_tensors  # type: ignore[attr-defined]
        d_inputs = slopes(states[1:], ctx.activation)  # type: ignore[attr-defined]
        d_state = grad[-1]
        for t in range(len(d_inputs) - 1, -1, -1):
            d_inputs[t].mul_(d_state)
            if t:
                d_state = torch.addcmul(grad[t - 1], d_inputs[t], weight)
        return d_inputs, (d_inputs * states[:-1]).sum((0, 2)), None


class IndRNNLayer(BidirectionalLayer):
    """A bidirectional layer of independently recurrent networks.

    A recurrent weight above 1 in magnitude would let a state grow without end. The paper clips; here the recurrent
    weight is the hyperbolic tangent of the parameter, so that it lies between -1 and 1 whatever an update, an average
    or a file brings, and its gradient never ends at a wall.

    Args:
        input_size: width of the inputs (D).
        hidden_size: units per direction (H).
        activation: one of ACTIVATIONS.

    Reference:
        Li et al. 2018, arXiv:1803.04831, section 3: recurrent weights start uniform between 0 and 1, so that units
        remember for different times.
    """

    weight: nn.Parameter

    def __init__(self, input_size: int, hidden_size: int, activation: str) -> None:
        """Draw the weights."""
        super().__init__("indrnn", input_size, hidden_size)
        self._activation = activation
        with torch.no_grad():
            for direction in range(2):
                nn.init.xavier_uniform_(self.input_weight[:, direction])
                self.weight[direction].uniform_(0, _MOST_RECURRENT).atanh_()

    def recur(self, gates: Tensor) -> Tensor:
        """Run both directions."""
        return indrnn_sequence(gates, self.weight.tanh(), self._activation)
