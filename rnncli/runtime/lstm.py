"""One direction of an LSTM layer over a packed batch, in NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.decoding.packed import Packing


class LSTMDirection:
    """A long short-term memory, read forwards or backwards.

    As in `GRUDirection` the sigmoids are hyperbolic tangents of halves, so that one call of tanh serves all gates and
    the candidate.

    Args:
        weight: float [H, 4H], recurrent weights of output, input and forget gate and of the candidate.
        reverse: whether sentences are read from their end.
        dtype: type to compute in.

    Reference:
        As `nn.cells.lstm.lstm_sequence`.
    """

    def __init__(self, weight: NDArray[Any], *, reverse: bool, dtype: type[np.floating] = np.float32) -> None:
        """Fold the halves into the weights."""
        self._weight = weight.astype(dtype)
        self._reverse = reverse
        self._dtype = dtype
        self.fold_gates(self._weight)
        # The loop keeps states twice as large as they are, because a sigmoid is there without its last half.
        self._weight *= dtype(0.5)

    @property
    def hidden_size(self) -> int:
        """Units (H)."""
        return int(self._weight.shape[0])

    def fold_gates(self, gates: NDArray[Any]) -> NDArray[Any]:
        """Scale the inputs' share of the gates [..., 4H] in place as `run` wants it, and return it."""
        gates[..., : 3 * self.hidden_size] *= self._dtype(0.5)
        return gates

    def run(self, gates: NDArray[Any], rows: NDArray[np.int64] | None, packing: Packing, states: NDArray[Any]) -> None:
        """Run over all steps from a zero state.

        Args:
            gates: float [N, 4H] packed, or [W, 4H] by word where `rows` is given; folded.
            rows: int64 [N], row of `gates` for each packed token, or None.
            packing: how the tokens are packed.
            states: float [N, H], packed, filled in.
        """
        size = self.hidden_size
        batch_size = int(packing.batch_sizes[0])
        state = np.zeros((batch_size, size), dtype=self._dtype)
        memory = np.zeros_like(state)
        products = np.empty((batch_size, 4 * size), dtype=self._dtype)
        taken = np.empty_like(products)
        steps = range(len(packing.batch_sizes))
        for step in reversed(steps) if self._reverse else steps:
            count, offset = int(packing.batch_sizes[step]), int(packing.offsets[step])
            if rows is None:
                inputs = gates[offset : offset + count]
            else:
                inputs = taken[:count]
                np.take(gates, rows[offset : offset + count], axis=0, out=inputs, mode="clip")
            now = products[:count]
            np.matmul(state[:count], self._weight, out=now)
            now += inputs
            np.tanh(now, out=now)
            now[:, : 3 * size] += 1
            write, kept = now[:, size : 2 * size], memory[:count]
            write *= now[:, 3 * size :]
            kept *= now[:, 2 * size : 3 * size]
            kept += write
            kept *= 0.5
            after = state[:count]
            np.tanh(kept, out=after)
            after *= now[:, :size]
            states[offset : offset + count] = after
        states *= 0.5
