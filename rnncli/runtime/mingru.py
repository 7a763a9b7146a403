"""One direction of a minGRU layer over a packed batch, in NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.decoding.packed import Packing
from rnncli.runtime.pooling import pool


class MinGRUDirection:
    """A minimal gated recurrent unit, read forwards or backwards.

    Its gates are functions of the token alone, so all but the running average is computed once a word.

    Args:
        hidden_size: units (H).
        reverse: whether sentences are read from their end.

    Reference:
        As `nn.cells.mingru.mingru_sequence`.
    """

    def __init__(self, hidden_size: int, *, reverse: bool) -> None:
        """Keep the settings."""
        self._size = hidden_size
        self._reverse = reverse

    def fold_gates(self, gates: NDArray[Any]) -> NDArray[Any]:
        """Turn update gates and candidates [..., 2H] in place into what is kept of the state and what is added."""
        keep, new = gates[..., : self._size], gates[..., self._size :]
        keep *= 0.5
        np.tanh(keep, out=keep)
        keep *= -0.5
        keep += 0.5
        new -= new * keep
        return gates

    def run(self, gates: NDArray[Any], rows: NDArray[np.int64] | None, packing: Packing, states: NDArray[Any]) -> None:
        """Run over all steps from a zero state.

        Args:
            gates: float [N, 2H] packed, or [W, 2H] by word where `rows` is given; folded.
            rows: int64 [N], row of `gates` for each packed token, or None.
            packing: how the tokens are packed.
            states: float [N, H], packed, filled in.
        """
        taken = gates.copy() if rows is None else np.take(gates, rows, axis=0, mode="clip")
        states[...] = taken[:, self._size :]
        pool(states, taken[:, : self._size], packing, reverse=self._reverse)
