"""The training loop of all tasks: a generator of events."""

import math
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from rnncli.config import TrainingConfig
from rnncli.errors import ResourceError
from rnncli.events import EpochDone, TrainingDone, TrainingEvent, TrainingStarted, UpdateDone
from rnncli.training.optimization import Optimizer


class Batch(Protocol):
    """What the trainer needs to know of a batch."""

    @property
    def num_tokens(self) -> int:
        """Tokens, padding left out."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a training run consists of.

    Attributes:
        model: called with a batch, returns float [B], each record's loss summed over its tokens, nats.
        batches: the batches of a pass, given its number from 1.
        batches_per_epoch: about how many they are.
        score: scores the model's present weights on the development data, in 0..1; None without such data.
        score_name: name of that score.
        stop: asked after every update; a reason to stop early, or None.
        deadline: of `time.monotonic()`, None for no limit; what follows training must fit behind it.
    """

    model: nn.Module
    batches: Callable[[int], Iterable[Batch]]
    batches_per_epoch: int
    score: Callable[[], float] | None
    score_name: str
    stop: Callable[[], str | None]
    deadline: float | None


def fit(
    run: Run, config: TrainingConfig, epochs: int, device: torch.device
) -> Generator[TrainingEvent, None, dict[str, Tensor]]:
    """Train a model.

    Args:
        run: model, data and score.
        config: optimisation settings.
        epochs: passes over the data.
        device: where the model lies.

    Yields:
        What happens.

    Returns:
        The state of the model, averaged over updates, at its best development score, or at the end without such data.

    Raises:
        ResourceError: the loss is not finite.
    """
    loop = _Loop(run, config, epochs, device)
    yield from loop.events()
    return loop.best_state


class _Loop:
    def __init__(self, run: Run, config: TrainingConfig, epochs: int, device: torch.device) -> None:
        self._run, self._config, self._epochs, self._device = run, config, epochs, device
        self._optimizer = Optimizer(run.model, config)
        planned = epochs * run.batches_per_epoch
        self._planned = min(planned, config.max_updates or planned)
        self._update = 0
        self._start = time.monotonic()
        self._best_score = -math.inf
        self._best_epoch = 0
        self.best_state: dict[str, Tensor] = {}

    def events(self) -> Generator[TrainingEvent, None, None]:
        model = self._run.model
        count = sum(p.numel() for p in model.parameters())
        yield TrainingStarted(count, self._planned, self._epochs, str(self._device), self._config.seed)
        reason: str | None = None
        epoch = 0
        while reason is None:
            epoch += 1
            began, loss, tokens = time.monotonic(), 0.0, 0
            for batch in self._run.batches(epoch):
                batch_loss, size = self._step(batch)
                loss, tokens = loss + batch_loss * size, tokens + size
                yield UpdateDone(self._update, epoch, batch_loss)
                reason = self._reason_to_stop()
                if reason:
                    break
            rate = tokens / max(time.monotonic() - began, 1e-9)
            score, is_best = self._evaluate(epoch)
            elapsed = time.monotonic() - self._start
            yield EpochDone(
                epoch, self._update, loss / max(tokens, 1), self._run.score_name, score, is_best, rate, elapsed
            )
            if reason is None and epoch == self._epochs:
                reason = "epochs"
            if reason is None and epoch - self._best_epoch >= self._config.patience:
                reason = "early stopping"
        score = self._best_score if self._run.score else None
        yield TrainingDone(reason, self._update, self._best_epoch, score, time.monotonic() - self._start)

    def _step(self, batch: Batch) -> tuple[float, int]:
        """Take one step; return the loss per token and the number of tokens."""
        self._run.model.train()
        size = batch.num_tokens
        with self._autocast():
            loss = self._run.model(batch).sum() / size
        value = float(loss.detach())
        if not math.isfinite(value):
            raise ResourceError(
                f"the loss is not finite at update {self._update + 1}",
                hint="look at the numbers of --vectors, or try another --seed",
            )
        loss.backward()
        self._optimizer.step(self._progress())
        self._update += 1
        return value, size

    def _autocast(self) -> AbstractContextManager[object]:
        if self._device.type == "cuda":
            return torch.autocast("cuda", dtype=torch.bfloat16)
        return nullcontext()

    def _progress(self) -> float:
        done = self._update / max(self._planned, 1)
        if self._run.deadline is None:
            return done
        elapsed = time.monotonic() - self._start
        return max(done, elapsed / max(self._run.deadline - self._start, 1e-9))

    def _reason_to_stop(self) -> str | None:
        if self._config.max_updates is not None and self._update >= self._config.max_updates:
            return "max updates"
        if self._run.deadline is not None and time.monotonic() >= self._run.deadline:
            return "time"
        return self._run.stop()

    def _evaluate(self, epoch: int) -> tuple[float | None, bool]:
        """Score the averaged weights and keep them if they are the best so far, or if nothing can be scored."""
        with self._optimizer.averaged():
            self._run.model.eval()
            score = None if self._run.score is None else self._run.score()
            is_best = score is None or score > self._best_score
            if is_best:
                self._best_score = -math.inf if score is None else score
                self._best_epoch = epoch
                self.best_state = {k: v.detach().cpu().clone() for k, v in self._run.model.state_dict().items()}
        return score, is_best
