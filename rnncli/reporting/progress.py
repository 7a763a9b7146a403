"""Training as a person watches it: a moving bar on a terminal, one stable line an epoch elsewhere."""

import sys
from collections.abc import Iterable
from typing import TextIO

from rnncli.events import (
    DataRead,
    EpochDone,
    ModelWritten,
    Scored,
    TrainingDone,
    TrainingEvent,
    TrainingResumed,
    TrainingStarted,
    UpdateDone,
    Warned,
)
from rnncli.reporting.tables import accuracy_line, score_table


class TrainingReport:
    """Prints training events on standard error.

    Args:
        stream: where to print.
        fancy: whether a moving bar may be drawn.
        quiet: print nothing but warnings.
        verbose: print a line every hundred updates too.
    """

    def __init__(
        self, stream: TextIO = sys.stderr, *, fancy: bool = False, quiet: bool = False, verbose: bool = False
    ) -> None:
        """Start without a bar."""
        self._stream = stream
        self._quiet = quiet
        self._verbose = verbose
        self._bar = _Bar(stream) if fancy and not quiet else None

    def watch(self, events: Iterable[TrainingEvent]) -> list[TrainingEvent]:
        """Print events as they come; return all but those of single updates."""
        kept: list[TrainingEvent] = []
        try:
            for event in events:
                self._show(event)
                if not isinstance(event, UpdateDone):
                    kept.append(event)
        finally:
            if self._bar:
                self._bar.stop()
        return kept

    def _show(self, event: TrainingEvent) -> None:
        if self._bar and isinstance(event, TrainingStarted | UpdateDone):
            self._bar.show(event)
        if self._bar and isinstance(event, TrainingDone):
            self._bar.stop()
        if isinstance(event, DataRead):
            for warning in event.warnings:
                self._print(f"warning: {warning}", always=True)
        if isinstance(event, Warned):
            self._print(f"warning: {event.message}", always=True)
        if self._verbose and isinstance(event, UpdateDone) and event.update % 100 == 0:
            self._print(f"update {event.update}  loss {event.loss:.4f}")
        for line in _lines(event):
            self._print(line)

    def _print(self, line: str, *, always: bool = False) -> None:
        if self._quiet and not always:
            return
        if self._bar:
            self._bar.print(line)
        else:
            self._stream.write(line + "\n")
            self._stream.flush()


def _lines(event: TrainingEvent) -> list[str]:
    match event:
        case DataRead():
            labels = ", ".join(event.labels[:12]) + (" ..." if len(event.labels) > 12 else "")
            return [
                f"data      {event.description}",
                f"          {event.num_train:,} sentences to learn from ({event.num_tokens:,} tokens), "
                f"{event.num_dev:,} {'held out ' if event.held_out else ''}for development",
                f"labels    {labels}",
            ]
        case TrainingStarted():
            return [
                f"training  {event.num_parameters / 1e6:.2f} M parameters, up to {event.num_updates:,} updates in "
                f"{event.num_epochs} epochs, on {event.device}, seed {event.seed}"
            ]
        case TrainingResumed(update=0):
            return [f"resumed   nothing: there is no {event.path}, so training starts from the beginning"]
        case TrainingResumed():
            return [f"resumed   {event.path}, after {event.epoch} epochs and {event.update:,} updates"]
        case EpochDone():
            score = "-" if event.dev_score is None else f"{event.dev_score:.4f}"
            best = " *" if event.is_best and event.dev_score is not None else ""
            return [
                f"epoch {event.epoch:<3} loss {event.loss:.4f}  dev {event.score_name} {score}  "
                f"{event.tokens_per_s:,.0f} tokens/s  {event.elapsed_s:.0f} s{best}"
            ]
        case TrainingDone():
            return [f"stopped   {event.reason}, after {event.updates:,} updates; kept epoch {event.best_epoch}"]
        case Scored():
            if "f1" in event.scores:
                return ["", *score_table(event.part, event.scores, event.per_label)]
            return ["", accuracy_line(f"{event.part} {event.task}", event.scores)]
        case ModelWritten():
            return ["", f"wrote {event.path} ({event.num_bytes / 1e6:.1f} MB)"]
        case _:
            return []


class _Bar:
    """Rich's progress bar, imported only where a terminal asks for it."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(file=stream, highlight=False, markup=False),
            transient=True,
        )
        self._task = self._progress.add_task("update", total=None)

    def show(self, event: TrainingStarted | UpdateDone) -> None:
        """Move the bar."""
        if isinstance(event, TrainingStarted):
            self._progress.update(self._task, total=event.num_updates)
            self._progress.start()
        else:
            total = self._progress.tasks[0].total or event.update
            self._progress.update(self._task, completed=event.update, total=max(total, event.update))

    def print(self, line: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(line, soft_wrap=True)

    def stop(self) -> None:
        """Remove the bar."""
        self._progress.stop()
