"""Sums of table rows, their gradient, and the update of the rows touched, in C; optional, built with the package."""

import ctypes
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.kernels.library import load_library, require

_INTERFACE = 2
_NUM_POWERS = 4096
_NEGLIGIBLE = 1e-20
"""Powers below are taken for zero: numbers so small that a processor would be slow with them make no difference."""

Floats = NDArray[np.float32]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Update:
    """What an update does to rows.

    Attributes:
        update: how many updates were made so far.
        learning_rate: of this update.
        weight_decay: decoupled, per unit of learning rate.
        log_decay: logarithm of all decays of the average so far.
        beta1: decay of the first moment.
        beta2: decay of the second moment, above the square of `beta1`.
        epsilon: added to the root of the second moment.
    """

    update: int
    learning_rate: float
    weight_decay: float
    log_decay: float
    beta1: float
    beta2: float
    epsilon: float


class _Table(ctypes.Structure):
    _fields_ = (
        ("weights", ctypes.c_void_p),
        ("moments", ctypes.c_void_p),
        ("last", ctypes.c_void_p),
        ("last_decay", ctypes.c_void_p),
        ("row_size", ctypes.c_int64),
    )


class _Step(ctypes.Structure):
    _fields_ = (
        ("powers1", ctypes.c_void_p),
        ("powers2", ctypes.c_void_p),
        ("num_powers", ctypes.c_int64),
        ("learning_rate", ctypes.c_double),
        ("weight_decay", ctypes.c_double),
        ("log_decay", ctypes.c_double),
        ("beta1", ctypes.c_double),
        ("beta2", ctypes.c_double),
        ("epsilon", ctypes.c_double),
        ("update", ctypes.c_int64),
    )


class TableKernel:
    """The compiled functions; a call releases the interpreter's lock. All arrays are contiguous.

    Args:
        library: the loaded library.
        variant: which kind of processor to compute for.
    """

    def __init__(self, library: ctypes.CDLL, variant: int) -> None:
        """Keep the library; nothing is computed."""
        self._library = library
        self._variant = variant

    def distinct(self, rows: Places, num_rows: int) -> tuple[Places, Places]:
        """Find the distinct rows among those that are looked up.

        Args:
            rows: int64 [M], rows of a table.
            num_rows: of the table, fewer than 2^31.

        Returns:
            The distinct rows, int64 [U], rising, and the place of each row among them, int64 [M].

        Raises:
            ValueError: a type or row is wrong.
        """
        _check_places(rows, num_rows)
        numbers, distinct = np.zeros(num_rows, np.int32), np.empty(min(len(rows), num_rows), np.int64)
        places = np.empty_like(rows)
        pointers = _pointers(numbers, distinct, places)
        count = self._library.tables_distinct(len(rows), rows.ctypes.data, num_rows, *pointers)
        return distinct[:count], places

    def pool(self, table: Floats, places: Places, starts: Places, pooled: Floats, *, is_mean: bool) -> None:
        """Sum up rows, one bag of them after the other.

        Args:
            table: float32 [U, D].
            places: int64 [M], rows of the table.
            starts: int64 [W + 1], where each bag begins among the places, and where the last one ends.
            pooled: float32 [W, D], filled in; zero for an empty bag.
            is_mean: whether to divide by the number of rows.

        Raises:
            ValueError: a size, type or place is wrong.
        """
        _check_bags(table, places, starts, pooled)
        self._library.tables_pool(
            self._variant, len(pooled), table.shape[1], is_mean, *_pointers(places, starts, table, pooled)
        )

    def pool_backward(
        self, gradients: Floats, places: Places, starts: Places, d_table: Floats, *, is_mean: bool
    ) -> None:
        """Add the gradients of bags to those of their rows.

        Args:
            gradients: float32 [W, D].
            places: int64 [M], as in `pool`.
            starts: int64 [W + 1], as in `pool`.
            d_table: float32 [U, D], added to.
            is_mean: as in `pool`.

        Raises:
            ValueError: a size, type or place is wrong.
        """
        _check_bags(d_table, places, starts, gradients)
        self._library.tables_pool_backward(
            self._variant,
            len(gradients),
            d_table.shape[1],
            is_mean,
            *_pointers(places, starts, gradients, d_table),
        )

    def update(
        self,
        weights: Floats,
        moments: Floats,
        last: Floats,
        last_decay: Floats,
        rows: Places | None,
        gradients: Floats | None,
        step: Update,
    ) -> None:
        """Bring rows up to the updates made so far, then take another one where there is a gradient.

        Args:
            weights: float32 [R, D], changed.
            moments: float32 [R, 3, D], changed: first moment, second moment, moving average.
            last: float32 [R], changed: the update at which each row was last touched.
            last_decay: float32 [R], changed: logarithm of all decays of the average up to then.
            rows: int64 [U], each at most once; None for all.
            gradients: float32 [U, D], or None to take no further update.
            step: what to do.

        Raises:
            ValueError: a size, type or row is wrong.
        """
        num_rows, size = weights.shape
        _check_type(np.float32, weights, moments, last, last_decay)
        require(moments.shape == (num_rows, 3, size) and last.shape == last_decay.shape == (num_rows,), "table: shape")
        count = num_rows
        if rows is not None:
            _check_places(rows, num_rows)
            count = len(rows)
        if gradients is not None:
            _check_type(np.float32, gradients)
            require(gradients.shape == (count, size), "gradients: shape")
        self._library.tables_update(
            self._variant,
            ctypes.byref(_Table(*_pointers(weights, moments, last, last_decay), size)),
            ctypes.byref(_step(step)),
            count,
            *(None if array is None else array.ctypes.data for array in (rows, gradients)),
        )


