"""The engine of a filter whose records are shared among processes, which write what one process would."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from rnncli.data.chunks import Chunk, FindEnd
from rnncli.errors import DataError, Problem, RnncliError
from rnncli.inference.streaming import Filter, Record, run_filter
from rnncli.inference.worker_pool import Failure, WorkerPool

_MOST_HELD = 4
"""Chunks a process that may be read and not yet written: so much is kept in memory."""


class SharedFilter(Filter[Record], Protocol[Record]):
    """A filter that can read on in the middle of an input."""

    @property
    def find_end(self) -> FindEnd:
        """Finds the end of the last whole record among bytes."""

    def context_behind(self, chunk: Chunk, context: Any, /) -> Any:
        """Return what reading on behind a chunk depends on, given the same in front of it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the inputs.

    Attributes:
        chunk: whole records; None where reading on would block.
        descriptor: of the input, to wait for what comes.
        is_first: whether an input begins with it.
        report: told line and reason of each bad record; may raise DataError.
    """

    chunk: Chunk | None
    descriptor: int
    is_first: bool
    report: Callable[[int, str], object]


@dataclass(frozen=True, slots=True)
class _Task:
    chunk: Chunk
    context: Any


@dataclass(frozen=True, slots=True)
class _Answer:
    rows: bytes
    num_lines: int
    problems: list[tuple[int, str]]


def run_shared(
    worker: SharedFilter[Any],
    pieces: Iterator[Piece],
    write: Callable[[bytes], None],
    *,
    separator: bytes,
    on_error: str,
    jobs: int,
) -> int:
    """Run a filter in several processes.

    Chunks are dealt out in turn, not to whoever is free: which process had which words before decides the last digits
    of scores, and the same command is to write the same bytes again.

    Args:
        worker: reads, predicts and renders, in every process.
        pieces: the inputs, in order.
        write: passes bytes on to the reader, at once.
        separator: byte that ends a line.
        on_error: `blank`, `stop` or `skip`.
        jobs: number of processes.

    Returns:
        The number of bad records.

    Raises:
        DataError: as the pieces do and their `report`, after the records before have been written.
        ResourceError: a process died or cannot be started.
        RuntimeError: records were lost or made up.
    """

    def answer(task: _Task) -> _Answer:
        return _answer(worker, task, separator, on_error)

    with WorkerPool(answer, jobs) as pool:
        exchange = _Exchange(pool, jobs, worker, pieces)
        num_failed = 0
        for piece, found in exchange.run():
            # Where the first bad record is the end, what stands before it is written first.
            if on_error == "stop":
                write(found.rows)
            for problem in found.problems:
                piece.report(*problem)
            if on_error != "stop":
                write(found.rows)
            num_failed += len(found.problems)
    return num_failed


def _answer(worker: SharedFilter[Any], task: _Task, separator: bytes, on_error: str) -> _Answer:
    """Answer one chunk."""
    rows: list[bytes] = []
    problems: list[tuple[int, str]] = []

    def note_problem(line: int, reason: str) -> bool:
        problems.append((line, reason))
        if on_error == "stop":
            raise DataError([Problem("", line, reason)])
        return on_error == "blank"

    blocks = task.chunk.blocks(separator)
    try:
        run_filter(worker, blocks, rows.append, note_problem, context=task.context)
    except DataError:
        if on_error != "stop":
            raise
    return _Answer(b"".join(rows), sum(len(block.lines) for block in blocks), problems)


class _Exchange:
    """Deals chunks out and brings the answers into their order."""

    def __init__(self, pool: WorkerPool, jobs: int, worker: SharedFilter[Any], pieces: Iterator[Piece]) -> None:
        self._pool, self._worker, self._pieces = pool, worker, pieces
        self._has_ended = False
        self._error: RnncliError | None = None
        self._pause: Piece | None = None
        self._context: Any = None
        self._num_dealt = 0
        self._most_dealt = _MOST_HELD * jobs
        self._dealt: deque[tuple[int, Piece]] = deque()  # and not yet answered in their turn
        self._queues: list[deque[tuple[int, _Task]]] = [deque() for _ in range(jobs)]
        self._at_work = [0] * jobs
        self._answers: dict[int, _Answer | Failure] = {}

    def run(self) -> Iterator[tuple[Piece, _Answer]]:
        """Yield every chunk with its answer, in order."""
        while True:
            self._hand_out()
            while not self._has_ended and self._pause is None and len(self._dealt) < self._most_dealt:
                self._read_on()
                self._hand_out()
            if not self._dealt and self._pause is None:
                break
            ready, goes_on = self._pool.wait(None if self._pause is None else self._pause.descriptor)
            if goes_on:
                self._pause = None
            for index in ready:
                self._receive(index)
            while self._dealt and self._dealt[0][0] in self._answers:
                number, piece = self._dealt.popleft()
                yield piece, self._checked(piece, self._answers.pop(number))
        if self._error is not None:
            raise self._error

    def _read_on(self) -> None:
        """Deal one more piece; an error of reading waits until all before it is answered."""
        try:
            piece = next(self._pieces, None)
        except RnncliError as error:
            piece, self._error = None, error
        if piece is None:
            self._has_ended = True
        elif piece.chunk is None:
            self._pause = piece
        else:
            context = None if piece.is_first else self._context
            self._queues[self._num_dealt % len(self._queues)].append((self._num_dealt, _Task(piece.chunk, context)))
            self._dealt.append((self._num_dealt, piece))
            self._num_dealt += 1
            self._context = self._worker.context_behind(piece.chunk, context)

    def _hand_out(self) -> None:
        for index, queue in enumerate(self._queues):
            if queue and not self._pool.is_busy(index):
                self._at_work[index], task = queue.popleft()
                self._pool.send(index, task)

    def _receive(self, index: int) -> None:
        answer = self._pool.receive(index)
        self._answers[self._at_work[index]] = answer
        if isinstance(answer, Failure):  # all before it is still to be written, but nothing behind it is
            self._pause, self._has_ended = None, True

    @staticmethod
    def _checked(piece: Piece, answer: _Answer | Failure) -> _Answer:
        if isinstance(answer, Failure):
            raise answer.error
        assert piece.chunk is not None
        if answer.num_lines != piece.chunk.num_lines:
            raise RuntimeError(f"{piece.chunk.num_lines} lines went to a process and {answer.num_lines} came back")
        return answer
