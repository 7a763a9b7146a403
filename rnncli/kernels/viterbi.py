"""Viterbi's search for the best tags, in C; optional, built with the package."""

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.kernels.library import load_library, require

_INTERFACE = 1
_BLOCK = 8
"""Tags that are reached together: BLOCK of viterbi.c."""

_ROWS = 4
"""Sentences that are searched side by side: ROWS of viterbi.c."""

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


class _Chain(ctypes.Structure):
    _fields_ = (
        ("entries", ctypes.c_void_p),
        ("sources", ctypes.c_void_p),
        ("starts", ctypes.c_void_p),
        ("order", ctypes.c_void_p),
        ("arriving", ctypes.c_void_p),
        ("start", ctypes.c_void_p),
        ("end", ctypes.c_void_p),
        ("num_tags", ctypes.c_int64),
        ("num_blocks", ctypes.c_int64),
        ("forbidden", ctypes.c_float),
    )


class _Layout(ctypes.Structure):
    _fields_ = (("lengths", ctypes.c_void_p), ("offsets", ctypes.c_void_p), ("num_sentences", ctypes.c_int64))


class ViterbiKernel:
    """The compiled search through one chain; a call releases the interpreter's lock.

    Tags are put into an order in which those with like tags before them are neighbours. So where most transitions are
    forbidden, whole blocks of tags need not be looked at from most others.

    Args:
        library: the loaded library.
        variant: which kind of processor to compute for.
        transitions: float32 [K, K], from row to column.
        start: float32 [K].
        end: float32 [K].
        forbidden: score of a forbidden transition; one of less counts as this.

    Raises:
        ValueError: a size or type is wrong.
    """

    def __init__(
        self, library: ctypes.CDLL, variant: int, transitions: Floats, start: Floats, end: Floats, forbidden: float
    ) -> None:
        """Lay the scores out in blocks."""
        num_tags = len(start)
        require(all(array.dtype == np.float32 for array in (transitions, start, end)), "chain: type")
        require(start.shape == end.shape == (num_tags,) and num_tags > 0, "start and end: shape")
        require(transitions.shape == (num_tags, num_tags), "transitions: shape")
        self._search = library.viterbi
        self._variant = variant
        self._num_tags = num_tags
        num_blocks = -(-num_tags // _BLOCK)
        self._width = num_blocks * _BLOCK
        arriving = np.maximum(transitions, np.float32(forbidden)).T
        is_legal = arriving > np.float32(forbidden)
        order = np.array(sorted(range(num_tags), key=lambda tag: is_legal[tag].tobytes()))
        reached = np.full((self._width, num_tags), -np.inf, np.float32)
        reached[:num_tags] = np.where(is_legal, arriving, np.float32(-np.inf))[np.ix_(order, order)]
        blocks = reached.reshape(num_blocks, _BLOCK, num_tags)
        is_source = (blocks > -np.inf).any(1)
        block_of, sources = np.nonzero(is_source)
        self._arrays: tuple[NDArray[Any], ...] = (
            np.ascontiguousarray(blocks[block_of, :, sources]),
            sources.astype(np.int32),
            np.concatenate(([0], np.cumsum(is_source.sum(1)))),
            self._filled(np.arange(num_tags, dtype=np.int32), order, num_tags),
            self._filled(arriving, order, 0),
            self._filled(start, order, 0),
            self._filled(end, order, 0),
        )
        self._chain = _Chain(*(array.ctypes.data for array in self._arrays), num_tags, num_blocks, forbidden)

    def best(self, emissions: Floats, lengths: Integers, offsets: Integers) -> Integers:
        """Find the best path of every sentence of a packed batch.

        Args:
            emissions: float32 [N, K], contiguous, finite; token t of sentence i in row `offsets[t] + i`.
            lengths: int64 [B], falling, each at least 1, N together.
            offsets: int64 [T], rising.

        Returns:
            int64 [N], packed tags; ties go to the lower one.

        Raises:
            ValueError: a size, type or place is wrong.
        """
        require(emissions.dtype == np.float32 and emissions.flags.c_contiguous, "emissions: type")
        require(emissions.ndim == 2 and emissions.shape[1] == self._num_tags, "emissions: shape")
        _check(lengths, offsets, len(emissions))
        # No more than the emissions themselves, however many tokens they are.
        most_tokens = int(np.add.reduceat(lengths, np.arange(0, len(lengths), _ROWS)).max())
        states = np.empty(most_tokens * self._width, np.float32)
        tags = np.zeros(len(emissions), np.int64)
        self._search(
            self._variant,
            ctypes.byref(self._chain),
            ctypes.byref(_Layout(lengths.ctypes.data, offsets.ctypes.data, len(lengths))),
            emissions.ctypes.data,
            states.ctypes.data,
            tags.ctypes.data,
        )
        return tags

    def _filled(self, table: NDArray[Any], order: Integers, filling: int) -> NDArray[Any]:
        """Put the last axis in order and fill it up to whole blocks."""
        filled = np.full((*table.shape[:-1], self._width), filling, table.dtype)
        filled[..., : self._num_tags] = table[..., order]
        return filled


def load_viterbi_kernel(transitions: Floats, start: Floats, end: Floats, forbidden: float) -> ViterbiKernel | None:
    """Return the search through a chain for this machine, None where it was not built, or is not wanted.

    Args:
        transitions: float32 [K, K], from row to column.
        start: float32 [K].
        end: float32 [K].
        forbidden: score of a forbidden transition.

    Raises:
        ValueError: a size or type is wrong.
    """
    found = load_library("viterbi", _INTERFACE)
    if found is None:
        return None
    library, variant = found
    library.viterbi.argtypes = [ctypes.c_int, *[ctypes.c_void_p] * 5]
    return ViterbiKernel(library, variant, transitions, start, end, forbidden)


def _check(lengths: Integers, offsets: Integers, num_tokens: int) -> None:
    for array in (lengths, offsets):
        require(array.dtype == np.int64 and array.ndim == 1 and array.flags.c_contiguous, "places: type")
    require(len(lengths) > 0 and lengths[-1] > 0 and lengths[0] <= len(offsets), "lengths: out of range")
    require(bool((lengths[1:] <= lengths[:-1]).all() and (offsets[1:] >= offsets[:-1]).all()), "places: order")
    require(int(lengths.sum()) == num_tokens and offsets[0] >= 0, "places: out of range")
    last = offsets[lengths - 1] + np.arange(len(lengths))
    require(int(last.max()) < num_tokens, "places: out of range")
