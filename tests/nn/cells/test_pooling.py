"""Running averages against a loop, and what makes them averages."""

from typing import Any

import torch
from torch import Tensor

from rnncli.nn.cells.pooling import pool_sequence


def by_steps(candidates: Tensor, scores: Tensor) -> Tensor:
    state = torch.zeros_like(candidates[0])
    states = []
    for candidate, keep in zip(candidates, scores.sigmoid(), strict=True):
        state = keep * state + (1 - keep) * candidate
        states.append(state)
    return torch.stack(states)


def test_outputs_and_gradients_equal_a_loop(
    shape: tuple[int, int, int, int], precision: tuple[torch.dtype, float], assert_same: Any, draw: Any
) -> None:
    inputs = draw(shape, shape, dtype=precision[0])
    assert_same(lambda candidates, scores: pool_sequence(candidates, scores.sigmoid()), by_steps, inputs, precision[1])


def test_a_state_stays_within_what_was_read(draw: Any) -> None:
    candidates, scores = draw((200, 5), (200, 5))
    states = pool_sequence(candidates, scores.sigmoid())
    largest = candidates.abs().cummax(0).values
    assert bool((states.abs() <= largest).all())


def test_keeping_all_or_nothing(draw: Any) -> None:
    (candidates,) = draw((6, 2))
    assert torch.equal(pool_sequence(candidates, torch.zeros_like(candidates)), candidates)
    assert not pool_sequence(candidates, torch.ones_like(candidates)).any()
