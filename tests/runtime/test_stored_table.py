"""Sums of stored rows against rows added one by one, whatever computes them."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rnncli.kernels.library import VARIABLE
from rnncli.runtime.stored_table import StoredTable, widen

STORED = pytest.mark.parametrize("stored", [np.float16, np.float32])
WANTED = pytest.mark.parametrize("wanted", [np.float32, np.float64])
SIZE = 13


@pytest.fixture(params=["", "generic", "off"])
def variant(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What computes."""
    monkeypatch.setenv(VARIABLE, request.param)


def random_table(stored: type[np.floating]) -> NDArray[Any]:
    return np.random.default_rng(1).standard_normal((50, SIZE)).astype(stored)


def sum_of(table: NDArray[Any], rows: NDArray[np.int64], wanted: type[np.floating]) -> NDArray[Any]:
    total = np.zeros(SIZE, wanted)
    for row in rows:
        total += table[row].astype(wanted)
    return total


@pytest.mark.usefixtures("variant")
@STORED
@WANTED
@pytest.mark.parametrize("shape", [(1, 1, 1), (4, 1, 9), (4, 5, 2), (1, 3, 1)])
def test_bags_of_one_size(stored: type[np.floating], wanted: type[np.floating], shape: tuple[int, ...]) -> None:
    table = random_table(stored)
    before = table.copy()
    rows = np.random.default_rng(2).integers(50, size=(*shape, 2))[..., 0]
    whole = np.full((shape[0], shape[1] * SIZE + 4), np.nan, wanted)
    StoredTable(table, wanted).sum_rows(rows, whole[:, 3:-1])
    for i, bags in enumerate(rows):
        expected = np.concatenate([sum_of(table, bag, wanted) for bag in bags])
        np.testing.assert_array_equal(whole[i, 3:-1], expected)
    assert np.isnan(whole[:, [0, 1, 2, -1]]).all()
    assert np.array_equal(table, before)


@pytest.mark.usefixtures("variant")
@STORED
@WANTED
@pytest.mark.parametrize("counts", [[1], [7], [2, 1, 9, 1, 4], [3, 3, 3]])
def test_bags_of_any_size(stored: type[np.floating], wanted: type[np.floating], counts: list[int]) -> None:
    table = random_table(stored)
    rows = np.random.default_rng(3).integers(50, size=sum(counts))
    ends = np.cumsum(counts)
    whole = np.full((len(counts), SIZE + 2), np.nan, wanted)
    StoredTable(table, wanted).average_rows(rows, ends - counts, whole[:, 1:-1])
    for i, (end, count) in enumerate(zip(ends, counts, strict=True)):
        expected = sum_of(table, rows[end - count : end], wanted) / wanted(count)
        np.testing.assert_array_equal(whole[i, 1:-1], expected)
    assert np.isnan(whole[:, [0, -1]]).all()


@pytest.mark.usefixtures("variant")
@STORED
def test_a_table_may_begin_at_any_byte(stored: type[np.floating]) -> None:
    table = random_table(stored)
    odd = np.ndarray(table.shape, stored, b"\0" + table.tobytes(), 1)
    assert not odd.flags.aligned
    sums = np.empty((50, SIZE), np.float32)
    StoredTable(odd).sum_rows(np.arange(50)[:, None, None], sums)
    np.testing.assert_array_equal(sums, table)


def test_every_finite_number_is_converted_to_the_bit() -> None:
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)].reshape(-1, 64)
    assert len(halves) == 62 * 1024 // 64
    for array in (halves, halves[:, ::3], halves.T, halves[:0], halves[0, 0]):
        widened = widen(array, np.float32)
        assert widened.dtype == np.float32
        assert widened.shape == array.shape
        assert np.array_equal(widened.view(np.uint32), array.astype(np.float32).view(np.uint32))


@pytest.mark.parametrize("stored", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("wanted", [np.float32, np.float64])
def test_the_result_is_new_and_of_the_type_asked_for(stored: type[np.floating], wanted: type[np.floating]) -> None:
    array = np.array([0.5, -0.25, 0.0, -0.0, 3.0, 2.0**-24], dtype=stored)
    widened = widen(array, wanted)
    assert widened.dtype == wanted
    assert widened.tolist() == array.tolist()
    widened += 1
    assert array[0] == 0.5
