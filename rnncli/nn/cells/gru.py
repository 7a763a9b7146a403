"""The gated recurrent unit, with hand-written backpropagation through time."""

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx

from rnncli.kernels.gru import load_gru_kernel
from rnncli.nn.cells.gru_kernel import gru_kernel_sequence
from rnncli.nn.layer import BidirectionalLayer


def gru_sequence(input_gates: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Run G independent gated recurrent units over time from a zero state.

    Args:
        input_gates: float [T, G, B, 3H], the input's share of the reset, update and candidate gates, biases included.
        weight: float [G, H, 3H], recurrent weights, gates in the same order.
        bias: float [G, H], recurrent bias of the candidate, inside the reset product.

    Returns:
        float [T, G, B, H], the state after every step.

    Reference:
        Cho et al. 2014, arXiv:1406.1078, with the reset gate applied after the recurrent product, as cuDNN and
        torch.nn.GRU do.
    """
    result: Tensor = _GRUSequence.apply(input_gates, weight, bias)  # type: ignore[no-untyped-call]
    return result


class _GRUSequence(torch.autograd.Function):
    """One loop forward, one loop backward, and one product over all steps for the weight's gradient."""

    @staticmethod
    def forward(ctx: FunctionCtx, input_gates: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        num_steps, groups, batch_size, width = input_gates.shape
        hidden_size = width // 3
        states = input_gates.new_zeros(num_steps + 1, groups, batch_size, hidden_size)
        gates = input_gates.clone()
        candidates = input_gates.new_empty(num_steps, groups, batch_size, hidden_size)
        recurrent = input_gates.new_empty(groups, batch_size, width)
        bias = bias.unsqueeze(1)
        for t in range(num_steps):
            previous = states[t]
            torch.bmm(previous, weight, out=recurrent)
            both = gates[t, :, :, : 2 * hidden_size]
            both.add_(recurrent[:, :, : 2 * hidden_size]).sigmoid_()
            reset, update = both[:, :, :hidden_size], both[:, :, hidden_size:]
            candidate = torch.add(recurrent[:, :, 2 * hidden_size :], bias, out=candidates[t])
            new = gates[t, :, :, 2 * hidden_size :]
            new.addcmul_(reset, candidate).tanh_()
            torch.lerp(new, previous, update, out=states[t + 1])
        ctx.save_for_backward(states, gates, candidates, weight)
        return states[1:]

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        states, gates, candidates, weight = ctx.saved_tensors  # type: ignore[attr-defined]
        num_steps, groups, _batch_size, hidden_size = candidates.shape
        reset, update, new = gates.split(hidden_size, 3)
        # What does not depend on the gradient from the future is computed for all steps at once.
        through_new = (1 - update) * (1 - new * new)
        through_update = (states[:-1] - new) * update * (1 - update)
        through_reset = candidates * reset * (1 - reset)
        d_inputs = torch.empty_like(gates)
        d_recurrent = torch.empty_like(gates)
        transposed = weight.transpose(1, 2)
        d_state = torch.zeros_like(states[0])
        for t in range(num_steps - 1, -1, -1):
            d_state = d_state + grad[t]
            d_new = torch.mul(d_state, through_new[t], out=d_inputs[t, :, :, 2 * hidden_size :])
            torch.mul(d_state, through_update[t], out=d_inputs[t, :, :, hidden_size : 2 * hidden_size])
            torch.mul(d_new, through_reset[t], out=d_inputs[t, :, :, :hidden_size])
            torch.mul(d_new, reset[t], out=d_recurrent[t, :, :, 2 * hidden_size :])
            d_recurrent[t, :, :, : 2 * hidden_size] = d_inputs[t, :, :, : 2 * hidden_size]
            d_state = torch.baddbmm(d_state * update[t], d_recurrent[t], transposed)
        flat = d_recurrent.transpose(0, 1).reshape(groups, -1, 3 * hidden_size)
        previous = states[:-1].transpose(0, 1).reshape(groups, -1, hidden_size)
        d_weight = torch.bmm(previous.transpose(1, 2), flat)
        d_bias = flat[:, :, 2 * hidden_size :].sum(1)
        return d_inputs, d_weight, d_bias


class GRULayer(BidirectionalLayer):
    """A bidirectional layer of gated recurrent units.

    Args:
        input_size: width of the inputs (D).
        hidden_size: units per direction (H).

    Reference:
        Weights start orthogonal (Saxe et al. 2014, arXiv:1312.6120) for the recurrence and uniform (Glorot and Bengio
        2010) for the inputs.
    """

    weight: nn.Parameter
    bias: nn.Parameter

    def __init__(self, input_size: int, hidden_size: int) -> None:
        """Draw the weights."""
        super().__init__("gru", input_size, hidden_size)
        with torch.no_grad():
            for direction in range(2):
                nn.init.xavier_uniform_(self.input_weight[:, direction])
                for gate in torch.split(self.weight[direction], hidden_size, 1):
                    nn.init.orthogonal_(gate)

    @property
    def has_library(self) -> bool:
        """Yes."""
        return True

    def forward(self, inputs: Tensor, flipped: Tensor) -> Tensor:
        """Encode a batch, by the kernel where there is one."""
        kernel = load_gru_kernel() if inputs.device.type == "cpu" else None
        if kernel is None:
            return super().forward(inputs, flipped)
        products = torch.addmm(self.input_bias.flatten(), inputs.flatten(0, 1), self.input_weight.flatten(1))
        gates = products.to(self.weight.dtype).view(*inputs.shape[:2], *self.input_bias.shape)
        return gru_kernel_sequence(gates, self.weight, self.bias, flipped[:, 0] + 1, kernel, products.dtype)

    def recur(self, gates: Tensor) -> Tensor:
        """Run both directions."""
        return gru_sequence(gates, self.weight, self.bias)

    def recur_by_library(self, inputs: Tensor, direction: int) -> Tensor:
        """Run one direction by torch.gru."""
        hidden_size = self.weight.shape[1]
        bias = torch.cat((self.bias.new_zeros(2 * hidden_size), self.bias[direction]))
        parameters = [
            self.input_weight[:, direction].t().contiguous(),
            self.weight[direction].t().contiguous(),
            self.input_bias[direction],
            bias,
        ]
        initial = inputs.new_zeros(1, inputs.shape[1], hidden_size)
        return torch.gru(inputs, initial, parameters, True, 1, 0.0, self.training, False, False)[0]
