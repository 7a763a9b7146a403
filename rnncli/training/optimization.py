"""Optimizer, learning-rate schedule and averaging of weights."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from rnncli.config import TrainingConfig
from rnncli.nn.hashed_table import HashedTable
from rnncli.training.copying import with_prefix, without_prefix
from rnncli.training.parameter_optimizer import ParameterOptimizer
from rnncli.training.table_optimizer import TableOptimizer


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


class Optimizer:
    """AdamW with clipping and an exponential moving average of the weights, in step for parameters and tables.

    Args:
        model: what is trained.
        config: settings.

    Reference:
        Loshchilov and Hutter 2019, arXiv:1711.05101. Averaging: Polyak and Juditsky 1992, with a decay that is small at
        first, so that the random start is forgotten.
    """

    def __init__(self, model: nn.Module, config: TrainingConfig) -> None:
        """Start the averages at the present weights."""
        self._config = config
        self._tables = [module for module in model.modules() if isinstance(module, HashedTable)]
        parameters = [p for p in model.parameters() if p.requires_grad]
        self._dense = ParameterOptimizer(parameters, config.weight_decay, config.ema_decay)
        self._sparse = TableOptimizer(self._tables, config.weight_decay, config.ema_decay)
        self._rate = 0.0
        self._scale = 1.0

    def accumulate(self) -> None:
        """Take the gradient of a part of a batch, to which that of the next part adds."""
        self._sparse.accumulate()

    def drop(self) -> None:
        """Forget the gradients since the last step."""
        self._dense.drop()
        self._sparse.drop()

    def halve_learning_rate(self) -> None:
        """Go on with half the learning rate."""
        self._scale /= 2

    def step(self, progress: float) -> None:
        """Clip the gradients and take a step.

        Args:
            progress: share of the training that is done, in 0..1.

        Raises:
            FloatingPointError: the gradient is not finite; no step is taken.
        """
        self._sparse.accumulate()
        changed = [*self._dense.parameters, *self._sparse.pending()]
        _clip([gradient for tensor in changed if (gradient := tensor.grad) is not None], self._config.clip_norm)
        self._rate = self._scale * learning_rate(progress, self._config)
        self._dense.step(self._rate)
        self._sparse.step(self._rate)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Put the averages into the model for a while."""
        self._sparse.catch_up(self._rate)
        weights = [*self._dense.parameters, *(table.weight for table in self._tables)]
        present = [p.detach().clone() for p in weights]
        _copy(weights, [*self._dense.averages, *self._sparse.averages()])
        try:
            yield
        finally:
            _copy(weights, present)

    def tensors(self) -> dict[str, Tensor]:
        """Return what the next steps depend on besides the weights themselves and `numbers`; nothing is copied."""
        return with_prefix("dense", self._dense.tensors()) | with_prefix("tables", self._sparse.tensors())

    def numbers(self) -> dict[str, Any]:
        """Return counts, decays and rates, as JSON values."""
        parts = {"dense": self._dense.numbers(), "tables": self._sparse.numbers()}
        return {"rate": self._rate, "scale": self._scale, **parts}

    def load(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Go on from what `tensors` and `numbers` returned, without the gradients since the last step.

        Raises:
            KeyError: something is missing.
            ValueError: a shape is another one.
        """
        self._dense.load(without_prefix("dense", tensors), numbers["dense"])
        self._sparse.load(without_prefix("tables", tensors), numbers["tables"])
        self._rate, self._scale = numbers["rate"], numbers["scale"]


@torch.no_grad()
def _clip(gradients: list[Tensor], clip_norm: float) -> None:
    """Scale gradients to a norm, all together, where it is larger.

    Raises:
        FloatingPointError: they are not finite.
    """
    norm = float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients))))
    if not math.isfinite(norm):
        raise FloatingPointError("the gradient is not finite")
    if norm > clip_norm:
        torch._foreach_mul_(gradients, clip_norm / norm)


@torch.no_grad()
def _copy(weights: list[nn.Parameter], values: list[Tensor]) -> None:
    for weight, value in zip(weights, values, strict=True):
        weight.copy_(value)
