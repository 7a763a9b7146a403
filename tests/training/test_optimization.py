"""Schedule, averages and the optimizer of hashed tables against straightforward loops."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from rnncli.config import TrainingConfig
from rnncli.kernels.library import VARIABLE
from rnncli.nn.hashed_table import HashedTable
from rnncli.training.optimization import Optimizer, learning_rate

CONFIG = TrainingConfig(learning_rate=0.05, warmup=0.2, weight_decay=0.1, clip_norm=1e9, ema_decay=0.9)
NUM_UPDATES = 30


@pytest.fixture(params=["", "off"], autouse=True)
def _kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, request.param)


@pytest.mark.parametrize("warmup", [0.0, 0.05, 0.2, 0.5])
def test_schedule_rises_then_falls_to_zero_within_bounds(warmup: float) -> None:
    config = replace(CONFIG, warmup=warmup)
    points = [i / 1000 for i in range(1001)]
    rates = [learning_rate(p, config) for p in points]
    assert all(0 <= rate <= config.learning_rate for rate in rates)
    assert rates[-1] == pytest.approx(0, abs=1e-12)
    assert all(rate > 0 for rate in rates[:-1])
    # Below a hundredth of the warm-up the rate rests at a floor; then it rises, and behind the warm-up it falls.
    falling = [rate for p, rate in zip(points, rates, strict=True) if p >= warmup]
    assert falling == sorted(falling, reverse=True)
    if warmup and warmup <= 0.2:
        rising = [rate for p, rate in zip(points, rates, strict=True) if 0.01 * warmup <= p <= warmup]
        assert rising == sorted(rising)
        assert rising[0] < 0.02 * config.learning_rate
        assert max(rates) > 0.9 * config.learning_rate


def test_schedule_by_hand() -> None:
    config = replace(CONFIG, learning_rate=1.0, warmup=0.0)
    values = [learning_rate(p, config) for p in (0.0, 1 / 3, 0.5, 1.0)]
    assert values == pytest.approx([1.0, 0.75, 0.5, 0.0])
    assert learning_rate(0.1, replace(config, warmup=0.2)) == pytest.approx(0.25 * (1 + math.cos(math.pi / 10)))
    assert learning_rate(1.7, config) == pytest.approx(0.0)


def ema_decay(update: int, config: TrainingConfig) -> float:
    """The decay at the update of this number, from 1: (1 + n) / (10 + n) after n updates, bounded."""
    return min(config.ema_decay, update / (9 + update))


def test_averages_equal_a_straightforward_loop() -> None:
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    optimizer = Optimizer(model, CONFIG)
    expected = [p.detach().clone() for p in model.parameters()]
    for update in range(1, NUM_UPDATES + 1):
        model(torch.randn(4, 3)).square().sum().backward()
        optimizer.step(update / NUM_UPDATES)
        decay = ema_decay(update, CONFIG)
        expected = [decay * old + (1 - decay) * p.detach() for old, p in zip(expected, model.parameters(), strict=True)]
    present = [p.detach().clone() for p in model.parameters()]
    with optimizer.averaged():
        for p, average, now in zip(model.parameters(), expected, present, strict=True):
            torch.testing.assert_close(p.detach(), average)
            assert not torch.equal(p, now)
    for p, now in zip(model.parameters(), present, strict=True):
        assert torch.equal(p, now)


def test_the_present_weights_return_after_a_failure() -> None:
    model = nn.Linear(3, 2)
    optimizer = Optimizer(model, CONFIG)
    for _ in range(3):
        model(torch.ones(1, 3)).sum().backward()
        optimizer.step(0.5)
    present = [p.detach().clone() for p in model.parameters()]

    def fail() -> None:
        with optimizer.averaged():
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    for p, now in zip(model.parameters(), present, strict=True):
        assert torch.equal(p, now)


class Mixed(nn.Module):
    """A table and a dense weight whose gradients are given."""

    def __init__(self, num_rows: int) -> None:
        super().__init__()
        self.table = HashedTable(num_rows, 3, scale=1.0)
        self.dense = nn.Parameter(torch.randn(4))

    def forward(self, rows: Tensor, row_gradients: Tensor, gradient: Tensor) -> Tensor:
        values, places = self.table.gather(rows)
        return (values[places] * row_gradients).sum() + (self.dense * gradient).sum()


def run_both(
    touched: list[Tensor], num_rows: int, config: TrainingConfig
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Train with tables and with torch's AdamW over everything; return weights and averages of both, and the start.

    Args:
        touched: the rows that each update touches, a row perhaps twice.
    """
    torch.manual_seed(1)
    model = Mixed(num_rows).train()
    optimizer = Optimizer(model, config)
    weights = [model.table.weight.detach().clone().requires_grad_(), model.dense.detach().clone().requires_grad_()]
    start = weights[0].detach().clone()
    reference = torch.optim.AdamW(weights, betas=(0.9, 0.99), weight_decay=config.weight_decay)
    average = start.clone()
    for update, rows in enumerate(touched, 1):
        row_gradients, gradient = torch.randn(len(rows), 3) * 3 + 1, torch.randn(4)
        progress = update / len(touched) / 2
        model(rows, row_gradients, gradient).backward()
        optimizer.step(progress)
        weights[0].grad = torch.zeros_like(start).index_add(0, rows, row_gradients)
        weights[1].grad = gradient
        nn.utils.clip_grad_norm_(weights, config.clip_norm)
        for group in reference.param_groups:
            group["lr"] = learning_rate(progress, config)
        reference.step()
        decay = ema_decay(update, config)
        average = decay * average + (1 - decay) * weights[0].detach()
    torch.testing.assert_close(model.dense.detach(), weights[1].detach(), rtol=1e-4, atol=1e-5)
    with optimizer.averaged():
        table_average = model.table.weight.detach().clone()
    return model.table.weight.detach().clone(), weights[0].detach(), table_average, average, start


