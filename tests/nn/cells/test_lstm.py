"""The hand-written LSTM against torch.nn.LSTM."""

import pytest
import torch
from torch import Tensor, nn

from rnncli.nn.cells.lstm import LSTMLayer, lstm_sequence

SHAPES = [(1, 1, 1, 1), (1, 2, 3, 5), (7, 2, 4, 3), (13, 1, 2, 6), (6, 3, 5, 4)]
"""T, G, B, H."""


def random_inputs(shape: tuple[int, int, int, int], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    num_steps, groups, batch_size, size = shape
    generator = torch.Generator().manual_seed(0)
    sizes = ((num_steps, groups, batch_size, 4 * size), (groups, size, 4 * size))
    gates, weight = (torch.randn(s, generator=generator, dtype=dtype).requires_grad_() for s in sizes)
    return gates, weight


def by_library(gates: Tensor, weight: Tensor) -> Tensor:
    """Run torch.nn.LSTM, whose gates are input, forget, candidate, output, with an identity in front."""
    size = weight.shape[1]
    order = torch.cat([torch.arange(i * size, (i + 1) * size) for i in (1, 2, 3, 0)])
    outputs = []
    for group in range(gates.shape[1]):
        layer = nn.LSTM(4 * size, size).to(gates.dtype)
        zeros = torch.zeros(4 * size, dtype=gates.dtype)
        parameters = {
            "weight_ih_l0": torch.eye(4 * size, dtype=gates.dtype)[order],
            "bias_ih_l0": zeros,
            "weight_hh_l0": weight[group][:, order].t(),
            "bias_hh_l0": zeros,
        }
        outputs.append(torch.func.functional_call(layer, parameters, (gates[:, group],))[0])
    return torch.stack(outputs, 1)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
@pytest.mark.parametrize("shape", SHAPES)
def test_outputs_and_gradients_equal_the_library(
    shape: tuple[int, int, int, int], dtype: torch.dtype, tolerance: float
) -> None:
    inputs = random_inputs(shape, dtype)
    actual, expected = lstm_sequence(*inputs), by_library(*inputs)
    weights = torch.randn(actual.shape, generator=torch.Generator().manual_seed(1), dtype=dtype) / actual.numel() ** 0.5
    torch.testing.assert_close(actual, expected, rtol=0, atol=tolerance)
    gradients = torch.autograd.grad((actual * weights).sum(), inputs)
    references = torch.autograd.grad((expected * weights).sum(), inputs)
    for one, other in zip(gradients, references, strict=True):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


def test_memories_start_by_keeping() -> None:
    layer = LSTMLayer(6, 4)
    assert torch.equal(layer.input_bias.view(2, 4, 4)[:, 2], torch.ones(2, 4))
    assert int(layer.input_bias.count_nonzero()) == 8
