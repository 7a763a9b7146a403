"""From the scores of one head to its tags."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.data.tag_schemes import Scheme, convert
from rnncli.data.tag_sets import TagSet
from rnncli.decoding.packed import Packing
from rnncli.decoding.viterbi import FORBIDDEN, Viterbi

MOST_SCORE = 1e9
"""What no score of a sound model reaches; sums of larger ones would lose what decides."""

_PREFIXES = {
    Scheme.BIOES: {},
    Scheme.BILOU: {"S-": "U-", "E-": "L-"},
    Scheme.IOB2: {"S-": "B-", "E-": "I-"},
    Scheme.IO: {"B-": "I-", "S-": "I-", "E-": "I-"},
}


class TagDecoder:
    """Finds the best tags of one head.

    Args:
        head: what to choose from.
        tensors: the model's arrays by name.
        index: of the head in the model.
        scheme: in which spans are answered, None for that of the training data.

    Raises:
        ValueError: a score is not finite.
    """

    def __init__(
        self, head: TagSet, tensors: Mapping[str, NDArray[Any]], index: int = 0, scheme: Scheme | None = None
    ) -> None:
        """Prepare the names of the answers."""
        self.head = head
        zero = np.zeros((), dtype=np.float32)
        self._learned = tuple(tensors.get(f"crf.{index}.{name}", zero) for name in ("transitions", "start", "end"))
        if not all(float(np.abs(scores).max(initial=0)) < MOST_SCORE for scores in self._learned):
            raise ValueError("a score of a transition is not finite")
        self.scheme = None if head.scheme is None else scheme or head.scheme
        self._names: list[str] | None = list(head.tags)
        if self.scheme is not None:
            # In every scheme but IOB1 a tag can be rewritten without looking at its neighbours, if its span is well
            # formed, which only transitions can promise.
            prefixes = _PREFIXES.get(self.scheme) if head.is_chain else None
            self._names = None if prefixes is None else [prefixes.get(tag[:2], tag[:2]) + tag[2:] for tag in head.tags]

    @cached_property
    def chain(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Scores of transitions [K, K], starts [K] and ends [K], the illegal masked; zeros where none are learned."""
        # Of very many tags this is large, and plain tagging has no use for it.
        may_follow, may_start, may_end = self.head.allowed()
        transitions, start, end = self._learned
        return _masked(may_follow, transitions), _masked(may_start, start), _masked(may_end, end)

    def best(self, emissions: NDArray[Any], packing: Packing) -> NDArray[np.int64]:
        """Return the best tag indices, int64 [N], packed.

        Args:
            emissions: float [N, K], packed.
            packing: how.
        """
        return self._search.best(emissions, packing) if self.head.is_chain else emissions.argmax(1)

    @cached_property
    def _search(self) -> Viterbi:
        return Viterbi(*self.chain)

    def names(self, path: Sequence[int]) -> tuple[str, ...]:
        """Return the tags of one sentence, in the scheme of the answers."""
        if self._names is not None:
            return tuple([self._names[tag] for tag in path])
        assert self.scheme is not None
        return convert([self.head.tags[tag] for tag in path], Scheme.BIOES, self.scheme)


def _masked(allowed: Sequence[bool] | Sequence[Sequence[bool]], scores: NDArray[Any]) -> NDArray[np.float32]:
    return np.where(allowed, scores, FORBIDDEN).astype(np.float32)
