"""A bounded table of rows computed once a word."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class WordCache:
    """Rows by word; when it is full, the words unused for longest make room.

    Args:
        compute: rows [W, D] of W distinct words.
        row_size: D.
        capacity: rows kept.
        dtype: of the rows.
    """

    def __init__(
        self,
        compute: Callable[[Sequence[str]], NDArray[Any]],
        row_size: int,
        capacity: int,
        dtype: type[np.floating] = np.float32,
    ) -> None:
        """Start empty; the table grows in doublings up to the capacity."""
        self._compute = compute
        self._capacity = capacity
        self.table = np.empty((min(256, capacity), row_size), dtype=dtype)
        self._slots: dict[str, int] = {}
        self._words: list[str] = []
        self._last_used = np.zeros(capacity, dtype=np.int64)
        self._clock = 0

    def rows(self, words: Sequence[str]) -> NDArray[np.int64]:
        """Return the table's row of every word, computing what is missing.

        Args:
            words: any words with at most `capacity` distinct ones; the rows hold until the next call.

        Returns:
            int64 [len(words)].
        """
        self._clock += 1
        slots = self._slots
        missing = [word for word in dict.fromkeys(words) if word not in slots]
        if missing:
            present = [slots[word] for word in words if word in slots]
            self._last_used[present] = self._clock
            self._insert(missing)
        rows = np.fromiter(map(slots.__getitem__, words), dtype=np.int64, count=len(words))
        self._last_used[rows] = self._clock
        return rows

    def _insert(self, words: list[str]) -> None:
        used = len(self._words)
        fresh = words[: self._capacity - used]
        if fresh:
            self._grow(used + len(fresh))
            self.table[used : used + len(fresh)] = self._compute(fresh)
            self._slots.update(zip(fresh, range(used, used + len(fresh)), strict=True))
            self._words.extend(fresh)
            self._last_used[used : used + len(fresh)] = self._clock
        late = words[len(fresh) :]
        if late:
            victims = np.argpartition(self._last_used, len(late) - 1)[: len(late)]
            if self._last_used[victims].max() == self._clock:
                raise ValueError(f"more than {self._capacity} distinct words at once")
            self.table[victims] = self._compute(late)
            for slot, word in zip(victims.tolist(), late, strict=True):
                del self._slots[self._words[slot]]
                self._slots[word] = slot
                self._words[slot] = word
            self._last_used[victims] = self._clock

    def _grow(self, size: int) -> None:
        if size > len(self.table):
            grown = np.empty(
                (min(self._capacity, max(size, 2 * len(self.table))), self.table.shape[1]), self.table.dtype
            )
            grown[: len(self._words)] = self.table[: len(self._words)]
            self.table = grown
