"""The quasi-recurrent network against a loop that holds two tokens at a time."""

from typing import Any

import torch
from torch import Tensor

from rnncli.nn.cells.qrnn import QRNNLayer, qrnn_sequence


def by_steps(gates: Tensor) -> Tensor:
    """Fo-pooling, equation 4 of the paper; the order of the gates is ours."""
    memory = torch.zeros_like(gates[0].chunk(3, -1)[0])
    states = []
    for step in gates:
        forget, out, candidate = step.chunk(3, -1)
        memory = torch.sigmoid(forget) * memory + (1 - torch.sigmoid(forget)) * torch.tanh(candidate)
        states.append(torch.sigmoid(out) * memory)
    return torch.stack(states)


def test_outputs_and_gradients_equal_a_loop(
    shape: tuple[int, int, int, int], precision: tuple[torch.dtype, float], assert_same: Any, draw: Any
) -> None:
    assert_same(qrnn_sequence, by_steps, draw((*shape[:3], 3 * shape[3]), dtype=precision[0]), precision[1])


def sentence_states(layer: QRNNLayer, sentence: Tensor, direction: int) -> Tensor:
    """One sentence in one direction, word by word, from equation 2: a convolution of width 2."""
    read = sentence.flip(0) if direction else sentence
    before = torch.zeros_like(read[0])
    gates = []
    for token in read:
        own, passed = layer.input_weight[:, direction], layer.previous_weight[:, direction]
        gates.append(token @ own + before @ passed + layer.input_bias[direction])
        before = token
    states = by_steps(torch.stack(gates))
    return states.flip(0) if direction else states


def test_each_direction_looks_back_in_its_own_reading_order() -> None:
    """Guards the token before: read backwards it is the one behind, and before a sentence's end there is no padding."""
    torch.manual_seed(0)
    layer = QRNNLayer(4, 3).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn_like(parameter))
    lengths = [5, 1, 3, 2]
    inputs = torch.randn(4, 5, 4, dtype=torch.float64)
    flipped = torch.tensor([[*range(n - 1, -1, -1), *range(n, 5)] for n in lengths])
    states = layer(inputs, flipped)
    for row, length in enumerate(lengths):
        for direction in range(2):
            expected = sentence_states(layer, inputs[row, :length], direction)
            actual = states[row, :length, 3 * direction : 3 * direction + 3]
            torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)


def test_weights_start_as_one_matrix_a_gate_over_both_tokens() -> None:
    torch.manual_seed(0)
    layer = QRNNLayer(40, 30)
    spread = (6 / (2 * 40 + 30)) ** 0.5
    for weight in (layer.input_weight, layer.previous_weight):
        assert 0.95 * spread < float(weight.detach().abs().max()) <= spread
    bias = layer.input_bias.view(2, 3, 30)
    assert torch.equal(bias[:, 0], torch.ones(2, 30))
    assert not bias[:, 1:].any()
