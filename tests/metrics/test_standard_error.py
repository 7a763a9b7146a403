"""The standard error against the spread of many draws."""

import numpy as np
import pytest

from rnncli.metrics.standard_error import standard_error


@pytest.mark.parametrize(("share", "count"), [(0.5, 20), (0.9, 100), (0.05, 1000)])
def test_it_is_the_spread_of_counted_shares(share: float, count: int) -> None:
    drawn = np.random.default_rng(1).binomial(count, share, size=20_000) / count
    assert standard_error(share, count) == pytest.approx(drawn.std(), rel=0.03)


def test_of_nothing_all_is_possible() -> None:
    assert standard_error(0.5, 0) == 1.0
