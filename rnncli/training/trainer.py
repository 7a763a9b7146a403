"""The training loop of all tasks: a generator of events."""

import math
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import islice

import torch
from torch import Tensor, nn

from rnncli.config import TrainingConfig
from rnncli.errors import ModelError, ResourceError
from rnncli.events import EpochDone, TrainingDone, TrainingEvent, TrainingStarted, UpdateDone, Warned
from rnncli.metrics.standard_error import standard_error
from rnncli.training.checkpoint import Progress, StateFile, TrainingState
from rnncli.training.copying import copy_exactly, with_prefix, without_prefix
from rnncli.training.memory import Divisible, in_parts, is_out_of_memory
from rnncli.training.optimization import Optimizer
from rnncli.training.seeding import random_states, seed_everything, set_random_states

CHANCE = 0.5
"""Standard errors by which one of two scores on the same data must be better to be taken for better."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a training run consists of.

    Attributes:
        model: called with a batch, returns float [B], each record's loss summed over its tokens, nats.
        batches: the batches of a pass, given its number from 1; the same ones whenever they are asked for.
        batches_per_epoch: about how many they are.
        score: scores the model's present weights on the development data, in 0..1; None without such data.
        score_name: name of that score.
        num_scored: cases that it is counted over, such as gold spans, which tells how far it can be trusted.
        stop: asked after every update; a reason to interrupt the training, or None.
        deadline: of `time.monotonic()`, None for no limit; what follows training must fit behind it.
        state_file: keeps the state of the run, None to keep none.
        resumed: the state to go on from, None to start from the beginning.
    """

    model: nn.Module
    batches: Callable[[int], Iterable[Divisible]]
    batches_per_epoch: int
    score: Callable[[], float] | None
    score_name: str
    num_scored: int
    stop: Callable[[], str | None]
    deadline: float | None
    state_file: StateFile | None = None
    resumed: TrainingState | None = None


@dataclass(frozen=True, slots=True)
class Fitted:
    """What comes out of training.

    Attributes:
        state: of the model, averaged over updates, at its best development score, or at the end without such data.
        interrupted: whether training was told to stop before it was done, so that it can go on from its state.
    """

    state: dict[str, Tensor]
    interrupted: bool


def fit(run: Run, config: TrainingConfig, epochs: int, device: torch.device) -> Generator[TrainingEvent, None, Fitted]:
    """Train a model.

    A run that goes on from its state takes the course that it would have taken without the interruption, to the bit on
    a CPU. Where loss or gradient is not finite, it goes back to its start or to the last end of a pass (after an
    interruption since then: to where it was resumed), with half the learning rate and other random numbers, once.

    Args:
        run: model, data and score.
        config: optimisation settings.
        epochs: passes over the data.
        device: where the model lies.

    Yields:
        What happens.

    Returns:
        The chosen weights.

    Raises:
        ModelError: the state to go on from does not fit the model.
        ResourceError: loss or gradient is not finite for the second time, or memory does not suffice for one record.
    """
    loop = _Loop(run, config, epochs, device)
    try:
        yield from loop.events()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise ResourceError(
            "out of memory while training", hint="--device cpu uses the memory of the machine"
        ) from error
    return Fitted(loop.best_state, loop.interrupted)


