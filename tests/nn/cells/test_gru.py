"""The hand-written GRU against torch.nn.GRU."""

import pytest
import torch
from torch import Tensor, nn

from rnncli.nn.cells.gru import gru_sequence

SHAPES = [(1, 1, 1, 1), (1, 2, 3, 5), (7, 2, 4, 3), (13, 1, 2, 6), (6, 3, 5, 4)]
"""T, G, B, H."""


def random_inputs(shape: tuple[int, int, int, int], dtype: torch.dtype, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    num_steps, groups, batch_size, hidden_size = shape
    generator = torch.Generator().manual_seed(seed)
    sizes = (
        (num_steps, groups, batch_size, 3 * hidden_size),
        (groups, hidden_size, 3 * hidden_size),
        (groups, hidden_size),
    )
    gates, weight, bias = (torch.randn(size, generator=generator, dtype=dtype).requires_grad_() for size in sizes)
    return gates, weight, bias


def by_library(gates: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Run torch.nn.GRU with an identity in front, so that its inputs are the gates."""
    hidden_size = bias.shape[1]
    outputs = []
    for group in range(gates.shape[1]):
        layer = nn.GRU(3 * hidden_size, hidden_size).to(gates.dtype)
        parameters = {
            "weight_ih_l0": torch.eye(3 * hidden_size, dtype=gates.dtype),
            "bias_ih_l0": torch.zeros(3 * hidden_size, dtype=gates.dtype),
            "weight_hh_l0": weight[group].t(),
            "bias_hh_l0": torch.cat((bias.new_zeros(2 * hidden_size), bias[group])),
        }
        outputs.append(torch.func.functional_call(layer, parameters, (gates[:, group],))[0])
    return torch.stack(outputs, 1)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
@pytest.mark.parametrize("shape", SHAPES)
def test_outputs_and_gradients_equal_the_library(
    shape: tuple[int, int, int, int], dtype: torch.dtype, tolerance: float
) -> None:
    inputs = random_inputs(shape, dtype)
    actual, expected = gru_sequence(*inputs), by_library(*inputs)
    # Of order one, so that the tolerance means the same for long and short sequences.
    weights = torch.randn(actual.shape, generator=torch.Generator().manual_seed(1), dtype=dtype) / actual.numel() ** 0.5
    torch.testing.assert_close(actual, expected, rtol=0, atol=tolerance)
    gradients = torch.autograd.grad((actual * weights).sum(), inputs)
    references = torch.autograd.grad((expected * weights).sum(), inputs)
    for one, other in zip(gradients, references, strict=True):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


def test_gradients_equal_finite_differences() -> None:
    assert torch.autograd.gradcheck(gru_sequence, random_inputs((4, 2, 3, 2), torch.float64, seed=2))


def test_inputs_are_left_alone() -> None:
    """The forward pass works in place on a copy."""
    inputs = random_inputs((3, 2, 2, 3), torch.float64)
    before = [tensor.detach().clone() for tensor in inputs]
    gru_sequence(*inputs).sum().backward()
    for tensor, old in zip(inputs, before, strict=True):
        assert torch.equal(tensor, old)


def test_groups_do_not_mix() -> None:
    gates, weight, bias = random_inputs((5, 2, 3, 4), torch.float64)
    together = gru_sequence(gates, weight, bias)
    for group in range(2):
        part = slice(group, group + 1)
        alone = gru_sequence(gates[:, part], weight[part], bias[part])
        torch.testing.assert_close(together[:, part], alone, rtol=0, atol=1e-12)
