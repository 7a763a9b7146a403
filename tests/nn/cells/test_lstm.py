"""The hand-written LSTM against torch.nn.LSTM."""

from typing import Any

import torch
from torch import Tensor, nn

from rnncli.nn.cells.lstm import LSTMLayer, lstm_sequence


def by_library(gates: Tensor, weight: Tensor) -> Tensor:
    """Run torch.nn.LSTM, whose gates are input, forget, candidate, output, with an identity in front."""
    size = weight.shape[1]
    order = torch.cat([torch.arange(i * size, (i + 1) * size) for i in (1, 2, 3, 0)])
    zeros = torch.zeros(4 * size, dtype=gates.dtype)
    outputs = []
    for group in range(gates.shape[1]):
        layer = nn.LSTM(4 * size, size).to(gates.dtype)
        parameters = {
            "weight_ih_l0": torch.eye(4 * size, dtype=gates.dtype)[order],
            "bias_ih_l0": zeros,
            "weight_hh_l0": weight[group][:, order].t(),
            "bias_hh_l0": zeros,
        }
        outputs.append(torch.func.functional_call(layer, parameters, (gates[:, group],))[0])
    return torch.stack(outputs, 1)


def test_outputs_and_gradients_equal_the_library(
    shape: tuple[int, int, int, int], precision: tuple[torch.dtype, float], assert_same: Any, draw: Any
) -> None:
    *outer, size = shape
    inputs = draw((*outer, 4 * size), (outer[1], size, 4 * size), dtype=precision[0])
    assert_same(lstm_sequence, by_library, inputs, precision[1])


def test_memories_start_by_keeping() -> None:
    """The forget gate is the third; without this bias an LSTM forgets half at every step."""
    layer = LSTMLayer(6, 4)
    assert torch.equal(layer.input_bias.view(2, 4, 4)[:, 2], torch.ones(2, 4))
    assert int(layer.input_bias.count_nonzero()) == 8
    for direction in range(2):
        for gate in layer.weight[direction].split(4, 1):
            torch.testing.assert_close(gate @ gate.t(), torch.eye(4), rtol=0, atol=1e-5)
