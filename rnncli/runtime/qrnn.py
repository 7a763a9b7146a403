"""One direction of a QRNN layer over a packed batch, in NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.decoding.packed import Packing
from rnncli.runtime.pooling import pool
from rnncli.runtime.steps import reading_steps


class QRNNDirection:
    """A quasi-recurrent network over two tokens, read forwards or backwards.

    A token's row holds its share of its own gates and then its share of those of the token that is read next, so that
    both are computed once a word.

    Args:
        hidden_size: units (H).
        reverse: whether sentences are read from their end.

    Reference:
        As `nn.cells.qrnn.QRNNLayer`.
    """

    def __init__(self, hidden_size: int, *, reverse: bool) -> None:
        """Keep the settings."""
        self._size = hidden_size
        self._reverse = reverse

    def fold_gates(self, gates: NDArray[Any]) -> NDArray[Any]:
        """Halve in place what becomes a sigmoid in the two shares [..., 6H], and return them."""
        gates[..., : 2 * self._size] *= 0.5
        gates[..., 3 * self._size : 5 * self._size] *= 0.5
        return gates

    def run(self, gates: NDArray[Any], rows: NDArray[np.int64] | None, packing: Packing, states: NDArray[Any]) -> None:
        """Run over all steps from a zero state.

        Args:
            gates: float [N, 6H] packed, or [W, 6H] by word where `rows` is given; folded.
            rows: int64 [N], row of `gates` for each packed token, or None.
            packing: how the tokens are packed.
            states: float [N, H], packed, filled in.
        """
        size = self._size
        taken = gates.copy() if rows is None else np.take(gates, rows, axis=0, mode="clip")
        own, passed_on = taken[:, : 3 * size], taken[:, 3 * size :]
        for _, same, before in reading_steps(packing, reverse=self._reverse):
            now = own[same]
            now += passed_on[before]
        np.tanh(own, out=own)
        sigmoids = own[:, : 2 * size]
        sigmoids *= 0.5
        sigmoids += 0.5
        keep, out, new = own[:, :size], own[:, size : 2 * size], own[:, 2 * size :]
        np.subtract(new, new * keep, out=states)
        pool(states, keep, packing, reverse=self._reverse)
        states *= out
