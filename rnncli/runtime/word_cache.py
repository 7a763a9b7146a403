"""Bounded tables of rows computed once a word."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FIRST_ROWS = 256
_GROWTH = 8
_COMPUTED = 256
"""Words computed at once: fewer cost more calls, and of more the arrays would leave the processor's cache."""


class WordCache:
    """Rows by word, in one table or several; when they are full, the words unused for longest make room.

    Args:
        compute: for W distinct words the rows of each table, [W, D].
        row_sizes: D of each table.
        capacity: words kept.
        dtype: of the rows.
    """

    def __init__(
        self,
        compute: Callable[[Sequence[str]], Sequence[NDArray[Any]]],
        row_sizes: Sequence[int],
        capacity: int,
        dtype: type[np.floating] = np.float32,
    ) -> None:
        """Start empty."""
        self._compute = compute
        self._capacity = capacity
        self.tables = [np.empty((min(_FIRST_ROWS, capacity), size), dtype=dtype) for size in row_sizes]
        self._slots = _Slots()
        self._words: list[str] = []
        self._last_used = np.zeros(capacity, dtype=np.int64)
        self._clock = 0

    def rows(self, words: Sequence[str]) -> NDArray[np.int64]:
        """Return the tables' row of every word, computing what is missing.

        Args:
            words: any words with at most `capacity` distinct ones; the rows hold until the next call.

        Returns:
            int64 [len(words)].

        Raises:
            ValueError: more distinct words than the capacity.
        """
        self._clock += 1
        try:
            rows = np.fromiter(map(self._slots.__getitem__, words), dtype=np.int64, count=len(words))
            if self._slots.missing:
                self._insert(self._slots.missing, rows)
                self._slots.missing = []
        except BaseException:
            # Some of the rows may not be there, and it is not known which.
            self._slots = _Slots()
            self._words.clear()
            raise
        self._last_used[rows] = self._clock
        return rows

    def _insert(self, words: list[str], rows: NDArray[np.int64]) -> None:
        """Give new words their places, in `rows` too, and compute what stands there."""
        used = len(self._words)
        places = np.arange(used, used + len(words))
        num_late = max(0, used + len(words) - self._capacity)
        num_fresh = len(words) - num_late
        self._words.extend(words[:num_fresh])
        if num_late:
            is_late = rows >= self._capacity
            self._last_used[rows[~is_late]] = self._clock
            victims = np.argpartition(self._last_used, min(num_late, self._capacity) - 1)[:num_late]
            if len(victims) < num_late or self._last_used[victims].max() == self._clock:
                raise ValueError(f"more than {self._capacity} distinct words at once")
            rows[is_late] = victims[rows[is_late] - self._capacity]
            places[num_fresh:] = victims
            for place, word in zip(victims.tolist(), words[num_fresh:], strict=True):
                del self._slots[self._words[place]]
                self._words[place] = word
                self._slots[word] = place
        self._reserve(used + num_fresh)
        # Words of like length are computed together, since the short ones are padded.
        order = sorted(range(len(words)), key=lambda i: -len(words[i]))
        for start in range(0, len(order), _COMPUTED):
            part = order[start : start + _COMPUTED]
            for table, computed in zip(self.tables, self._compute([words[i] for i in part]), strict=True):
                table[places[part]] = computed

    def _reserve(self, size: int) -> None:
        """Make room for so many words, in few and large steps: what is not yet used of it takes no memory."""
        current = len(self.tables[0])
        if size > current:
            room = min(self._capacity, max(size, _GROWTH * current))
            grown = [np.empty((room, table.shape[1]), table.dtype) for table in self.tables]
            for table, old in zip(grown, self.tables, strict=True):
                table[:current] = old
            self.tables = grown


class _Slots(dict[str, int]):
    """Places by word; a word that is looked up in vain gets the next one, and is remembered as missing."""

    def __init__(self) -> None:
        self.missing: list[str] = []

    def __missing__(self, word: str) -> int:
        self.missing.append(word)
        place = self[word] = len(self)
        return place
