"""The simple recurrent network, with hand-written backpropagation through time."""

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx

from rnncli.nn.cells.activation import activate_, slopes
from rnncli.nn.layer import BidirectionalLayer

_RECTIFIED_START = 0.5
"""Recurrent weight of each unit to itself at the start, under a rectifier."""


def rnn_sequence(inputs: Tensor, weight: Tensor, activation: str) -> Tensor:
    """Run G independent simple recurrent networks over time from a zero state.

    Args:
        inputs: float [T, G, B, H], the input's share of the new state, biases included.
        weight: float [G, H, H], recurrent weights.
        activation: one of ACTIVATIONS.

    Returns:
        float [T, G, B, H], the state after every step.

    Reference:
        Elman 1990, "Finding structure in time".
    """
    result: Tensor = _RNNSequence.apply(inputs, weight, activation)  # type: ignore[no-untyped-call]
    return result


class _RNNSequence(torch.autograd.Function):
    """One loop forward, one loop backward, and one product over all steps for the weight's gradient."""

    @staticmethod
    def forward(ctx: FunctionCtx, inputs: Tensor, weight: Tensor, activation: str) -> Tensor:
        states = torch.cat((torch.zeros_like(inputs[:1]), inputs))
        for t in range(len(inputs)):
            activate_(states[t + 1].baddbmm_(states[t], weight), activation)
        ctx.save_for_backward(states, weight)
        ctx.activation = activation  # type: ignore[attr-defined]
        return states[1:]

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        states, weight = ctx.saved_tensors  # type: ignore[attr-defined]
        groups, _, size = weight.shape
        d_inputs = slopes(states[1:], ctx.activation)  # type: ignore[attr-defined]
        transposed = weight.transpose(1, 2)
        d_state = grad[-1]
        for t in range(len(d_inputs) - 1, -1, -1):
            d_inputs[t].mul_(d_state)
            if t:
                d_state = torch.baddbmm(grad[t - 1], d_inputs[t], transposed)
        flat = d_inputs.transpose(0, 1).reshape(groups, -1, size)
        previous = states[:-1].transpose(0, 1).reshape(groups, -1, size)
        return d_inputs, torch.bmm(previous.transpose(1, 2), flat), None


class RNNLayer(BidirectionalLayer):
    """A bidirectional layer of simple recurrent networks.

    Args:
        input_size: width of the inputs (D).
        hidden_size: units per direction (H).
        activation: one of ACTIVATIONS.

    Reference:
        Recurrent weights start orthogonal for tanh (Saxe et al. 2014, arXiv:1312.6120). For the rectifiers they start
        as a multiple of the identity (Le, Jaitly and Hinton 2015, arXiv:1504.00941); with theirs, 1, a state is the sum
        of all that was read, so ours is one that forgets.
    """

    weight: nn.Parameter

    def __init__(self, input_size: int, hidden_size: int, activation: str) -> None:
        """Draw the weights."""
        super().__init__("rnn", input_size, hidden_size)
        self._activation = activation
        with torch.no_grad():
            for direction in range(2):
                nn.init.xavier_uniform_(self.input_weight[:, direction])
                if activation == "tanh":
                    nn.init.orthogonal_(self.weight[direction])
                else:
                    nn.init.eye_(self.weight[direction]).mul_(_RECTIFIED_START)

    @property
    def has_library(self) -> bool:
        """Not for the leaky activation."""
        return self._activation != "leaky"

    def recur(self, gates: Tensor) -> Tensor:
        """Run both directions."""
        return rnn_sequence(gates, self.weight, self._activation)

    def recur_by_library(self, inputs: Tensor, direction: int) -> Tensor:
        """Run one direction by torch.rnn_tanh or torch.rnn_relu."""
        run = torch.rnn_tanh if self._activation == "tanh" else torch.rnn_relu
        bias = self.input_bias[direction]
        parameters = [
            self.input_weight[:, direction].t().contiguous(),
            self.weight[direction].t().contiguous(),
            bias,
            torch.zeros_like(bias),
        ]
        initial = inputs.new_zeros(1, inputs.shape[1], self.weight.shape[1])
        return run(inputs, initial, parameters, True, 1, 0.0, self.training, False, False)[0]
