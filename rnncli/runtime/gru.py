"""One direction of a GRU layer over a packed batch, in NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.decoding.packed import Packing
from rnncli.kernels.gru import Places, load_gru_kernel


class GRUDirection:
    """A gated recurrent unit, read forwards or backwards: by the kernel where there is one, otherwise in NumPy.

    In NumPy a sigmoid is half a hyperbolic tangent of half its argument, plus a half. With those halves folded into
    the weights one call of tanh serves both gates, and NumPy's tanh is vectorised where its exp-and-divide is not one
    pass.

    Args:
        weight: float [H, 3H], recurrent weights of reset, update and candidate.
        bias: float [H], recurrent bias of the candidate.
        reverse: whether sentences are read from their end.
        dtype: type to compute in.

    Reference:
        As `nn.cells.gru_sequence`.
    """

    def __init__(
        self, weight: NDArray[Any], bias: NDArray[Any], *, reverse: bool, dtype: type[np.floating] = np.float32
    ) -> None:
        """Fold the halves into the weights, unless the kernel runs."""
        self._kernel = load_gru_kernel()
        scale = dtype(0.5 if self._kernel is None else 1)
        self._weight = np.ascontiguousarray(weight, dtype) * scale
        self._bias = np.ascontiguousarray(bias, dtype) * scale
        self._reverse = reverse
        self._dtype = dtype

    @property
    def hidden_size(self) -> int:
        """Units (H)."""
        return int(self._weight.shape[0])

    def fold_gates(self, gates: NDArray[Any]) -> NDArray[Any]:
        """Scale the inputs' share of the gates [..., 3H] in place as `run` wants it, and return it."""
        if self._kernel is None:
            gates[..., : 2 * self.hidden_size] *= self._dtype(0.5)
        return gates

    def run(self, gates: NDArray[Any], rows: NDArray[np.int64] | None, packing: Packing, states: NDArray[Any]) -> None:
        """Run over all steps from a zero state.

        Args:
            gates: float [N, 3H] packed, or [W, 3H] by word where `rows` is given; folded.
            rows: int64 [N], row of `gates` for each packed token, or None.
            packing: how the tokens are packed.
            states: float [N, H], packed, filled in.
        """
        size = self.hidden_size
        if self._kernel is not None:
            places = Places(np.arange(len(packing.lengths)), packing.lengths, packing.offsets)
            self._kernel.forward(places, gates, rows, self._weight, self._bias, states, reverse=self._reverse)
            return
        batch_size = int(packing.batch_sizes[0])
        state = np.zeros((batch_size, size), dtype=self._dtype)
        recurrent = np.empty((batch_size, 3 * size), dtype=self._dtype)
        taken = np.empty_like(recurrent)
        steps = range(len(packing.batch_sizes))
        for step in reversed(steps) if self._reverse else steps:
            count, offset = int(packing.batch_sizes[step]), int(packing.offsets[step])
            # Falling lengths: the sequences that have a token here are always the first ones.
            before, products = state[:count], recurrent[:count]
            if rows is None:
                inputs = gates[offset : offset + count]
            else:
                inputs = taken[:count]
                np.take(gates, rows[offset : offset + count], axis=0, out=inputs, mode="clip")
            np.matmul(before, self._weight, out=products)
            both, candidate = products[:, : 2 * size], products[:, 2 * size :]
            both += inputs[:, : 2 * size]
            np.tanh(both, out=both)
            both += 1
            candidate += self._bias
            candidate *= both[:, :size]
            candidate += inputs[:, 2 * size :]
            np.tanh(candidate, out=candidate)
            update = both[:, size:]
            update *= 0.5
            before -= candidate
            before *= update
            before += candidate
            states[offset : offset + count] = before
