"""AdamW and averaging for parameters of which every update changes every number."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from rnncli.training.copying import copy_exactly

_BETA1, _BETA2, _EPSILON = 0.9, 0.99, 1e-8


class ParameterOptimizer:
    """What `torch.optim.AdamW` does, by the same function, and a moving average of the weights.

    Making that class imports torch's compiler, which would take longer than a short training.

    Args:
        parameters: what is trained.
        weight_decay: decoupled, per unit of learning rate.
        ema_decay: of the moving average.

    Attributes:
        parameters: as given.
        averages: the moving average of each.

    Reference:
        Loshchilov and Hutter 2019, arXiv:1711.05101.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], weight_decay: float, ema_decay: float) -> None:
        """Start with moments of zero and the averages at the present weights."""
        self.parameters = list(parameters)
        self.averages = [p.detach().clone() for p in self.parameters]
        self._first = [torch.zeros_like(p, requires_grad=False) for p in self.parameters]
        self._second = [torch.zeros_like(p, requires_grad=False) for p in self.parameters]
        self._steps = [torch.zeros((), device=p.device) for p in self.parameters]
        self._weight_decay = weight_decay
        self._ema_decay = ema_decay
        self._update = 0

    def drop(self) -> None:
        """Forget the gradients since the last update."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Update the parameters that have a gradient, and forget it; the averages of all move.

        Args:
            learning_rate: of this update.
        """
        chosen = [i for i, parameter in enumerate(self.parameters) if parameter.grad is not None]
        adamw(
            [self.parameters[i] for i in chosen],
            [gradient for parameter in self.parameters if (gradient := parameter.grad) is not None],
            [self._first[i] for i in chosen],
            [self._second[i] for i in chosen],
            [],
            [self._steps[i] for i in chosen],
            fused=True,
            amsgrad=False,
            beta1=_BETA1,
            beta2=_BETA2,
            lr=learning_rate,
            weight_decay=self._weight_decay,
            eps=_EPSILON,
            maximize=False,
        )
        self.drop()
        self._update += 1
        decay = min(self._ema_decay, self._update / (9 + self._update))
        torch._foreach_lerp_(self.averages, [p.detach() for p in self.parameters], 1 - decay)

    def tensors(self) -> dict[str, Tensor]:
        """Return what the next updates depend on besides the parameters themselves and `numbers`; nothing is copied."""
        found: dict[str, Tensor] = {}
        lists = {"first": self._first, "second": self._second, "step": self._steps, "average": self.averages}
        for name, tensors in lists.items():
            found |= {f"{i}.{name}": tensor for i, tensor in enumerate(tensors)}
        return found

    def numbers(self) -> dict[str, int]:
        """Return the count of updates, as a JSON value."""
        return {"update": self._update}

    def load(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, int]) -> None:
        """Go on from what `tensors` and `numbers` returned, without the gradients since the last update.

        Raises:
            KeyError: something is missing.
            ValueError: a shape is another one.
        """
        copy_exactly(self.tensors(), tensors)
        self._update = numbers["update"]
        self.drop()
