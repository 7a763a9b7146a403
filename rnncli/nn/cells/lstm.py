"""Long short-term memory, with hand-written backpropagation through time."""

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx

from rnncli.nn.layer import BidirectionalLayer


def lstm_sequence(input_gates: Tensor, weight: Tensor) -> Tensor:
    """Run G independent long short-term memories over time from a zero state.

    Args:
        input_gates: float [T, G, B, 4H], the input's share of the output, input and forget gates and of the candidate,
            biases included.
        weight: float [G, H, 4H], recurrent weights, gates in the same order.

    Returns:
        float [T, G, B, H], the state after every step.

    Reference:
        Hochreiter and Schmidhuber 1997, "Long short-term memory"; Gers, Schmidhuber and Cummins 2000, "Learning to
        forget". No peepholes, as in torch.nn.LSTM. The order of the gates is our own: what is a sigmoid lies together,
        and so does what the memory cell passes its gradient to.
    """
    result: Tensor = _LSTMSequence.apply(input_gates, weight)  # type: ignore[no-untyped-call]
    return result


class _LSTMSequence(torch.autograd.Function):
    """One loop forward, one loop backward, and one product over all steps for the weight's gradient."""

    @staticmethod
    def forward(ctx: FunctionCtx, input_gates: Tensor, weight: Tensor) -> Tensor:
        num_steps, groups, batch_size, width = input_gates.shape
        size = width // 4
        states = input_gates.new_zeros(num_steps + 1, groups, batch_size, size)
        memory = torch.zeros_like(states)
        shown = input_gates.new_empty(num_steps, groups, batch_size, size)
        gates = input_gates.clone()
        for t in range(num_steps):
            now = gates[t]
            now.baddbmm_(states[t], weight)
            now[:, :, : 3 * size].sigmoid_()
            now[:, :, 3 * size :].tanh_()
            out, write, keep, new = torch.split(now, size, 2)
            torch.mul(keep, memory[t], out=memory[t + 1]).addcmul_(write, new)
            torch.tanh(memory[t + 1], out=shown[t])
            torch.mul(out, shown[t], out=states[t + 1])
        ctx.save_for_backward(states, memory, shown, gates, weight)
        return states[1:]

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, Tensor]:
        states, memory, shown, gates, weight = ctx.saved_tensors  # type: ignore[attr-defined]
        num_steps, groups, batch_size, size = shown.shape
        out, write, keep, new = torch.split(gates, size, 3)
        # What does not depend on the gradient from the future is computed for all steps at once.
        through_out = shown * out * (1 - out)
        through_shown = out * (1 - shown * shown)
        through_memory = torch.stack(
            (new * write * (1 - write), memory[:-1] * keep * (1 - keep), write * (1 - new * new)), 3
        )
        d_gates = torch.empty_like(gates)
        transposed = weight.transpose(1, 2)
        d_state = grad[-1]
        d_memory = torch.zeros_like(states[0])
        for t in range(num_steps - 1, -1, -1):
            torch.mul(d_state, through_out[t], out=d_gates[t, :, :, :size])
            d_memory = torch.addcmul(d_memory, d_state, through_shown[t])
            rest = d_gates[t, :, :, size:].view(groups, batch_size, 3, size)
            torch.mul(d_memory.unsqueeze(2), through_memory[t], out=rest)
            if t:
                d_state = torch.baddbmm(grad[t - 1], d_gates[t], transposed)
                d_memory = d_memory * keep[t]
        flat = d_gates.transpose(0, 1).reshape(groups, -1, 4 * size)
        previous = states[:-1].transpose(0, 1).reshape(groups, -1, size)
        return d_gates, torch.bmm(previous.transpose(1, 2), flat)


class LSTMLayer(BidirectionalLayer):
    """A bidirectional layer of long short-term memories.

    Args:
        input_size: width of the inputs (D).
        hidden_size: units per direction (H).

    Reference:
        Weights start orthogonal (Saxe et al. 2014, arXiv:1312.6120) for the recurrence and uniform (Glorot and Bengio
        2010) for the inputs; the bias of the forget gate starts at 1 (Jozefowicz, Zaremba and Sutskever 2015, "An
        empirical exploration of recurrent network architectures").
    """

    weight: nn.Parameter

    def __init__(self, input_size: int, hidden_size: int) -> None:
        """Draw the weights."""
        super().__init__("lstm", input_size, hidden_size)
        with torch.no_grad():
            for direction in range(2):
                for gate in torch.split(self.input_weight[:, direction], hidden_size, 1):
                    nn.init.xavier_uniform_(gate)
                for gate in torch.split(self.weight[direction], hidden_size, 1):
                    nn.init.orthogonal_(gate)
            self.input_bias[:, 2 * hidden_size : 3 * hidden_size] = 1.0

    @property
    def has_library(self) -> bool:
        """Yes."""
        return True

    def recur(self, gates: Tensor) -> Tensor:
        """Run both directions."""
        return lstm_sequence(gates, self.weight)

    def recur_by_library(self, inputs: Tensor, direction: int) -> Tensor:
        """Run one direction by torch.lstm, which wants the output gate last."""
        size = self.weight.shape[1]
        bias = self.input_bias[direction].roll(-size)
        parameters = [
            self.input_weight[:, direction].roll(-size, 1).t().contiguous(),
            self.weight[direction].roll(-size, 1).t().contiguous(),
            bias,
            torch.zeros_like(bias),
        ]
        initial = inputs.new_zeros(1, inputs.shape[1], size)
        return torch.lstm(inputs, (initial, initial), parameters, True, 1, 0.0, self.training, False, False)[0]
