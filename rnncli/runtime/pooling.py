"""Running averages under a gate, in NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.decoding.packed import Packing
from rnncli.runtime.steps import reading_steps


def pool(states: NDArray[Any], keep: NDArray[Any], packing: Packing, *, reverse: bool) -> None:
    """Add to every step the share that it keeps of the step before: the loop of `nn.cells.pooling.pool_sequence`.

    Args:
        states: float [N, H], packed: what each step takes from its candidate; changed in place into the states.
        keep: float [N, H], packed shares in 0..1.
        packing: how the tokens are packed.
        reverse: whether sentences are read from their end.
    """
    kept = np.empty((int(packing.batch_sizes[0]), states.shape[1]), dtype=states.dtype)
    for _, same, before in reading_steps(packing, reverse=reverse):
        share = kept[: same.stop - same.start]
        np.multiply(states[before], keep[same], out=share)
        now = states[same]
        now += share
