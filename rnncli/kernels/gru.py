"""The recurrence of the gated recurrent unit in C, for processors' speed; optional, built with the package."""

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.kernels.library import load_library, require

INTERFACE = 2
"""Which arguments the functions of gru.c take."""

_BLOCK = 6
"""Sentences that are taken through all their steps together: ROWS of gru.c."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the tokens of B sentences lie: token t of sentence i in row `starts[i] + offsets[t]` of N.

    Padded batches have offsets 0, 1, 2...; packed ones have starts 0, 1, 2...

    Attributes:
        starts: int64 [B].
        lengths: int64 [B], falling, each at least 1.
        offsets: int64 [T], rising, T at least the greatest length.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    offsets: NDArray[np.int64]


class _Matrix(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("stride", ctypes.c_int64))


class _Layout(ctypes.Structure):
    _fields_ = (
        ("starts", ctypes.c_void_p),
        ("lengths", ctypes.c_void_p),
        ("offsets", ctypes.c_void_p),
        ("num_sentences", ctypes.c_int64),
        ("num_blocks", ctypes.c_int64),
        ("begin", ctypes.c_int64),
        ("end", ctypes.c_int64),
        ("hidden_size", ctypes.c_int64),
        ("reverse", ctypes.c_int64),
    )


class GRUKernel:
    """The compiled recurrence of one direction, in the variant for a kind of processor.

    A call releases the interpreter's lock, so calls on two threads run side by side; `part` is for that: `(i, n)` is
    the i-th of n shares of the sentences.

    Args:
        library: the loaded library.
        variant: number of the variant in it.

    Attributes:
        name: of the variant.
    """

    def __init__(self, library: ctypes.CDLL, variant: int) -> None:
        """Keep the library; nothing is computed."""
        self._library = library
        self._variant = variant
        self.name: str = library.variant_name(variant).decode("ascii")

    def forward(
        self,
        places: Places,
        gates: NDArray[Any],
        rows: NDArray[np.int64] | None,
        weight: NDArray[Any],
        bias: NDArray[Any],
        states: NDArray[Any],
        saved: NDArray[Any] | None = None,
        *,
        reverse: bool,
        part: tuple[int, int] = (0, 1),
    ) -> None:
        """Run from a zero state; all arrays are float32, or all are float64.

        Args:
            places: where the tokens lie.
            gates: float [N, 3H], the inputs' share of reset, update and candidate gates; or [W, 3H] with `rows`.
            rows: int64 [N], row of `gates` for each token, or None.
            weight: float [H, 3H], recurrent weights.
            bias: float [H], recurrent bias of the candidate.
            states: float [N, H], filled in.
            saved: float [N, 4H], filled in with what `backward` needs, or None.
            reverse: whether sentences are read from their end.
            part: which sentences to run over.

        Raises:
            MemoryError: there is none.
            ValueError: a size, type or place is wrong.
        """
        size = len(weight)
        num_rows = _num_rows(places)
        if rows is None:
            _check(gates, num_rows, 3 * size, weight)
        else:
            _check(gates, 0, 3 * size, weight)
            require(rows.dtype == np.int64 and rows.flags.c_contiguous and rows.shape == (len(rows),), "rows: type")
            require(num_rows <= len(rows) and rows.min() >= 0 and rows.max() < len(gates), "rows: out of range")
        _check(weight, size, 3 * size, weight)
        _check(states, num_rows, size, weight)
        require(bias.shape == (size,) and bias.dtype == weight.dtype and bias.flags.c_contiguous, "bias: shape")
        if saved is not None:
            _check(saved, num_rows, 4 * size, weight)
        done = self._library.gru_forward(
            self._variant,
            weight.dtype == np.float64,
            _layout(places, size, reverse, part),
            _matrix(gates),
            None if rows is None else rows.ctypes.data,
            _matrix(weight),
            bias.ctypes.data,
            _matrix(states),
            None if saved is None else _matrix(saved),
        )
        if not done:
            raise MemoryError

    def backward(
        self,
        places: Places,
        grad: NDArray[Any],
        states: NDArray[Any],
        saved: NDArray[Any],
        weight: NDArray[Any],
        d_gates: NDArray[Any],
        d_recurrent: NDArray[Any],
        previous: NDArray[Any],
        *,
        reverse: bool,
        part: tuple[int, int] = (0, 1),
    ) -> None:
        """Go back through time.

        Args:
            places: as in `forward`.
            grad: float [N, H], gradient of the states.
            states: float [N, H], of `forward`.
            saved: float [N, 4H], of `forward`.
            weight: float [H, 3H].
            d_gates: float [N, 3H], filled in: gradient of the inputs' share of the gates.
            d_recurrent: float [N, 3H], filled in: gradient of the states' share of the gates.
            previous: float [N, H], filled in: the state before each step. The gradient of the weight is the product of
                its transpose with `d_recurrent`, that of the bias the sum of the latter's last third.
            reverse: as in `forward`.
            part: which sentences to run over.

        Raises:
            MemoryError: there is none.
            ValueError: a size, type or place is wrong.
        """
        size = len(weight)
        num_rows = _num_rows(places)
        matrices = (grad, states, saved, weight, d_gates, d_recurrent, previous)
        for matrix, width in zip(matrices, (1, 1, 4, 3, 3, 3, 1), strict=True):
            _check(matrix, size if matrix is weight else num_rows, width * size, weight)
        done = self._library.gru_backward(
            self._variant,
            weight.dtype == np.float64,
            _layout(places, size, reverse, part),
            *map(_matrix, matrices),
        )
        if not done:
            raise MemoryError


def load_gru_kernel() -> GRUKernel | None:
    """Return the kernel for this machine, None where it was not built, or is not wanted.

    Raises:
        UsageError: the environment names a variant that this machine does not have.
    """
    found = load_library("gru", INTERFACE)
    if found is None:
        return None
    library, variant = found
    pointer, number = ctypes.c_void_p, ctypes.c_int
    library.gru_forward.argtypes = [number, number, *[pointer] * 7]
    library.gru_backward.argtypes = [number, number, *[pointer] * 8]
    return GRUKernel(library, variant)


def _num_rows(places: Places) -> int:
    """Check the places and return how many rows they ask for."""
    starts, lengths, offsets = places.starts, places.lengths, places.offsets
    for array in (starts, lengths, offsets):
        require(array.dtype == np.int64 and array.ndim == 1 and array.flags.c_contiguous, "places: type")
    require(0 < len(lengths) == len(starts) and lengths[-1] > 0 and lengths[0] <= len(offsets), "places: lengths")
    require(bool((lengths[1:] <= lengths[:-1]).all() and (offsets[1:] >= offsets[:-1]).all()), "places: order")
    require(int(starts.min()) >= 0 and int(offsets[0]) >= 0, "places: below zero")
    return int((starts + offsets[lengths - 1]).max()) + 1


def _check(matrix: NDArray[Any], num_rows: int, width: int, like: NDArray[Any]) -> None:
    require(matrix.dtype == like.dtype and matrix.dtype in (np.float32, np.float64), "arrays: type")
    require(matrix.ndim == 2 and len(matrix) >= num_rows and matrix.shape[1] == width, "arrays: shape")
    steps = matrix.strides
    require(steps[1] == matrix.itemsize or width == 1, "arrays: rows are not contiguous")
    require(steps[0] >= 0 and steps[0] % matrix.itemsize == 0, "arrays: strides")


def _matrix(array: NDArray[Any]) -> Any:
    return ctypes.byref(_Matrix(array.ctypes.data, array.strides[0] // array.itemsize))


def _layout(places: Places, hidden_size: int, reverse: bool, part: tuple[int, int]) -> Any:
    index, count = part
    require(0 <= index < count, "part: out of range")
    num_sentences = len(places.lengths)
    num_blocks = -(-num_sentences // _BLOCK)
    arrays = [array.ctypes.data for array in (places.starts, places.lengths, places.offsets)]
    begin, end = num_blocks * index // count, num_blocks * (index + 1) // count
    return ctypes.byref(_Layout(*arrays, num_sentences, num_blocks, begin, end, hidden_size, reverse))
