"""The paired bootstrap against a naive loop over the same draws, and what it must say of systems that are known."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from rnncli.metrics.bootstrap import paired_bootstrap

Array = NDArray[np.float64]


def f1(sums: Array) -> Array:
    return 2 * sums[..., 2] / np.maximum(sums[..., 0] + sums[..., 1], 1)


def recall(sums: Array) -> Array:
    return sums[..., 2] / np.maximum(sums[..., 0], 1)


def records(count: int, quality: float, seed: int) -> NDArray[np.int64]:
    """Gold, predicted and right spans of invented sentences; the same seed gives the same gold."""
    gold = np.random.default_rng(seed).integers(0, 4, count)
    generator = np.random.default_rng(seed + round(1000 * quality))
    correct = generator.binomial(gold, quality)
    return np.stack((gold, correct + generator.integers(0, 2, count), correct), axis=1)


def naive_f1(gold: int, predicted: int, correct: int) -> float:
    return 2 * correct / (gold + predicted)


def naive_recall(gold: int, predicted: int, correct: int) -> float:
    return correct / gold


@pytest.mark.parametrize(("fast", "naive"), [(f1, naive_f1), (recall, naive_recall)])
def test_a_naive_loop_over_the_same_draws_gives_the_same(
    fast: Callable[[Array], Array], naive: Callable[[int, int, int], float]
) -> None:
    first, second = records(37, 0.8, 5), records(37, 0.6, 5)
    one = paired_bootstrap(first, second, {"score": fast}, num_resamples=200, seed=11)["score"]

    def score(system: NDArray[np.int64], draw: list[int]) -> float:
        rows = [system[i].tolist() for i in draw]
        return naive(*(sum(row[s] for row in rows) for s in range(3)))

    generator = np.random.default_rng(11)
    draws = [generator.integers(37, size=37).tolist() for _ in range(200)]
    differences = sorted(score(first, draw) - score(second, draw) for draw in draws)
    everything = list(range(37))
    assert one.first == pytest.approx(score(first, everything), abs=1e-12)
    assert one.second == pytest.approx(score(second, everything), abs=1e-12)
    assert one.difference == pytest.approx(one.first - one.second, abs=1e-12)
    # Linear between the order statistics at 2.5 % and 97.5 % of the way from the least to the greatest.
    for value, share in ((one.low, 0.025), (one.high, 0.975)):
        below, above = differences[int(share * 199)], differences[int(share * 199) + 1]
        assert value == pytest.approx(below + (share * 199 % 1) * (above - below), abs=1e-12)
    against = min(sum(d <= 0 for d in differences), sum(d >= 0 for d in differences))
    assert one.p_value == pytest.approx(min(1.0, 2 * (against + 1) / 201), abs=1e-12)


def test_a_system_does_not_differ_from_itself() -> None:
    system = records(50, 0.7, 1)
    one = paired_bootstrap(system, system, {"f1": f1})["f1"]
    assert (one.difference, one.low, one.high, one.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_a_clearly_better_system_is_told_from_luck_and_a_slightly_better_one_is_not() -> None:
    worse, better = records(300, 0.5, 2), records(300, 0.9, 2)
    clear = paired_bootstrap(better, worse, {"f1": f1})["f1"]
    assert clear.p_value < 0.01
    assert 0 < clear.low < clear.difference < clear.high
    slight = better.copy()
    slight[np.flatnonzero(better[:, 2])[0], 2] -= 1
    one = paired_bootstrap(better, slight, {"f1": f1})["f1"]
    assert one.difference > 0
    assert one.p_value > 0.3
    assert one.low <= 0


def test_it_is_symmetric() -> None:
    first, second = records(80, 0.70, 3), records(80, 0.75, 3)
    there = paired_bootstrap(first, second, {"f1": f1})["f1"]
    back = paired_bootstrap(second, first, {"f1": f1})["f1"]
    assert there.p_value == back.p_value
    assert there.difference == -back.difference
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-12)


def test_p_is_uniform_enough_where_nothing_differs() -> None:
    """Of two systems with the same faults on average, about one pair in twenty looks different at 5 %."""
    generator = np.random.default_rng(9)
    values = []
    for number in range(200):
        hits = generator.integers(0, 2, (2, 60))
        systems = [np.stack((np.ones(60, np.int64), np.ones(60, np.int64), h), axis=1) for h in hits]
        values.append(paired_bootstrap(*systems, {"recall": recall}, num_resamples=200, seed=number)["recall"].p_value)
    share = np.mean(np.array(values) < 0.05)
    assert 0.005 < share < 0.12


def test_the_seed_decides() -> None:
    first, second = records(40, 0.7, 4), records(40, 0.8, 4)
    runs = [paired_bootstrap(first, second, {"f1": f1}, seed=seed)["f1"] for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0].low != runs[2].low


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="one shape"):
        paired_bootstrap(np.ones((3, 2)), np.ones((4, 2)), {})
    with pytest.raises(ValueError, match="at least 1"):
        paired_bootstrap(np.ones((0, 2)), np.ones((0, 2)), {})