# Without weight decay, which has a sum of its own.
STEADY = replace(CONFIG, weight_decay=0.0)


@pytest.mark.parametrize("clip_norm", [1e9, 0.5])
def test_tables_touched_at_every_update_follow_adamw_exactly(clip_norm: float) -> None:
    """Rows that occur twice in a batch get the sum of their gradients; clipping sees tables and parameters as one."""
    touched = [torch.tensor([0, 1, 2, 3, 1, 1]) for _ in range(NUM_UPDATES)]
    weight, expected, average, expected_average, start = run_both(touched, 4, replace(STEADY, clip_norm=clip_norm))
    torch.testing.assert_close(weight, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(average, expected_average, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(start, expected, atol=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_tables_touched_now_and_then_follow_adamw_closely(seed: int) -> None:
    """Guards what a row misses between two touches: momentum goes on, moments decay, the average moves."""
    generator = torch.Generator().manual_seed(seed)
    touched = [torch.nonzero(torch.rand(20, generator=generator) < 0.3).flatten() for _ in range(200)]
    weight, expected, average, expected_average, start = run_both(touched, 20, STEADY)
    assert (weight - expected).norm() < 0.03 * (expected - start).norm()
    # The average is not the present weight, so it must be much closer to its own reference than that is.
    assert (average - expected_average).norm() < 0.5 * (expected_average - expected).norm()


def test_rows_that_no_batch_touches_stay() -> None:
    touched = [torch.tensor([0, 2]) for _ in range(NUM_UPDATES)]
    weight, _, average, _, start = run_both(touched, 4, STEADY)
    for row in (1, 3):
        torch.testing.assert_close(weight[row], start[row])
        torch.testing.assert_close(average[row], start[row])


@pytest.mark.parametrize("seed", range(3))
def test_parts_of_a_batch_add_up_to_its_gradient(seed: int) -> None:
    """Rows that both parts touch, rows that one touches and rows that none does."""
    weights = []
    for is_divided in (False, True):
        torch.manual_seed(seed)
        model = Mixed(12).train()
        optimizer = Optimizer(model, replace(CONFIG, clip_norm=0.5))
        for update in range(5):
            rows, gradients, gradient = torch.randint(10, (9,)), torch.randn(9, 3), torch.randn(4)
            if is_divided:
                # A part that failed leaves nothing.
                model(rows[:4], gradients[:4], gradient).backward()
                optimizer.accumulate()
                model(rows[4:], gradients[4:], gradient).backward()
                optimizer.drop()
                for part in (slice(0, 4), slice(4, 5), slice(5, None)):
                    model(rows[part], gradients[part], gradient / 3).backward()
                    optimizer.accumulate()
            else:
                model(rows, gradients, gradient).backward()
            optimizer.step(update / 10)
        with optimizer.averaged():
            weights.append([p.detach().clone() for p in model.parameters()])
    for whole, divided in zip(*weights, strict=True):
        torch.testing.assert_close(divided, whole)


def test_a_gradient_that_is_not_finite_takes_no_step() -> None:
    model = Mixed(4).train()
    optimizer = Optimizer(model, CONFIG)
    before = [p.detach().clone() for p in model.parameters()]
    for rows, dense in ((math.inf, 1.0), (1.0, math.nan)):
        model(torch.tensor([1]), torch.full((1, 3), rows), torch.full((4,), dense)).backward()
        with pytest.raises(FloatingPointError):
            optimizer.step(0.5)
        optimizer.drop()
    assert all(torch.equal(p, old) for p, old in zip(model.parameters(), before, strict=True))
