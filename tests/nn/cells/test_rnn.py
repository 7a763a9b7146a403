"""The hand-written simple recurrent network against torch.nn.RNN and, for what that lacks, a loop."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnncli.cells import LEAK
from rnncli.nn.cells.rnn import RNNLayer, rnn_sequence


def by_library(inputs: Tensor, weight: Tensor, *, activation: str) -> Tensor:
    """Run torch.nn.RNN with an identity in front."""
    size = weight.shape[1]
    zeros = torch.zeros(size, dtype=inputs.dtype)
    outputs = []
    for group in range(inputs.shape[1]):
        layer = nn.RNN(size, size, nonlinearity=activation).to(inputs.dtype)
        parameters = {
            "weight_ih_l0": torch.eye(size, dtype=inputs.dtype),
            "bias_ih_l0": zeros,
            "weight_hh_l0": weight[group].t(),
            "bias_hh_l0": zeros,
        }
        outputs.append(torch.func.functional_call(layer, parameters, (inputs[:, group],))[0])
    return torch.stack(outputs, 1)


def leaky_by_steps(inputs: Tensor, weight: Tensor) -> Tensor:
    state = torch.zeros_like(inputs[0])
    states = []
    for step in inputs:
        state = F.leaky_relu(step + torch.einsum("gbh,ghk->gbk", state, weight), LEAK)
        states.append(state)
    return torch.stack(states)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_outputs_and_gradients_equal_the_library(
    activation: str,
    shape: tuple[int, int, int, int],
    precision: tuple[torch.dtype, float],
    assert_same: Any,
    draw: Any,
) -> None:
    inputs, weight = draw(shape, (shape[1], shape[3], shape[3]), dtype=precision[0])
    # Rectified states would grow by powers of a larger weight, and their rounding with them.
    weight = (weight.detach() / (2 * shape[3] ** 0.5)).requires_grad_()
    function = partial(rnn_sequence, activation=activation)
    assert_same(function, partial(by_library, activation=activation), (inputs, weight), precision[1])


def test_the_leaky_one_equals_a_loop(shape: tuple[int, int, int, int], assert_same: Any, draw: Any) -> None:
    inputs = draw(shape, (shape[1], shape[3], shape[3]))
    assert_same(partial(rnn_sequence, activation="leaky"), leaky_by_steps, inputs, 1e-8)


def test_weights_start_orthogonal_or_as_a_part_of_the_identity() -> None:
    torch.manual_seed(0)
    for block in RNNLayer(6, 4, "tanh").weight.detach():
        torch.testing.assert_close(block @ block.t(), torch.eye(4), rtol=0, atol=1e-5)
    for activation in ("relu", "leaky"):
        for block in RNNLayer(6, 4, activation).weight.detach():
            torch.testing.assert_close(block, block[0, 0] * torch.eye(4))
            assert 0.2 < float(block[0, 0]) < 1