class _Loop:
    def __init__(self, run: Run, config: TrainingConfig, epochs: int, device: torch.device) -> None:
        self._run, self._config, self._epochs, self._device = run, config, epochs, device
        self._optimizer = Optimizer(run.model, config)
        planned = epochs * run.batches_per_epoch
        self._planned = min(planned, config.max_updates or planned)
        self._progress = Progress()
        self.best_state: dict[str, Tensor] = {}
        self.interrupted = False
        if run.resumed is not None:
            self._resume(run.resumed)
        self._start = time.monotonic() - self._progress.elapsed_s
        self._epoch_start = time.monotonic() - self._progress.epoch_s
        self._deadline = None if run.deadline is None else run.deadline - self._progress.elapsed_s
        self._fallback = self._copied_state()
        self._warned: set[str] = set()

    def events(self) -> Generator[TrainingEvent, None, None]:
        count = sum(p.numel() for p in self._run.model.parameters())
        yield TrainingStarted(count, self._planned, self._epochs, str(self._device), self._config.seed)
        reason = self._reason_after_epoch()
        while reason is None:
            reason = (yield from self._epoch()) or self._reason_after_epoch()
        progress = self._progress
        score = progress.kept_score if self._run.score else None
        yield TrainingDone(reason, progress.update, progress.best_epoch, score, time.monotonic() - self._start)

    def _epoch(self) -> Generator[TrainingEvent, None, str | None]:
        """Take the rest of a pass and score it; return why training should stop, or None."""
        progress, reason = self._progress, None
        self._epoch_start = time.monotonic() - progress.epoch_s
        for batch in islice(self._run.batches(progress.epoch + 1), progress.batches, None):
            try:
                loss, num_parts = self._step(batch)
            except FloatingPointError as error:
                yield self._go_back(error)
                return None
            if num_parts > 1:
                yield from self._warn_once(
                    "memory", f"not enough memory for a whole batch: took it in {num_parts} parts"
                )
            yield UpdateDone(progress.update, progress.epoch + 1, loss)
            reason = self._reason_to_stop()
            if reason:
                break
            yield from self._save(after_epoch=False)
        # Scoring brings all rows of the tables up to date, which an uninterrupted run does at the end of a pass only.
        if self.interrupted:
            yield from self._save(after_epoch=None)
        yield self._scored()
        if reason is None:
            self._fallback = self._copied_state()
            yield from self._save(after_epoch=True)
        return reason

    def _step(self, batch: Divisible) -> tuple[float, int]:
        """Take one step; return the loss per token, and the number of parts in which the batch was taken."""
        self._run.model.train()
        size = batch.num_tokens
        loss, num_parts = in_parts(batch, lambda part: self._add_gradient(part, size), self._optimizer.drop)
        self._optimizer.step(self._share_done())
        progress = self._progress
        progress.update, progress.batches = progress.update + 1, progress.batches + 1
        progress.loss, progress.tokens = progress.loss + loss * size, progress.tokens + size
        return loss, num_parts

    def _add_gradient(self, part: Divisible, size: int) -> float:
        with self._autocast():
            loss = self._run.model(part).sum() / size
        value = float(loss.detach())
        if not math.isfinite(value):
            raise FloatingPointError("the loss is not finite")
        loss.backward()
        self._optimizer.accumulate()
        return value

    def _autocast(self) -> AbstractContextManager[object]:
        if self._config.precision == "bf16":
            return torch.autocast(self._device.type, dtype=torch.bfloat16)
        return nullcontext()

    def _share_done(self) -> float:
        done = self._progress.update / max(self._planned, 1)
        if self._deadline is None:
            return done
        elapsed = time.monotonic() - self._start
        return max(done, elapsed / max(self._deadline - self._start, 1e-9))

    def _reason_to_stop(self) -> str | None:
        if self._config.max_updates is not None and self._progress.update >= self._config.max_updates:
            return "max updates"
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return "time"
        reason = self._run.stop()
        self.interrupted = reason is not None
        return reason

    def _reason_after_epoch(self) -> str | None:
        progress = self._progress
        if progress.epoch == self._epochs:
            return "epochs"
        if progress.epoch and progress.epoch - progress.best_epoch >= self._config.patience:
            return "early stopping"
        return None

    def _scored(self) -> EpochDone:
        """Score the averaged weights and keep them if they are the best so far, or if nothing can be scored."""
        progress = self._progress
        progress.epoch += 1
        rate = progress.tokens / max(time.monotonic() - self._epoch_start, 1e-9)
        with self._optimizer.averaged():
            self._run.model.eval()
            score = None if self._run.score is None else self._run.score()
            is_best = score is None or self._is_as_good(score)
            if is_best:
                progress.kept_score, progress.best_epoch = score, progress.epoch
                self.best_state = {k: v.detach().cpu().clone() for k, v in self._run.model.state_dict().items()}
        loss, elapsed = progress.loss / max(progress.tokens, 1), time.monotonic() - self._start
        progress.batches, progress.loss, progress.tokens, progress.epoch_s = 0, 0.0, 0, 0.0
        return EpochDone(progress.epoch, progress.update, loss, self._run.score_name, score, is_best, rate, elapsed)

    def _is_as_good(self, score: float) -> bool:
        """Tell whether no score so far was better by more than chance explains.

        Among passes that are as good as equal the last one is kept: the learning rate falls towards the end, and the
        best of several noisy scores says little. Half a standard error is about what two passes differ by, since they
        agree on most cases.
        """
        best = max(score, self._progress.best_score or 0.0)
        self._progress.best_score = best
        return score >= best - CHANCE * standard_error(best, self._run.num_scored)

    def _go_back(self, error: FloatingPointError) -> Warned:
        """Go back to where all was well, once."""
        failed = self._progress.update + 1
        if self._progress.retried:
            # What is kept leads to the same failure again.
            if self._run.state_file:
                self._run.state_file.remove()
            hint = "look at the numbers of --vectors, or try another --seed"
            raise ResourceError(f"{error} at update {failed}, for the second time", hint=hint)
        self._restore(self._fallback)
        self._progress.retried = True
        self._optimizer.halve_learning_rate()
        seed_everything(self._config.seed, stream=1)
        update = self._progress.update
        return Warned(f"{error} at update {failed}: back to update {update}, with half the learning rate")

    def _save(self, *, after_epoch: bool | None) -> Generator[TrainingEvent, None, None]:
        """Save the state if it is due; None saves it in any case."""
        file = self._run.state_file
        if file is None or not (after_epoch is None or file.is_due(after_epoch=after_epoch)):
            return
        try:
            file.save(self._state())
        except ResourceError as error:
            yield from self._warn_once("state", f"{error.message}; training goes on, but could not be resumed")

    def _warn_once(self, subject: str, message: str) -> Generator[TrainingEvent, None, None]:
        if subject not in self._warned:
            self._warned.add(subject)
            yield Warned(message)

    def _state(self) -> TrainingState:
        """Return the present state; its tensors are those of the run, not copies."""
        trained = self._trained()
        tensors = with_prefix("model", trained)
        if self.best_state:
            tensors |= with_prefix("best", {name: self.best_state[name] for name in trained})
        tensors |= with_prefix("optimizer", self._optimizer.tensors())
        tensors |= with_prefix("random", random_states(self._device))
        now = time.monotonic()
        epoch_s = now - self._epoch_start if self._progress.batches else 0.0
        progress = replace(self._progress, elapsed_s=now - self._start, epoch_s=epoch_s)
        return TrainingState(progress, self._optimizer.numbers(), tensors)

    def _copied_state(self) -> TrainingState:
        state = self._state()
        # The best weights are replaced as a whole and never changed, so they need no copy.
        copied = {name: t if name.startswith("best.") else t.detach().clone() for name, t in state.tensors.items()}
        return replace(state, tensors=copied)

    def _restore(self, state: TrainingState) -> None:
        copy_exactly(self._trained(), without_prefix("model", state.tensors))
        self._optimizer.load(without_prefix("optimizer", state.tensors), state.optimizer)
        set_random_states(without_prefix("random", state.tensors), self._device)
        best = without_prefix("best", state.tensors)
        if best:
            constant = {k: v.detach().cpu().clone() for k, v in self._run.model.state_dict().items() if k not in best}
            self.best_state = constant | best
        self._progress = replace(state.progress)

    def _resume(self, state: TrainingState) -> None:
        try:
            self._restore(state)
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            raise ModelError(f"the training state does not fit the model: {error}") from error

    def _trained(self) -> dict[str, Tensor]:
        """Return what training changes of the model: all but its buffers."""
        constant = {name for name, _ in self._run.model.named_buffers()}
        return {name: tensor for name, tensor in self._run.model.state_dict().items() if name not in constant}
