"""Optimizer, learning-rate schedule and averaging of weights."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from rnncli.config import TrainingConfig


def build_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """AdamW over all parameters, fused into one pass.

    Reference:
        Loshchilov and Hutter 2019, arXiv:1711.05101.
    """
    return torch.optim.AdamW(
        model.parameters(),
        lr=config.learning_rate,
        betas=(0.9, 0.99),
        weight_decay=config.weight_decay,
        fused=True,
    )


def learning_rate(progress: float, config: TrainingConfig) -> float:
    """Linear warm-up, then half a cosine down to zero.

    Args:
        progress: share of the training that is done, in 0..1.
        config: peak and warm-up.

    Reference:
        Loshchilov and Hutter 2017, arXiv:1608.03983, without restarts.
    """
    warm = min(1.0, progress / config.warmup) if config.warmup else 1.0
    return config.learning_rate * max(warm, 0.01) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


class AveragedWeights:
    """Exponential moving average of a model's parameters.

    Args:
        model: whose parameters are followed.
        decay: weight of the past at each update; smaller at first, so that the random start is forgotten.

    Reference:
        Polyak and Juditsky 1992; the warm-up of the decay as in TensorFlow's ExponentialMovingAverage.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        """Copy the present weights."""
        self._parameters = list(model.parameters())
        self._decay = decay
        self.averages = [p.detach().clone() for p in self._parameters]
        self.num_updates = 0

    @torch.no_grad()
    def update(self) -> None:
        """Move the averages towards the present weights."""
        decay = min(self._decay, (1 + self.num_updates) / (10 + self.num_updates))
        self.num_updates += 1
        torch._foreach_lerp_(self.averages, [p.detach() for p in self._parameters], 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Put the averages into the model for a while."""
        present = [p.detach().clone() for p in self._parameters]
        self._copy(self.averages)
        try:
            yield
        finally:
            self._copy(present)

    @torch.no_grad()
    def _copy(self, values: list[Tensor]) -> None:
        for parameter, value in zip(self._parameters, values, strict=True):
            parameter.copy_(value)
