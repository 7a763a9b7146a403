"""What holds for every recurrence over [T, G, B, ...], whatever its cell."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from rnncli.nn.cells.gru import gru_sequence
from rnncli.nn.cells.indrnn import indrnn_sequence
from rnncli.nn.cells.lstm import lstm_sequence
from rnncli.nn.cells.mingru import mingru_sequence
from rnncli.nn.cells.qrnn import qrnn_sequence
from rnncli.nn.cells.rnn import rnn_sequence

SIZE = 3
RECURRENCES: dict[str, tuple[Callable[..., Tensor], int, list[tuple[int, ...]]]] = {
    "gru": (gru_sequence, 3, [(SIZE, 3 * SIZE), (SIZE,)]),
    "lstm": (lstm_sequence, 4, [(SIZE, 4 * SIZE)]),
    **{
        f"rnn {name}": (partial(rnn_sequence, activation=name), 1, [(SIZE, SIZE)]) for name in ("tanh", "relu", "leaky")
    },
    **{
        f"indrnn {name}": (partial(indrnn_sequence, activation=name), 1, [(SIZE,)])
        for name in ("tanh", "relu", "leaky")
    },
    "qrnn": (qrnn_sequence, 3, []),
    "mingru": (mingru_sequence, 2, []),
}
"""The function, its gates, and the shapes of its weights in one group."""

EVERY = pytest.mark.parametrize("name", RECURRENCES)


@pytest.fixture
def build(draw: Any) -> Callable[..., tuple[Callable[..., Tensor], tuple[Tensor, ...]]]:
    """Draws the inputs and weights of a recurrence for T steps, G groups and B sequences."""

    def run(name: str, steps: int, groups: int, batch: int) -> tuple[Callable[..., Tensor], tuple[Tensor, ...]]:
        function, gates, shapes = RECURRENCES[name]
        return function, draw((steps, groups, batch, gates * SIZE), *((groups, *shape) for shape in shapes), seed=2)

    return run


@EVERY
def test_gradients_equal_finite_differences(name: str, build: Any) -> None:
    function, inputs = build(name, 4, 2, 3)
    assert torch.autograd.gradcheck(function, inputs)


@EVERY
def test_inputs_are_left_alone(name: str, build: Any) -> None:
    """The forward pass works in place on a copy."""
    function, inputs = build(name, 3, 2, 2)
    before = [tensor.detach().clone() for tensor in inputs]
    states = function(*inputs)
    first = states.detach().clone()
    states.sum().backward()
    assert torch.equal(states, first)
    for tensor, old in zip(inputs, before, strict=True):
        assert torch.equal(tensor, old)


@EVERY
def test_groups_and_sequences_do_not_mix(name: str, build: Any) -> None:
    function, (gates, *weights) = build(name, 5, 2, 3)
    together = function(gates, *weights)
    for group in range(2):
        part = slice(group, group + 1)
        for row in range(3):
            alone = function(gates[:, part, row : row + 1], *(weight[part] for weight in weights))
            torch.testing.assert_close(together[:, part, row : row + 1], alone, rtol=0, atol=1e-12)


@EVERY
def test_a_state_is_what_was_read_so_far(name: str, build: Any) -> None:
    function, (gates, *weights) = build(name, 6, 1, 8)
    states = function(gates, *weights)
    assert states.shape == (6, 1, 8, SIZE)
    torch.testing.assert_close(states[:4], function(gates[:4], *weights), rtol=0, atol=1e-12)
    (gradient,) = torch.autograd.grad(states[1].sum(), gates)
    assert not gradient[2:].any()
    assert gradient[0].any()


@EVERY
def test_gradients_of_few_states_are_right_too(name: str, build: Any) -> None:
    """Guards the ends of the loop backward: a gradient that comes from one step alone."""
    function, inputs = build(name, 4, 1, 2)
    for step in (0, 3):
        assert torch.autograd.gradcheck(lambda *values, at=step: function(*values)[at], inputs)
