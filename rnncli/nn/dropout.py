"""Dropout that knows sentences and words."""

import torch
from torch import Tensor


def locked_dropout(inputs: Tensor, rate: float) -> Tensor:
    """Drop the same units at every token of a sentence, and scale the others up.

    Args:
        inputs: float [B, T, D].
        rate: share to drop, from 0 to below 1.

    Reference:
        Gal and Ghahramani 2016, arXiv:1512.05287; named as in Merity et al. 2018, arXiv:1708.02182.
    """
    if rate == 0:
        return inputs
    keep = 1 - rate
    mask = torch.rand(inputs.shape[0], 1, inputs.shape[2], device=inputs.device) < keep
    return inputs * (mask / keep).to(inputs.dtype)


def word_dropout(inputs: Tensor, rate: float) -> Tensor:
    """Replace the whole vector of some tokens by zeros, without scaling.

    Args:
        inputs: float [B, T, D].
        rate: share of tokens, in 0..1.
    """
    if rate == 0:
        return inputs
    keep = torch.rand(inputs.shape[0], inputs.shape[1], 1, device=inputs.device) >= rate
    return inputs * keep
