"""The hand-written GRU against torch.nn.GRU."""

from typing import Any

import torch
from torch import Tensor, nn

from rnncli.nn.cells.gru import GRULayer, gru_sequence


def by_library(gates: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Run torch.nn.GRU with an identity in front, so that its inputs are the gates."""
    size = bias.shape[1]
    outputs = []
    for group in range(gates.shape[1]):
        layer = nn.GRU(3 * size, size).to(gates.dtype)
        parameters = {
            "weight_ih_l0": torch.eye(3 * size, dtype=gates.dtype),
            "bias_ih_l0": torch.zeros(3 * size, dtype=gates.dtype),
            "weight_hh_l0": weight[group].t(),
            "bias_hh_l0": torch.cat((bias.new_zeros(2 * size), bias[group])),
        }
        outputs.append(torch.func.functional_call(layer, parameters, (gates[:, group],))[0])
    return torch.stack(outputs, 1)


def test_outputs_and_gradients_equal_the_library(
    shape: tuple[int, int, int, int], precision: tuple[torch.dtype, float], assert_same: Any, draw: Any
) -> None:
    *outer, size = shape
    inputs = draw((*outer, 3 * size), (outer[1], size, 3 * size), (outer[1], size), dtype=precision[0])
    assert_same(gru_sequence, by_library, inputs, precision[1])


def test_recurrent_weights_start_orthogonal() -> None:
    layer = GRULayer(6, 4)
    for direction in range(2):
        for gate in range(3):
            block = layer.weight[direction, :, 4 * gate : 4 * gate + 4]
            torch.testing.assert_close(block @ block.t(), torch.eye(4), rtol=0, atol=1e-5)
