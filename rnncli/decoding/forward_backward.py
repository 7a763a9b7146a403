"""Probabilities of tags, of runs of tags and of whole paths in a linear-chain CRF."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnncli.decoding.packed import Packing

_SMALLEST = 1e-290
"""Below this a sum may have lost terms to underflow that matter."""

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Posterior:
    """What a linear chain makes of a batch: a Markov chain over the tags of each sequence.

    Every quantity belongs to a token and its neighbour, so that no rounding adds up over long sequences.

    Attributes:
        log_marginals: float64 [N, K], packed, log-probability of each tag at each token, nats.
        log_partition: float64 [B], logarithm of the summed exponentiated scores of all paths, nats, in the order in
            which the sequences were given.
        packing: how the tokens lie.
        transitions: float64 [K, K], the scores, from row to column.
        message: float64 [N, K], packed, logarithm of the summed exponentiated scores of all ways from a token's tag to
            the end, its emission included, less the largest of the token.
        after: float64 [N, K], packed, the same without the emission, less the largest message of the next token.
    """

    log_marginals: Doubles
    log_partition: Doubles
    packing: Packing
    transitions: Doubles
    message: Doubles
    after: Doubles

    def log_marginals_of(self, path: NDArray[np.int64]) -> Doubles:
        """Return the log-probability of each token's tag.

        Args:
            path: int64 [N], packed tags.

        Returns:
            float64 [N], packed, nats.
        """
        return self.log_marginals[np.arange(len(path)), path]

    def log_steps_of(self, path: NDArray[np.int64]) -> Doubles:
        """Return the log-probability of each token's tag given that of the token before it.

        Summed over the tokens of a sequence, this is the log-probability of its path. The log-probability that tokens a
        to b - 1 have their tags is the log-marginal of a plus the steps of a + 1 to b - 1.

        Args:
            path: int64 [N], packed tags.

        Returns:
            float64 [N], packed, nats; a first token has its log-marginal.
        """
        steps = self.log_marginals_of(path)
        sizes = self.packing.batch_sizes
        rows = np.arange(sizes[0], len(path))
        # A token's packed row is as far behind the one before it as there are sequences at that one's step.
        before = rows - np.repeat(sizes[:-1], sizes[1:])
        chosen = self.transitions[path[before], path[rows]] + self.message[rows, path[rows]]
        steps[rows] = chosen - self.after[before, path[before]]
        return steps


def forward_backward(
    emissions: NDArray[np.floating],
    packing: Packing,
    transitions: NDArray[np.floating],
    start: NDArray[np.floating],
    end: NDArray[np.floating],
) -> Posterior:
    """Sum over all paths of every sequence of a batch, in double precision.

    Args:
        emissions: float [N, K], packed; finite.
        packing: how.
        transitions: float [K, K], from row to column; -1e4 forbids.
        start: float [K].
        end: float [K].

    Returns:
        The probabilities.

    Reference:
        Baum et al. 1970; Lafferty, McCallum and Pereira 2001, "Conditional Random Fields". Messages are logarithms,
        less their largest at every step (Rabiner 1989, section V.A, in the log domain); their sums are products of
        matrices.
    """
    scores, table = emissions.astype(np.float64), transitions.astype(np.float64)
    before, totals = _forward(scores, packing, table, start.astype(np.float64))
    message, after = _backward(scores, packing, table, end.astype(np.float64))
    last = packing.offsets[packing.lengths - 1] + np.arange(len(packing.lengths))
    log_partition = np.empty_like(totals)
    log_partition[packing.order] = totals + np.logaddexp.reduce(before[last] + end, axis=1)
    joint = before + after
    joint -= joint.max(1, keepdims=True)
    joint -= np.log(np.exp(joint).sum(1, keepdims=True))
    return Posterior(joint, log_partition, packing, table, message, after)


def _forward(scores: Doubles, packing: Packing, transitions: Doubles, start: Doubles) -> tuple[Doubles, Doubles]:
    """Sum over what lies before each token, its emission included.

    Returns:
        float64 [N, K], packed, less the largest of each token; float64 [B], what was taken off, packed order.
    """
    product = _LogProduct(transitions)
    before = np.empty_like(scores)
    totals = np.zeros(len(packing.lengths))
    state = np.broadcast_to(start, (len(packing.lengths), len(start)))
    for step, (size, offset) in enumerate(zip(packing.batch_sizes.tolist(), packing.offsets.tolist(), strict=True)):
        incoming = product(state[:size]) if step else state
        state = incoming + scores[offset : offset + size]
        peak = state.max(1, keepdims=True)
        state -= peak
        totals[:size] += peak[:, 0]
        before[offset : offset + size] = state
    return before, totals


def _backward(scores: Doubles, packing: Packing, transitions: Doubles, end: Doubles) -> tuple[Doubles, Doubles]:
    """Sum over what lies behind each token; `message` and `after` of the Posterior."""
    product = _LogProduct(np.ascontiguousarray(transitions.T))
    message, after = np.empty_like(scores), np.empty_like(scores)
    following = 0
    for size, offset in zip(packing.batch_sizes[::-1].tolist(), packing.offsets[::-1].tolist(), strict=True):
        if following:
            after[offset : offset + following] = product(message[offset + size : offset + size + following])
        after[offset + following : offset + size] = end
        state = after[offset : offset + size] + scores[offset : offset + size]
        state -= state.max(1, keepdims=True)
        message[offset : offset + size] = state
        following = size
    return message, after


class _LogProduct:
    """Multiplies exponentiated rows by exponentiated transitions, in and out as logarithms."""

    def __init__(self, transitions: Doubles) -> None:
        self._transitions = transitions
        self._peak = transitions.max()
        self._weights = np.exp(transitions - self._peak)

    def __call__(self, state: Doubles) -> Doubles:
        """Return float64 [B, K] for one whose rows have the maximum 0."""
        sums = np.exp(state) @ self._weights
        if sums.min() < _SMALLEST:  # where only the unlikely is legal
            return np.asarray(np.logaddexp.reduce(state[:, :, None] + self._transitions, axis=1))
        return np.asarray(np.log(sums) + self._peak)