def load_table_kernel() -> TableKernel | None:
    """Return the kernel for this machine, None where it was not built, or is not wanted."""
    found = load_library("tables", _INTERFACE)
    return None if found is None else _kernel(*found)


@cache
def _kernel(library: ctypes.CDLL, variant: int) -> TableKernel:
    pointer, number, count = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
    library.tables_distinct.argtypes = [count, pointer, count, pointer, pointer, pointer]
    library.tables_distinct.restype = count
    library.tables_pool.argtypes = [number, count, count, number, *[pointer] * 4]
    library.tables_pool_backward.argtypes = library.tables_pool.argtypes
    library.tables_update.argtypes = [number, pointer, pointer, count, pointer, pointer]
    return TableKernel(library, variant)


def _step(step: Update) -> _Step:
    powers = _pointers(_powers(step.beta1), _powers(step.beta2))
    settings = (step.learning_rate, step.weight_decay, step.log_decay, step.beta1, step.beta2, step.epsilon)
    return _Step(*powers, _NUM_POWERS, *settings, step.update)


@cache
def _powers(beta: float) -> Floats:
    powers = beta ** np.arange(_NUM_POWERS, dtype=np.float64)
    powers[powers < _NEGLIGIBLE] = 0
    powers[-1] = 0
    return powers.astype(np.float32)


def _pointers(*arrays: NDArray[Any]) -> list[int]:
    return [array.ctypes.data for array in arrays]


def _check_bags(table: Floats, places: Places, starts: Places, bags: Floats) -> None:
    _check_type(np.float32, table, bags)
    _check_type(np.int64, places, starts)
    require(table.ndim == bags.ndim == 2 and table.shape[1] == bags.shape[1], "bags: shape")
    require(starts.shape == (len(bags) + 1,), "starts: shape")
    require(starts[0] >= 0 and starts[-1] <= len(places) and bool((starts[1:] >= starts[:-1]).all()), "starts: order")
    _check_places(places, len(table))


def _check_places(places: Places, num_rows: int) -> None:
    _check_type(np.int64, places)
    require(places.ndim == 1, "places: shape")
    require(not len(places) or (places.min() >= 0 and places.max() < num_rows), "places: out of range")


def _check_type(dtype: type, *arrays: NDArray[Any]) -> None:
    for array in arrays:
        require(array.dtype == dtype and array.flags.c_contiguous, "arrays: type")
