"""Copying saved numbers into place."""

from collections.abc import Mapping

import torch
from torch import Tensor


@torch.no_grad()
def copy_exactly(present: Mapping[str, Tensor], saved: Mapping[str, Tensor]) -> None:
    """Copy tensors in place, by name.

    Raises:
        KeyError: one is missing.
        ValueError: a shape is another one; `copy_` alone would stretch what is smaller.
    """
    for name, tensor in present.items():
        if tensor.shape != saved[name].shape:
            raise ValueError(f"{name} has shape {list(saved[name].shape)}, expected {list(tensor.shape)}")
        tensor.copy_(saved[name])


def with_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Put a word and a point in front of every name."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def without_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names begin with a word and a point, without these."""
    start = f"{prefix}."
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}
