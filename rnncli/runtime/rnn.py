"""One direction of a layer of simple or independently recurrent networks over a packed batch, in NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.decoding.packed import Packing
from rnncli.runtime.activation import activate
from rnncli.runtime.steps import reading_steps


class RNNDirection:
    """A simple or an independently recurrent network, read forwards or backwards.

    Args:
        weight: float [H, H], recurrent weights; or [H], where each unit sees its own state alone.
        activation: one of ACTIVATIONS.
        reverse: whether sentences are read from their end.
        dtype: type to compute in.

    Reference:
        As `nn.cells.rnn.rnn_sequence` and `nn.cells.indrnn.indrnn_sequence`.
    """

    def __init__(
        self, weight: NDArray[Any], activation: str, *, reverse: bool, dtype: type[np.floating] = np.float32
    ) -> None:
        """Convert the weights."""
        self._weight = weight.astype(dtype)
        self._multiply = np.matmul if weight.ndim == 2 else np.multiply
        self._activation = activation
        self._reverse = reverse

    def fold_gates(self, gates: NDArray[Any]) -> NDArray[Any]:
        """Return the inputs' share of the states as it is."""
        return gates

    def run(self, gates: NDArray[Any], rows: NDArray[np.int64] | None, packing: Packing, states: NDArray[Any]) -> None:
        """Run over all steps from a zero state.

        Args:
            gates: float [N, H] packed, or [W, H] by word where `rows` is given.
            rows: int64 [N], row of `gates` for each packed token, or None.
            packing: how the tokens are packed.
            states: float [N, H], packed, filled in.
        """
        states[...] = gates if rows is None else np.take(gates, rows, axis=0, mode="clip")
        recurrent = np.empty((int(packing.batch_sizes[0]), states.shape[1]), dtype=states.dtype)
        for now, same, before in reading_steps(packing, reverse=self._reverse):
            products = recurrent[: same.stop - same.start]
            self._multiply(states[before], self._weight, out=products)
            shared = states[same]
            shared += products
            activate(states[now], self._activation)
