"""Every number of half precision against NumPy's own conversion."""

import numpy as np
import pytest

from rnncli.runtime.half_precision import widen


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
