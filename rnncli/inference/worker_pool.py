"""Processes that share work, forked from this one."""

import fcntl
import os
import pickle
import select
import signal
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any, BinaryIO, NoReturn, Self

from rnncli.errors import ResourceError

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Failure:
    """What came instead of an answer.

    Attributes:
        error: to raise.
    """

    error: Exception


@dataclass(slots=True)
class _Worker:
    number: int
    tasks: BinaryIO
    answers: BinaryIO
    is_busy: bool = False


class WorkerPool:
    """Forked processes, each of which answers one task at a time; they end with the `with` block, however that ends.

    They share what this process has loaded, and have neither its input nor its output. A signal that ends this process
    ends them too; they themselves heed none of those that a terminal or a shell sends to all processes of a job.

    Args:
        answer: what a worker does with a task; tasks and answers travel pickled.
        count: of workers.
    """

    def __init__(self, answer: Callable[[Any], Any], count: int) -> None:
        """Start nothing yet."""
        self._answer = answer
        self._count = count
        self._workers: list[_Worker] = []
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """Start the workers.

        Raises:
            ResourceError: the system allows no more processes.
        """
        # A signal between fork and the worker's own settings would run this process's handlers in the worker.
        usual = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            for number in (signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) is signal.SIG_DFL:
                    self._handlers[number] = signal.signal(number, self._end)
            # A reader that has left must not end this process before it has ended its workers.
            self._handlers[signal.SIGPIPE] = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
            for _ in range(self._count):
                self._workers.append(self._start(usual))
        except OSError as error:
            self.__exit__()
            raise ResourceError(f"cannot start a process: {error.strerror}", hint="--jobs 1") from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, usual)
        return self

    def __exit__(self, _kind: object = None, error: BaseException | None = None, _traceback: object = None) -> None:
        """End the workers, whatever they are doing."""
        self._kill()
        for worker in self._workers:
            os.waitpid(worker.number, 0)
            worker.answers.close()
            with suppress(OSError):  # half a task may still be in the buffer
                worker.tasks.close()
        self._workers = []
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if isinstance(error, BrokenPipeError):  # what the signal was held back for is done
            os.kill(os.getpid(), signal.SIGPIPE)

    def is_busy(self, index: int) -> bool:
        """Tell whether a worker has a task."""
        return self._workers[index].is_busy

    def send(self, index: int, task: object) -> None:
        """Give a task to a worker that has none; if the worker has died, `receive` will tell."""
        worker = self._workers[index]
        worker.is_busy = True
        with suppress(BrokenPipeError):
            pickle.dump(task, worker.tasks, pickle.HIGHEST_PROTOCOL)
            worker.tasks.flush()

    def wait(self, descriptor: int | None = None) -> tuple[list[int], bool]:
        """Wait until a worker has something to say, or until an input has.

        Args:
            descriptor: of the input, None for none.

        Returns:
            Indices of the workers to `receive` from, and whether the input can be read.
        """
        poll = select.poll()
        indices = {worker.answers.fileno(): i for i, worker in enumerate(self._workers) if worker.is_busy}
        for number in indices if descriptor is None else (*indices, descriptor):
            poll.register(number, select.POLLIN)
        ready = [number for number, _ in poll.poll()]
        return [indices[number] for number in ready if number in indices], descriptor in ready

    def receive(self, index: int) -> Any:
        """Return a worker's answer, or a `Failure`."""
        worker = self._workers[index]
        worker.is_busy = False
        try:
            return pickle.load(worker.answers)
        except (EOFError, pickle.UnpicklingError):
            end = os.waitid(os.P_PID, worker.number, os.WEXITED | os.WNOWAIT)
            is_killed = end is not None and end.si_code != os.CLD_EXITED
            how = f"was killed by {signal.Signals(end.si_status).name}" if end and is_killed else "has ended by itself"
            return Failure(ResourceError(f"a worker process {how}", hint="--jobs 1"))

    def _start(self, usual_signals: set[int]) -> _Worker:
        (received, tasks), (answers, sent) = _pipe(), _pipe()
        number = os.fork()
        if number == 0:
            self._run(received, sent, (tasks, answers), usual_signals)
        os.close(received)
        os.close(sent)
        return _Worker(number, open(tasks, "wb"), open(answers, "rb"))

    def _run(self, tasks: int, answers: int, others: Sequence[int], usual_signals: set[int]) -> NoReturn:
        """Be a worker to the end of the process."""
        try:
            for number in _ENDING:
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_SETMASK, usual_signals)
            # Of a pipe whose other end is open in a third process nobody would ever see the end.
            for worker in self._workers:
                others = (*others, worker.tasks.fileno(), worker.answers.fileno())
            for descriptor in others:
                os.close(descriptor)
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, 0)
            os.dup2(nothing, 1)
            with open(tasks, "rb") as received, open(answers, "wb") as sent, suppress(EOFError, BrokenPipeError):
                while True:
                    self._answer_one(received, sent)
        finally:
            os._exit(0)  # nothing of what the other process has prepared for its end is to happen here

    def _answer_one(self, received: BinaryIO, sent: BinaryIO) -> None:
        task = pickle.load(received)
        try:
            answer = self._answer(task)
        except Exception as error:
            answer = Failure(_portable(error))
        pickle.dump(answer, sent, pickle.HIGHEST_PROTOCOL)
        sent.flush()

    def _end(self, number: int, _frame: FrameType | None) -> None:
        """End by a signal, and the workers too."""
        self._kill()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _kill(self) -> None:
        for worker in self._workers:
            os.kill(worker.number, signal.SIGKILL)


def _pipe() -> tuple[int, int]:
    """Make a pipe whose ends do not take the place of a standard stream that is closed."""
    ends = []
    for end in os.pipe():
        ends.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 3))
        os.close(end)
    return ends[0], ends[1]


def _portable(error: Exception) -> Exception:
    """Return an error that can be sent, with a note of where it was raised."""
    note = "in a worker process:\n" + "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # an error's own class decides what goes wrong here, so anything may
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(note)
    return error
