"""Dropout by sentence and by word."""

import pytest
import torch

from rnncli.nn.dropout import locked_dropout, word_dropout


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("rate", [0.1, 0.4, 0.75])
def test_locked_dropout_drops_the_same_units_at_every_token(rate: float) -> None:
    inputs = torch.rand(40, 6, 50) + 1
    outputs = locked_dropout(inputs, rate)
    dropped = outputs == 0
    assert torch.equal(dropped.all(1), dropped.any(1))
    kept = ~dropped
    torch.testing.assert_close(outputs[kept], inputs[kept] / (1 - rate))
    # 2,000 draws: the standard deviation of the share is at most 0.0112.
    assert abs(dropped[:, 0].double().mean().item() - rate) < 0.05
    assert not torch.equal(dropped[0, 0], dropped[1, 0])


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0])
def test_word_dropout_drops_whole_tokens_without_scaling(rate: float) -> None:
    inputs = torch.rand(40, 50, 6) + 1
    outputs = word_dropout(inputs, rate)
    dropped = outputs == 0
    assert torch.equal(dropped.all(2), dropped.any(2))
    assert torch.equal(outputs[~dropped], inputs[~dropped])
    assert abs(dropped[:, :, 0].double().mean().item() - rate) < 0.05
    if rate < 1:
        assert dropped[0, :, 0].any() != dropped[0, :, 0].all()


def test_rate_zero_changes_nothing() -> None:
    inputs = torch.randn(2, 3, 4)
    assert torch.equal(locked_dropout(inputs, 0.0), inputs)
    assert torch.equal(word_dropout(inputs, 0.0), inputs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_type_and_gradient_pass_through(dtype: torch.dtype) -> None:
    for function, scale in ((locked_dropout, 2.0), (word_dropout, 1.0)):
        inputs = torch.ones(3, 4, 5, dtype=dtype, requires_grad=True)
        outputs = function(inputs, 0.5)
        assert outputs.dtype == dtype
        outputs.sum().backward()
        assert inputs.grad is not None
        assert torch.equal(inputs.grad, (outputs != 0).to(dtype) * scale)
