"""Breaks off work that takes far more of the processor's time than its size explains."""

import signal
import threading
from types import FrameType
from typing import ClassVar, Final

_TICK_S: Final = 0.25


class CpuLimitError(Exception):
    """The work took all the time that it had earned."""


class CpuLimit:
    """A budget of processor time that work earns by its size and spends by its duration.

    A timer of the process's own time takes from the budget, wherever the process is: inside of a long match of a
    regular expression, too, since those look for signals. Time that others take, on a busy machine, does not count. It
    holds in the main thread, on systems with such timers, and unless the program uses this timer or its signal for
    something else; elsewhere work goes on without a limit.

    Args:
        start_s: seconds that are there before anything was earned.
        most_s: seconds that can be saved up.

    Attributes:
        earned_s: raise it by what a piece of work earns, before the work begins.
        is_running: whether time is counted.
    """

    _counting: ClassVar["CpuLimit | None"] = None
    _has_handler: ClassVar[bool] = False

    def __init__(self, start_s: float, most_s: float) -> None:
        """Count nothing yet."""
        self.earned_s = start_s
        self.is_running = False
        self._most_s = most_s
        self._budget_s = 0.0
        self._next_tick_s = _TICK_S

    def start(self) -> None:
        """Begin to count, if that is possible here."""
        if threading.current_thread() is not threading.main_thread() or not self._handle_signal():
            return
        previous = signal.setitimer(signal.ITIMER_VIRTUAL, self._next_tick_s, _TICK_S)
        if previous[0]:
            signal.setitimer(signal.ITIMER_VIRTUAL, *previous)
            return
        self.is_running = True
        CpuLimit._counting = self

    def stop(self) -> None:
        """End to count; what is left of the current tick is kept for the next time."""
        CpuLimit._counting = None
        self.is_running = False
        self._next_tick_s = signal.setitimer(signal.ITIMER_VIRTUAL, 0)[0] or _TICK_S

    @classmethod
    def _handle_signal(cls) -> bool:
        """Install the handler once, for good: doing so each time would cost more than all the rest."""
        if not cls._has_handler and hasattr(signal, "setitimer"):
            if signal.getsignal(signal.SIGVTALRM) is not signal.SIG_DFL:
                return False
            signal.signal(signal.SIGVTALRM, cls._tick)
            cls._has_handler = True
        return cls._has_handler

    @classmethod
    def _tick(cls, _number: int, _frame: FrameType | None) -> None:
        limit = cls._counting
        if limit is None:  # the last tick may arrive late
            return
        limit._budget_s = min(limit._budget_s + limit.earned_s, limit._most_s) - _TICK_S
        limit.earned_s = 0.0
        if limit._budget_s <= 0:
            limit.stop()
            raise CpuLimitError
