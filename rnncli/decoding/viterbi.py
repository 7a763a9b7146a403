"""The best tag path of a linear chain."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.decoding.packed import Packing
from rnncli.kernels.viterbi import load_viterbi_kernel

FORBIDDEN = -1e4
"""Score of a transition, a start or an end that must not be; a transition of less counts as this."""

_ADDED = 1 << 17
"""Numbers added up at once: more would leave the processor's cache before their maximum is taken."""


class Viterbi:
    """Finds the path of the highest score: by the kernel where there is one for the numbers given, otherwise in NumPy.

    In NumPy scores lie tag by tag, all sequences side by side, so that sums and maxima run along whole rows. Only
    transitions that are not forbidden are tried: between the tags of spans, about a third of all. Which tag came before
    is looked for on the way back, for the tags of the best path alone.

    Args:
        transitions: float [K, K], from row to column.
        start: float [K].
        end: float [K].

    Reference:
        Viterbi 1967; Forney 1973, "The Viterbi algorithm".
    """

    def __init__(
        self, transitions: NDArray[np.floating], start: NDArray[np.floating], end: NDArray[np.floating]
    ) -> None:
        """Keep the scores, in the kernel's layout where it runs."""
        self._arriving = np.ascontiguousarray(np.maximum(transitions, FORBIDDEN).T)
        self._start, self._end = start[:, None], end[:, None]
        is_single = transitions.dtype == start.dtype == end.dtype == np.float32
        self._kernel = load_viterbi_kernel(transitions, start, end, FORBIDDEN) if is_single else None

    def best(self, emissions: NDArray[np.floating], packing: Packing) -> NDArray[np.int64]:
        """Find the best path of every sequence of a batch.

        Args:
            emissions: float [N, K], packed.
            packing: how.

        Returns:
            int64 [N], packed tag indices; ties go to the lower index.
        """
        if self._kernel is not None and emissions.dtype == np.float32:
            return self._kernel.best(np.ascontiguousarray(emissions), packing.lengths, packing.offsets)
        parts = list(zip(packing.offsets.tolist(), packing.batch_sizes.tolist(), strict=True))
        ways, final = self._forward(emissions, parts)
        tags = np.empty(len(emissions), dtype=np.int64)
        current = final.argmax(0)
        for step in range(len(parts) - 1, 0, -1):
            offset, size = parts[step]
            tags[offset : offset + size] = current[:size]
            candidates = ways[step - 1][:, :size].T + self._arriving[current[:size]]
            current[:size] = candidates.argmax(1)
        tags[: len(current)] = current
        return tags

    @cached_property
    def _groups(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]]:
        """Tags that as many others may come before: the tags, the others [count, tags or 1] and the scores."""
        groups = []
        legal = self._arriving > FORBIDDEN
        counts = legal.sum(1)
        for count in sorted(set(counts.tolist()) - {0}):
            targets = np.flatnonzero(counts == count)
            sources = np.ascontiguousarray(np.nonzero(legal[targets])[1].reshape(-1, count).T)
            scores = self._arriving[targets, sources][:, :, None]
            is_shared = bool((sources == sources[:, :1]).all())
            groups.append((targets, sources[:, :1] if is_shared else sources, scores))
        return groups

    def _forward(
        self, emissions: NDArray[np.floating], parts: list[tuple[int, int]]
    ) -> tuple[list[NDArray[Any]], NDArray[Any]]:
        """Score the best way to each tag of each step, [K, B at the step], and to each tag at the ends, [K, B]."""
        ways = []
        score = emissions[: parts[0][1]].T + self._start
        final = np.empty_like(score)
        for step, (offset, size) in enumerate(parts):
            if step:
                score = self._arrive(score[:, :size])
                score += emissions[offset : offset + size].T
            # Only differences matter; sums over long sequences would cost the last digits of single precision.
            score = score - score.max(0)
            ways.append(score)
            remaining = parts[step + 1][1] if step + 1 < len(parts) else 0
            if remaining < size:
                final[:, remaining:size] = score[:, remaining:] + self._end
        return ways, final

    def _arrive(self, score: NDArray[Any]) -> NDArray[Any]:
        """Return the best way to each tag, [K, B], without its own score, from the best ways to those before it."""
        # The best score before is 0. What is forbidden from there has just this, and from elsewhere no more.
        arrived = np.full_like(score, FORBIDDEN, order="C")
        for targets, sources, scores in self._groups:
            count = max(1, _ADDED // (len(sources) * score.shape[1]))
            for i in range(0, len(targets), count):
                before = score[sources if sources.shape[1] == 1 else sources[:, i : i + count]]
                arrived[targets[i : i + count]] = (before + scores[:, i : i + count]).max(0, initial=FORBIDDEN)
        return arrived
