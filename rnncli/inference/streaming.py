"""The engine of every filter: one record in, one record out, in order, in bounded memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from rnncli.data.byte_lines import LineBlock
from rnncli.errors import DataError

_BUDGET = 1 << 18
"""Bytes of input gathered at most before predicting."""


class StreamRecord(Protocol):
    """One record on its way through a filter."""

    @property
    def num_bytes(self) -> int:
        """About its size."""

    @property
    def line(self) -> int:
        """1-based line of its beginning, or of its fault."""

    @property
    def error(self) -> str | None:
        """Why it is bad, or None."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to predict from: blank, or bad."""


Record = TypeVar("Record", bound=StreamRecord)


class Filter(Protocol[Record]):
    """What a filter command does with its records; the engine does the rest."""

    def read(self, blocks: Iterable[LineBlock], context: Any = None, /) -> Iterator[tuple[list[Record], bool]]:
        """Yield the records that a block completes, and whether reading on would block.

        The context is what the lines before have told, where these are not the first ones of an input.
        """

    def predict(self, records: Sequence[Record]) -> Sequence[Any]:
        """Return one result a record, in order; none of the records is empty."""

    def render(self, record: Record, result: Any) -> bytes:
        """Return a record's row with its separator; the result of an empty record is None."""


def run_filter(
    worker: Filter[Record],
    blocks: Iterable[LineBlock],
    write: Callable[[bytes], None],
    on_error: Callable[[int, str], bool],
    *,
    unbuffered: bool = False,
    context: Any = None,
) -> int:
    """Predict for records as they come, in full batches while input is at hand and at once where it pauses.

    Args:
        worker: reads, predicts and renders.
        blocks: the input's lines.
        write: passes bytes on to the reader, at once.
        on_error: told line and reason of each bad record; returns whether a row is written for it, or raises DataError
            to stop after the records before it.
        unbuffered: answer every record by itself.
        context: what the worker knows of the lines before, None at the beginning of an input.

    Returns:
        The number of bad records.

    Raises:
        DataError: as `on_error` and `blocks` do, after the whole records before have been answered.
        RuntimeError: the worker lost or made up a record.
    """
    budget = 1 if unbuffered else _BUDGET
    pending: list[Record] = []
    size = num_failed = 0
    try:
        for records, idle in worker.read(blocks, context):
            for record in records:
                if record.error is not None:
                    num_failed += 1
                    if not on_error(record.line, record.error):
                        continue
                pending.append(record)
                size += record.num_bytes
                if size >= budget:
                    write(_answer(worker, pending))
                    pending, size = [], 0
            if idle:
                write(_answer(worker, pending))
                pending, size = [], 0
    except DataError:
        write(_answer(worker, pending))
        raise
    write(_answer(worker, pending))
    return num_failed


def _answer(worker: Filter[Record], records: Sequence[Record]) -> bytes:
    full = [record for record in records if not record.is_empty]
    results = worker.predict(full) if full else []
    if len(results) != len(full):
        raise RuntimeError(f"{len(full)} records went in and {len(results)} results came out")
    remaining = iter(results)
    return b"".join(worker.render(record, None if record.is_empty else next(remaining)) for record in records)
