"""The independently recurrent network against a loop over single steps."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from rnncli.cells import LEAK
from rnncli.nn.cells.indrnn import IndRNNLayer, indrnn_sequence

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": F.relu,
    "leaky": partial(F.leaky_relu, negative_slope=LEAK),
}


def by_steps(inputs: Tensor, weight: Tensor, *, activation: str) -> Tensor:
    state = torch.zeros_like(inputs[0])
    states = []
    for step in inputs:
        state = FUNCTIONS[activation](step + weight.unsqueeze(1) * state)
        states.append(state)
    return torch.stack(states)


@pytest.mark.parametrize("activation", FUNCTIONS)
def test_outputs_and_gradients_equal_a_loop(
    activation: str,
    shape: tuple[int, int, int, int],
    precision: tuple[torch.dtype, float],
    assert_same: Any,
    draw: Any,
) -> None:
    inputs, weight = draw(shape, (shape[1], shape[3]), dtype=precision[0])
    weight = weight.detach().tanh().requires_grad_()
    assert_same(
        partial(indrnn_sequence, activation=activation),
        partial(by_steps, activation=activation),
        (inputs, weight),
        precision[1],
    )


def test_recurrent_weights_start_between_0_and_1() -> None:
    torch.manual_seed(0)
    weight = IndRNNLayer(3, 1000, "relu").weight.detach().tanh()
    assert float(weight.min()) >= 0
    assert float(weight.max()) < 1
    # Uniform: its mean and its deviation.
    assert abs(float(weight.mean()) - 0.5) < 0.03
    assert abs(float(weight.std()) - 12**-0.5) < 0.02


@pytest.mark.parametrize("activation", ["relu", "leaky"])
def test_no_parameter_makes_a_state_explode(activation: str) -> None:
    """A recurrent weight of 1.1 would make of the first input 1e41 in a thousand steps."""
    layer = IndRNNLayer(3, 4, activation)
    with torch.no_grad():
        layer.weight.fill_(1.1)
        inputs = torch.zeros(1, 1000, 3)
        inputs[0, 0] = 1.0
        states = layer(inputs, torch.arange(1000).unsqueeze(0))
    assert float(states.abs().max()) < 10
