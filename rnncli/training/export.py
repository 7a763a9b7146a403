"""From a trained model to the arrays of its file."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

_SMALL = 4096


def to_arrays(state: Mapping[str, Tensor]) -> dict[str, NDArray[Any]]:
    """Convert a model's state to what is stored: float16 for large tensors, float32 for small ones.

    Half precision is declared by the stored type. The development scores that are printed are those of the stored
    numbers, so what it costs is in them.
    """
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in state.items()}
    return {
        name: array.astype(np.float16 if array.size > _SMALL else np.float32, copy=False)
        for name, array in arrays.items()
    }
