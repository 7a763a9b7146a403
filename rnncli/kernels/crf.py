"""The loss of a linear-chain conditional random field and its gradient, in C; optional, built with the package."""

import ctypes
import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rnncli.kernels.library import load_library, require

_INTERFACE = 1
_FLOOR = 0.7 * math.log(np.finfo(np.float32).tiny)
"""How far a score may lie below the best one of its token: where only unlikely tags are legal, their sum stays above
zero."""

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of B sentences of at most T tokens and K tags, contiguous.

    Attributes:
        emissions: float32 [B, T, K]; values past the length are ignored.
        transitions: float32 [K, K], from row to column.
        start: float32 [K].
        end: float32 [K].
        tags: int64 [B, T], the gold tags, any past the length.
        lengths: int64 [B], each at least 1.
    """

    emissions: Floats
    transitions: Floats
    start: Floats
    end: Floats
    tags: Integers
    lengths: Integers


@dataclass(frozen=True, slots=True)
class Saved:
    """What the gradient is computed from: scores, their exponentials, and sums over the paths up to each token."""

    scores: Scores
    peaks: Floats
    likelihood: Floats
    exp_transitions: Floats
    exp_edges: Floats
    inside: Floats
    log_peaks: tuple[float, float]


class _Chain(ctypes.Structure):
    _fields_ = (
        ("emissions", ctypes.c_void_p),
        ("peaks", ctypes.c_void_p),
        ("likelihood", ctypes.c_void_p),
        ("transitions", ctypes.c_void_p),
        ("start", ctypes.c_void_p),
        ("end", ctypes.c_void_p),
        ("exp_transitions", ctypes.c_void_p),
        ("exp_start", ctypes.c_void_p),
        ("exp_end", ctypes.c_void_p),
        ("tags", ctypes.c_void_p),
        ("lengths", ctypes.c_void_p),
        ("transition_peak", ctypes.c_double),
        ("edge_peaks", ctypes.c_double),
        ("batch_size", ctypes.c_int64),
        ("num_steps", ctypes.c_int64),
        ("num_tags", ctypes.c_int64),
    )


class CRFKernel:
    """The compiled functions; a call releases the interpreter's lock.

    Args:
        library: the loaded library.
        variant: which kind of processor to compute for.
    """

    def __init__(self, library: ctypes.CDLL, variant: int) -> None:
        """Keep the library; nothing is computed."""
        self._library = library
        self._variant = variant

    # Scores that are not finite give a loss that is not; NumPy would warn of them on the way.
    @np.errstate(all="ignore")
    def forward(self, scores: Scores) -> tuple[Floats, Saved]:
        """Compute the negative log-likelihood of the gold tags.

        Args:
            scores: of a batch.

        Returns:
            float32 [B], nats, one value a sentence, and what `backward` needs.

        Raises:
            ValueError: a size, type, length or tag is wrong.
        """
        _check(scores)
        peaks = scores.emissions.max(2)
        likelihood = scores.emissions - peaks[:, :, None]
        np.exp(np.maximum(likelihood, _FLOOR, out=likelihood), out=likelihood)
        transition_peak, start_peak, end_peak = (a.max() for a in (scores.transitions, scores.start, scores.end))
        saved = Saved(
            scores,
            peaks,
            likelihood,
            np.exp(scores.transitions - transition_peak),
            np.exp(np.stack((scores.start - start_peak, scores.end - end_peak))),
            np.empty_like(likelihood),
            (float(transition_peak), float(start_peak) + float(end_peak)),
        )
        losses = np.empty(len(likelihood), np.float32)
        self._library.crf_forward(self._variant, _chain(saved), saved.inside.ctypes.data, losses.ctypes.data)
        return losses, saved

    def backward(self, saved: Saved, weights: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Compute the gradient of the weighted sum of the losses.

        Args:
            saved: by `forward`.
            weights: float32 [B].

        Returns:
            The gradients of emissions [B, T, K] (zero past the lengths), transitions, start and end.

        Raises:
            ValueError: a size or type is wrong.
        """
        scores, num_tags = saved.scores, len(saved.scores.start)
        _require_floats(weights)
        require(weights.shape == scores.lengths.shape, "weights: shape")
        given = (np.ascontiguousarray(saved.exp_transitions.T), saved.inside, weights)
        gradients = tuple(map(np.zeros_like, (scores.emissions, scores.transitions, scores.start, scores.end)))
        memory = np.empty((num_tags + 2) * num_tags, np.float32)
        pointers = [array.ctypes.data for array in (*given, *gradients, memory)]
        self._library.crf_backward(self._variant, _chain(saved), *pointers)
        d_emissions, d_transitions, d_start, d_end = gradients
        return d_emissions, d_transitions, d_start, d_end


def load_crf_kernel() -> CRFKernel | None:
    """Return the kernel for this machine, None where it was not built, or is not wanted."""
    found = load_library("crf", _INTERFACE)
    return None if found is None else _kernel(*found)


@cache
def _kernel(library: ctypes.CDLL, variant: int) -> CRFKernel:
    pointer, number = ctypes.c_void_p, ctypes.c_int
    library.crf_forward.argtypes = [number, *[pointer] * 3]
    library.crf_backward.argtypes = [number, *[pointer] * 9]
    return CRFKernel(library, variant)


def _chain(saved: Saved) -> object:
    scores, (exp_start, exp_end) = saved.scores, saved.exp_edges
    arrays = (
        scores.emissions,
        saved.peaks,
        saved.likelihood,
        scores.transitions,
        scores.start,
        scores.end,
        saved.exp_transitions,
        exp_start,
        exp_end,
        scores.tags,
        scores.lengths,
    )
    return ctypes.byref(_Chain(*(a.ctypes.data for a in arrays), *saved.log_peaks, *scores.emissions.shape))


def _check(scores: Scores) -> None:
    _require_floats(scores.emissions, scores.transitions, scores.start, scores.end)
    for array in (scores.tags, scores.lengths):
        require(array.dtype == np.int64 and array.flags.c_contiguous, "arrays: type")
    require(scores.emissions.ndim == 3 and scores.emissions.size > 0, "emissions: shape")
    batch_size, num_steps, num_tags = scores.emissions.shape
    require(scores.transitions.shape == (num_tags, num_tags), "transitions: shape")
    require(scores.start.shape == scores.end.shape == (num_tags,), "start and end: shape")
    require(scores.tags.shape == (batch_size, num_steps) and scores.lengths.shape == (batch_size,), "tags: shape")
    require(scores.tags.min() >= 0 and scores.tags.max() < num_tags, "tags: out of range")
    require(scores.lengths.min() >= 1 and scores.lengths.max() <= num_steps, "lengths: out of range")


def _require_floats(*arrays: Floats) -> None:
    for array in arrays:
        require(array.dtype == np.float32 and array.flags.c_contiguous, "arrays: type")
