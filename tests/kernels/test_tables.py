"""The compiled functions for tables against plain loops, and the update against torch's chain of operations."""

import numpy as np
import pytest
from numpy.typing import NDArray

from rnncli.kernels.library import VARIABLE
from rnncli.kernels.tables import TableKernel, Update, load_table_kernel

pytestmark = pytest.mark.skipif(load_table_kernel() is None, reason="the kernels were not built")

Floats = NDArray[np.float32]
SIZES = [1, 3, 8, 64, 125]


@pytest.fixture(params=["", "generic"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> TableKernel:
    monkeypatch.setenv(VARIABLE, request.param)
    found = load_table_kernel()
    assert found is not None
    return found


def test_it_is_left_aside_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "off")
    assert load_table_kernel() is None


@pytest.mark.parametrize("count", [0, 1, 20, 500])
def test_distinct_rows_and_their_places(kernel: TableKernel, count: int) -> None:
    rows = np.random.default_rng(count).integers(100, size=count)
    distinct, places = kernel.distinct(rows, 100)
    expected, inverse = np.unique(rows, return_inverse=True)
    assert distinct.tolist() == expected.tolist()
    assert places.tolist() == inverse.tolist()
    with pytest.raises(ValueError, match="out of range"):
        kernel.distinct(np.append(rows, 100), 100)


@pytest.mark.parametrize("is_mean", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_bags_are_pooled_and_their_gradient_goes_to_every_row(kernel: TableKernel, size: int, is_mean: bool) -> None:
    """Bags of none, one and more rows, rows that occur twice in a bag, and rows that occur nowhere."""
    generator = np.random.default_rng(size)
    table = generator.standard_normal((7, size)).astype(np.float32)
    places = np.array([3, 3, 0, 6, 2, 3, 0, 1])
    starts = np.array([0, 2, 2, 3, 8])
    gradients = generator.standard_normal((4, size)).astype(np.float32)
    before = generator.standard_normal(table.shape).astype(np.float32)
    pooled, d_table = np.full((4, size), np.nan, np.float32), before.copy()
    kernel.pool(table, places, starts, pooled, is_mean=is_mean)
    kernel.pool_backward(gradients, places, starts, d_table, is_mean=is_mean)
    for bag in range(4):
        chosen = places[starts[bag] : starts[bag + 1]]
        divisor = max(len(chosen), 1) if is_mean else 1
        np.testing.assert_allclose(pooled[bag], table[chosen].sum(0) / divisor, atol=1e-6)
        for row in chosen:
            before[row] += gradients[bag] / divisor
    np.testing.assert_allclose(d_table, before, atol=1e-5)


BETA1, BETA2, EPSILON, RATE, DECAY, EMA = 0.9, 0.99, 1e-8, 0.01, 0.1, 0.95


class Row:
    """A row in double precision that takes every update: with its gradient, or without one as the sums have it.

    What a row misses is taken with the learning rate of its next touch, and with the bias correction and the second
    moment of its last one, which decays as the first moment's square would not: see `TableOptimizer`.
    """

    def __init__(self, weight: Floats) -> None:
        self.weight, self.average = weight.astype(np.float64), weight.astype(np.float64)
        self.first, self.second = np.zeros_like(self.weight), np.zeros_like(self.weight)
        self.last, self.last_log = 0, 0.0

    def catch_up(self, update: int, log_decay: float) -> None:
        direction = self.direction(max(self.last, 1))
        ratio = BETA1 / BETA2**0.5
        missed = update - self.last
        self.weight *= 1 - RATE * DECAY * missed
        # The first missed step follows the direction times the ratio, the next one times its square...
        self.weight -= RATE * direction * sum(ratio**i for i in range(1, missed + 1))
        self.first *= BETA1**missed
        self.second *= BETA2**missed
        self.average += (1 - np.exp(log_decay - self.last_log)) * (self.weight - self.average)
        self.last, self.last_log = update, log_decay

    def take(self, gradient: Floats) -> None:
        self.last += 1
        self.first += (1 - BETA1) * (gradient - self.first)
        self.second += (1 - BETA2) * (gradient.astype(np.float64) ** 2 - self.second)
        self.weight *= 1 - RATE * DECAY
        self.weight -= RATE * self.direction(self.last)

    def direction(self, update: int) -> NDArray[np.float64]:
        root = np.sqrt(self.second / (1 - BETA2**update))
        result: NDArray[np.float64] = self.first / (1 - BETA1**update) / (root + EPSILON)
        return result


@pytest.mark.parametrize("size", SIZES)
def test_rows_are_updated_as_one_by_one_in_double_precision(kernel: TableKernel, size: int) -> None:
    """Rows touched always, now and then, once at the beginning, and never."""
    generator = np.random.default_rng(size)
    weights = generator.standard_normal((9, size)).astype(np.float32)
    expected = [Row(weight) for weight in weights]
    moments = np.zeros((9, 3, size), np.float32)
    moments[:, 2] = weights
    last, last_decay = np.zeros(9, np.float32), np.zeros(9, np.float32)
    log_decay = 0.0
    for update in range(60):
        touched = [0, *(generator.permutation(6)[:2] + 1)] + ([7] if update == 1 else [])
        rows = np.array(touched)
        gradients = (generator.standard_normal((len(rows), size)) + 0.5).astype(np.float32)
        step = Update(update, RATE, DECAY, log_decay, BETA1, BETA2, EPSILON)
        kernel.update(weights, moments, last, last_decay, rows, gradients, step)
        for row, gradient in zip(rows, gradients, strict=True):
            expected[row].catch_up(update, log_decay)
            expected[row].take(gradient)
        log_decay += np.log(EMA)
    kernel.update(
        weights,
        moments,
        last,
        last_decay,
        None,
        None,
        Update(60, RATE, DECAY, log_decay, BETA1, BETA2, EPSILON),
    )
    for i, row in enumerate(expected):
        row.catch_up(60, log_decay)
        for name, found in {"weight": weights[i], "first": moments[i, 0], "second": moments[i, 1]}.items():
            np.testing.assert_allclose(found, getattr(row, name), rtol=1e-4, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(moments[i, 2], row.average, rtol=1e-4, atol=1e-5)
    assert (last == 60).all()
    np.testing.assert_allclose(last_decay, log_decay, rtol=1e-6)


def test_after_long_rest_nothing_is_too_small_to_be_computed_with_quickly(kernel: TableKernel) -> None:
    weights, moments = np.ones((1, 8), np.float32), np.ones((1, 3, 8), np.float32)
    last, last_decay = np.ones(1, np.float32), np.zeros(1, np.float32)
    smallest = np.finfo(np.float32).tiny
    for update in (500, 4_000, 100_000):
        kernel.update(
            weights, moments, last, last_decay, None, None, Update(update, RATE, 0.0, 0.0, BETA1, BETA2, EPSILON)
        )
        assert np.isfinite(weights).all()
        assert all(value == 0 or value >= smallest for value in moments[:, :2].flat)


def sound() -> dict[str, NDArray[np.generic]]:
    return {
        "table": np.zeros((3, 2), np.float32),
        "places": np.array([0, 2, 1]),
        "starts": np.array([0, 1, 3]),
        "pooled": np.zeros((2, 2), np.float32),
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("table", np.zeros((3, 2))),
        ("table", np.zeros((3, 4), np.float32)[:, ::2]),
        ("table", np.zeros((2, 2), np.float32)),
        ("table", np.zeros((3, 3), np.float32)),
        ("places", np.array([0, -1, 1])),
        ("places", np.array([0, 2, 1], np.int32)),
        ("places", np.array([0, 2])),
        ("starts", np.array([0, 3, 1])),
        ("starts", np.array([0, 1])),
        ("starts", np.array([-1, 1, 3])),
        ("pooled", np.zeros((3, 2), np.float32)),
    ],
)
def test_unsound_bags_are_refused(kernel: TableKernel, name: str, value: NDArray[np.generic]) -> None:
    kernel.pool(**sound(), is_mean=True)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=":"):
        kernel.pool(**(sound() | {name: value}), is_mean=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("weights", np.zeros((3, 2))),
        ("moments", np.zeros((3, 2, 2), np.float32)),
        ("last", np.zeros(2, np.float32)),
        ("last_decay", np.zeros(3, np.int64)),
        ("rows", np.array([0, 3])),
        ("gradients", np.zeros((1, 2), np.float32)),
    ],
)
def test_an_unsound_update_is_refused(kernel: TableKernel, name: str, value: NDArray[np.generic]) -> None:
    arrays = {
        "weights": np.zeros((3, 2), np.float32),
        "moments": np.zeros((3, 3, 2), np.float32),
        "last": np.zeros(3, np.float32),
        "last_decay": np.zeros(3, np.float32),
        "rows": np.array([0, 2]),
        "gradients": np.zeros((2, 2), np.float32),
    }
    step = Update(0, RATE, DECAY, 0.0, BETA1, BETA2, EPSILON)
    kernel.update(**arrays, step=step)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=":"):
        kernel.update(**(arrays | {name: value}), step=step)  # type: ignore[arg-type]
