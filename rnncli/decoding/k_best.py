"""The k best tag paths of a linear chain."""

from bisect import insort
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnncli.decoding.packed import Packing
from rnncli.decoding.viterbi import FORBIDDEN

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Path:
    """A tag path.

    Attributes:
        tags: int64 [T].
        score: the sum of its scores.
    """

    tags: NDArray[np.int64]
    score: float


def k_best(
    emissions: NDArray[np.floating],
    packing: Packing,
    transitions: NDArray[np.floating],
    start: NDArray[np.floating],
    end: NDArray[np.floating],
    k: int,
) -> list[list[Path]]:
    """Find the k paths of the highest scores for every sequence of a batch, in double precision.

    Args:
        emissions: float [N, K], packed; finite.
        packing: how.
        transitions: float [K, K], from row to column; -1e4 or less forbids.
        start: float [K].
        end: float [K].
        k: how many at most.

    Returns:
        For each sequence, in the order given, its k best legal paths, the best first; fewer where there are no more.
        The first is that of `Viterbi`; ties among the others always come in the same order.

    Reference:
        Viterbi 1967; Lawler 1972, "A procedure for computing the k best solutions". Each path that is found is the best
        way to some token and tag, continued as an earlier path was, so what it costs to leave it is known for every
        token at once (Soong and Huang 1991, "A tree-trellis based fast search").
    """
    transitions, start, end = (_excluded(table) for table in (transitions, start, end))
    best, totals = _best_ways(emissions, packing, transitions, start)
    rows = packing.rows()
    lengths, shifts = np.empty_like(packing.lengths), np.empty_like(totals)
    lengths[packing.order], shifts[packing.order] = packing.lengths, totals
    arriving = np.ascontiguousarray(transitions.T)
    return [
        [Path(tags, float(shift + score)) for tags, score in _Search(best[part], arriving, end).run(k)]
        for part, shift in zip(np.split(rows, np.cumsum(lengths)[:-1]), shifts, strict=True)
    ]


def _excluded(table: NDArray[np.floating]) -> Doubles:
    return np.where(table > FORBIDDEN, table.astype(np.float64), -np.inf)


def _best_ways(
    emissions: NDArray[np.floating], packing: Packing, transitions: Doubles, start: Doubles
) -> tuple[Doubles, Doubles]:
    """Score the best way to each tag of each token.

    Returns:
        float64 [N, K], packed, less the largest of each token; float64 [B], what was taken off, packed order.
    """
    arriving = np.ascontiguousarray(transitions.T)
    best = np.empty(emissions.shape)
    totals = np.zeros(len(packing.lengths))
    score = np.broadcast_to(start, (len(packing.lengths), len(start)))
    for step, (size, offset) in enumerate(zip(packing.batch_sizes.tolist(), packing.offsets.tolist(), strict=True)):
        incoming = (score[:size, None, :] + arriving).max(2) if step else score
        score = incoming + emissions[offset : offset + size]
        peak = score.max(1, keepdims=True)
        peak[np.isneginf(peak)] = 0.0
        score = score - peak
        totals[:size] += peak[:, 0]
        best[offset : offset + size] = score
    return best, totals


class _Search:
    """Lists the paths of one sequence by falling score.

    Args:
        best: float64 [T, K], the best way to each tag.
        arriving: float64 [K, K], transitions from column to row.
        end: float64 [K].
    """

    def __init__(self, best: Doubles, arriving: Doubles, end: Doubles) -> None:
        self._best, self._arriving = best, arriving
        self._final = best[-1] + end
        # By rising loss: loss, number, token and tag where the path leaves an earlier one, and that one's place.
        self._open: list[tuple[float, int, int, int, int]] = []
        self._num_pushed = 0

    def run(self, k: int) -> list[tuple[NDArray[np.int64], float]]:
        """Return at most k paths and their scores."""
        found: list[tuple[NDArray[np.int64], float]] = []
        peak = self._final.max()
        if np.isneginf(peak):
            return found
        length = len(self._best)
        self._push(peak - self._final[None], k, 0.0, length - 1, -1)
        while self._open:
            loss, _, token, tag, parent = self._open.pop(0)
            tags = np.empty(length, dtype=np.int64) if parent < 0 else found[parent][0].copy()
            self._trace(tags, token, tag, merges=parent >= 0)
            found.append((tags, float(peak - loss)))
            if len(found) == k:
                break
            if token:
                ways = self._best[:token] + self._arriving[tags[1 : token + 1]]
                losses = ways.max(1, keepdims=True) - ways
                losses[np.arange(token), tags[:token]] = np.inf
                self._push(losses, k - len(found), loss, 0, len(found) - 1)
        return found

    def _push(self, losses: Doubles, limit: int, loss: float, first: int, parent: int) -> None:
        """Keep the cheapest ways to leave a path, [tokens from `first`, K], with the others at most `limit`."""
        flat = losses.ravel()
        if limit < len(flat):
            # All that tie with the last one in, so that the order of ties does not depend on the partition.
            chosen = np.flatnonzero(flat <= np.partition(flat, limit - 1)[limit - 1])
        else:
            chosen = np.arange(len(flat))
        chosen = chosen[np.isfinite(flat[chosen])]
        del self._open[limit:]
        for index in chosen[np.argsort(flat[chosen], kind="stable")][:limit].tolist():
            total = loss + float(flat[index])
            if len(self._open) == limit and total >= self._open[-1][0]:
                break
            token, tag = divmod(index, losses.shape[1])
            insort(self._open, (total, self._num_pushed, first + token, tag, parent))
            self._num_pushed += 1
            del self._open[limit:]

    def _trace(self, tags: NDArray[np.int64], token: int, tag: int, *, merges: bool) -> None:
        """Write the best way to a token's tag into a path, up to where it meets the way that stands there already."""
        tags[token] = tag
        for before in range(token - 1, -1, -1):
            tag = int((self._best[before] + self._arriving[tag]).argmax())
            if merges and tags[before] == tag:
                return
            tags[before] = tag
