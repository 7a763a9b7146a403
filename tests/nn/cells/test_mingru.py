"""The minimal gated recurrent unit against a loop and against the parallel form of its paper."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from rnncli.nn.cells.mingru import MinGRULayer, mingru_sequence


def by_steps(gates: Tensor) -> Tensor:
    state = torch.zeros_like(gates[0].chunk(2, -1)[0])
    states = []
    for step in gates:
        update, candidate = step.chunk(2, -1)
        state = (1 - torch.sigmoid(update)) * state + torch.sigmoid(update) * candidate
        states.append(state)
    return torch.stack(states)


def in_parallel(gates: Tensor) -> Tensor:
    """The paper's scan in the logarithms (appendix B), once for what is added and once for what is taken away."""
    update, candidate = gates.chunk(2, -1)
    log_keep, log_take = -F.softplus(update), -F.softplus(-update)
    kept = log_keep.cumsum(0)

    def scan(values: Tensor) -> Tensor:
        return torch.exp(kept + torch.logcumsumexp(log_take + values.log() - kept, 0))

    tiny = 1e-300
    return scan(candidate.clamp_min(tiny)) - scan((-candidate).clamp_min(tiny))


def test_outputs_and_gradients_equal_a_loop(
    shape: tuple[int, int, int, int], precision: tuple[torch.dtype, float], assert_same: Any, draw: Any
) -> None:
    assert_same(mingru_sequence, by_steps, draw((*shape[:3], 2 * shape[3]), dtype=precision[0]), precision[1])


def test_outputs_and_gradients_equal_the_parallel_form(
    shape: tuple[int, int, int, int], assert_same: Any, draw: Any
) -> None:
    assert_same(mingru_sequence, in_parallel, draw((*shape[:3], 2 * shape[3])), 1e-10)


def test_a_long_sentence_equals_the_parallel_form(assert_same: Any, draw: Any) -> None:
    assert_same(mingru_sequence, in_parallel, draw((700, 1, 2, 6)), 1e-10)


def test_states_start_by_keeping() -> None:
    bias = MinGRULayer(6, 4).input_bias.view(2, 2, 4)
    assert torch.equal(bias[:, 0], -torch.ones(2, 4))
    assert not bias[:, 1].any()
