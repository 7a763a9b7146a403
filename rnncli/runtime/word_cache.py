"""Bounded tables of rows computed once a word."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


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
        """Start empty; the tables grow in doublings up to the capacity."""
        self._compute = compute
        self._capacity = capacity
        self.tables = [np.empty((min(256, capacity), size), dtype=dtype) for size in row_sizes]
        self._slots: dict[str, int] = {}
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
        slots = self._slots
        missing = [word for word in dict.fromkeys(words) if word not in slots]
        if missing:
            self._last_used[[slots[word] for word in words if word in slots]] = self._clock
            self._insert(missing)
        rows = np.fromiter(map(slots.__getitem__, words), dtype=np.int64, count=len(words))
        self._last_used[rows] = self._clock
        return rows

    def _insert(self, words: list[str]) -> None:
        used = len(self._words)
        fresh = words[: self._capacity - used]
        late = words[len(fresh) :]
        places = list(range(used, used + len(fresh)))
        if late:
            self._last_used[places] = self._clock
            victims = np.argpartition(self._last_used, len(late) - 1)[: len(late)]
            if self._last_used[victims].max() == self._clock:
                self._last_used[places] = 0
                raise ValueError(f"more than {self._capacity} distinct words at once")
            places += victims.tolist()
        # Nothing is changed before the rows are there: a computation that is broken off leaves the cache as it was.
        computed = self._compute(words)
        self._grow(used + len(fresh))
        self._words.extend(fresh)
        for place, word in zip(places[len(fresh) :], late, strict=True):
            del self._slots[self._words[place]]
            self._words[place] = word
        self._slots.update(zip(words, places, strict=True))
        for table, rows in zip(self.tables, computed, strict=True):
            table[places] = rows

    def _grow(self, size: int) -> None:
        current = len(self.tables[0])
        if size > current:
            extra = min(self._capacity, max(size, 2 * current)) - current
            self.tables = [
                np.concatenate((table, np.empty((extra, table.shape[1]), table.dtype))) for table in self.tables
            ]
