"""Which words the training data held, without the words."""

import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


class KnownWords:
    """A set of words kept as 32-bit hashes: of a million other words, about ten are taken for one of 50,000 known.

    Args:
        hashes: uint32 [W].
    """

    def __init__(self, hashes: NDArray[np.uint32]) -> None:
        """Index the hashes."""
        self._hashes = frozenset(hashes.tolist())

    @staticmethod
    def of(words: Iterable[str]) -> "KnownWords":
        """Collect words."""
        return KnownWords(np.array([_hash(word) for word in words], dtype=np.uint32))

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and _hash(word) in self._hashes

    def to_array(self) -> NDArray[np.uint32]:
        """Return the hashes, uint32 [W], ascending."""
        return np.array(sorted(self._hashes), dtype=np.uint32)


def _hash(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "surrogatepass"))
