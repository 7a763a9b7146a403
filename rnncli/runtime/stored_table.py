"""Tables as models store them, in half precision, and sums of their rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.decoding.packed import pack
from rnncli.kernels.words import load_word_kernel

_SHIFT = 13
_SIGN_AND_VALUE = -0x70002000
_REBIASED = np.float32(2.0**112)


class StoredTable:
    """Rows that are widened as they are used: by the kernel where there is one, otherwise in NumPy.

    Args:
        table: float [R, D], kept as it is.
        dtype: type to compute in.
    """

    def __init__(self, table: NDArray[Any], dtype: type[np.floating] = np.float32) -> None:
        """Choose what computes."""
        self._table = table
        self._dtype = dtype
        fits = table.dtype == np.float16 and table.flags.aligned and table.flags.c_contiguous
        self._kernel = load_word_kernel() if fits and dtype is np.float32 else None

    @property
    def row_size(self) -> int:
        """Numbers of a row (D)."""
        return int(self._table.shape[1])

    def sum_rows(self, rows: NDArray[np.int64], sums: NDArray[Any]) -> None:
        """Sum up the rows of bags of the same size.

        Args:
            rows: int64 [W, B, N], N rows for each of B bags.
            sums: float [W, B * D], filled in.
        """
        if self._kernel is not None:
            starts = np.arange(0, rows.size + 1, rows.shape[2])
            self._kernel.pool(self._table, rows.ravel(), starts, sums)
            return
        # Splitting the last axis gives a view.
        parts = sums.reshape(*rows.shape[:2], self.row_size)
        parts[:] = self._take(rows[:, :, 0])
        for i in range(1, rows.shape[2]):
            parts += self._take(rows[:, :, i])

    def average_rows(self, rows: NDArray[np.int64], starts: NDArray[np.int64], means: NDArray[Any]) -> None:
        """Average the rows of bags of any size but none.

        Args:
            rows: int64 [M].
            starts: int64 [W], where each bag begins among the rows.
            means: float [W, D], filled in.
        """
        if self._kernel is not None:
            self._kernel.pool(self._table, rows, np.append(starts, len(rows)), means, is_mean=True)
            return
        # All bags' first rows are added together, then the second ones.
        packing = pack(np.diff(starts, append=len(rows)))
        steps = np.repeat(np.arange(len(packing.batch_sizes)), packing.batch_sizes)
        ranks = np.arange(len(steps)) - packing.offsets[steps]
        taken = self._take(rows[starts[packing.order][ranks] + steps])
        sums = taken[: len(means)]
        for size, offset in zip(packing.batch_sizes[1:].tolist(), packing.offsets[1:].tolist(), strict=True):
            sums[:size] += taken[offset : offset + size]
        sums /= packing.lengths[:, None].astype(self._dtype)
        means[packing.order] = sums

    def _take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        return widen(self._table.take(rows, axis=0), self._dtype)


def widen(array: NDArray[Any], dtype: type[np.floating]) -> NDArray[Any]:
    """Convert an array; half to single precision five times as fast as NumPy does it one number at a time.

    Bits of the one are moved to where the other has them, subnormal numbers included, and the exponents' different
    zeros are made up for by a product. What is not finite becomes finite, since a model holds no such number.

    Args:
        array: of any floating type.
        dtype: type to compute in.

    Returns:
        A new array of that type.
    """
    if array.dtype != np.float16 or dtype is not np.float32:
        return array.astype(dtype)
    bits = array.view(np.int16).astype(np.int32)
    bits <<= _SHIFT
    # The sign was extended into what is now the exponent.
    bits &= _SIGN_AND_VALUE
    values = bits.view(np.float32)
    values *= _REBIASED
    return values
