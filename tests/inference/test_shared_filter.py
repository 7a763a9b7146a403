"""Chunks dealt out and answers written in order, with workers that answer when a test lets them."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.chunks import Chunk
from rnncli.errors import DataError, Problem, ResourceError

if sys.platform != "linux":
    pytest.skip("processes are shared among on Linux alone", allow_module_level=True)

from rnncli.inference import shared_filter
from rnncli.inference.shared_filter import Piece, run_shared
from rnncli.inference.worker_pool import Failure


class Pool:
    """Workers inside this process; which of the busy ones have finished, `choose` says."""

    def __init__(self, choose: Callable[[list[int]], list[int]], answer: Callable[[Any], Any], count: int) -> None:
        self._choose = choose
        self._answer = answer
        self._tasks: list[Any] = [None] * count

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def is_busy(self, index: int) -> bool:
        return self._tasks[index] is not None

    def send(self, index: int, task: Any) -> None:
        assert not self.is_busy(index)
        self._tasks[index] = task

    def wait(self, descriptor: int | None = None) -> tuple[list[int], bool]:
        busy = [i for i, task in enumerate(self._tasks) if task is not None]
        assert busy or descriptor is not None
        return self._choose(busy) if busy else [], descriptor is not None

    def receive(self, index: int) -> Any:
        task, self._tasks[index] = self._tasks[index], None
        try:
            return self._answer(task)
        except ResourceError as error:
            return Failure(error)


class Shared:
    """Writes lines back with the first line of their input, which it must be told."""

    find_end = None

    def context_behind(self, chunk: Chunk, context: bytes | None) -> bytes:
        return context or chunk.data.split(b"\n")[0]


def answer_chunk(worker: Any, task: Any, separator: bytes, on_error: str) -> Any:
    lines = task.chunk.data.split(separator)[:-1]
    if b"die" in lines:
        raise ResourceError("died")
    bad = [(number, "bad") for number, line in enumerate(lines, task.chunk.first_line) if line == b"!"]
    context, num_lines = task.context or lines[0], 0 if b"lose" in lines else len(lines)
    if on_error == "stop" and bad:
        lines, bad = lines[: bad[0][0] - task.chunk.first_line], bad[:1]
    rows = b"".join(context + b"|" + line + b"\n" for line in lines)
    return shared_filter._Answer(rows, num_lines, bad)


def run(
    inputs: list[list[list[str]]],
    choose: Callable[[list[int]], list[int]],
    *,
    jobs: int = 3,
    on_error: str = "blank",
    on_read: Callable[[], None] = lambda: None,
    fails_at_end: bool = False,
    written: list[bytes] | None = None,
) -> tuple[list[bytes], list[tuple[int, int]], int]:
    """Run over inputs, each a list of chunks, each a list of lines; an empty chunk is a pause."""
    written = [] if written is None else written
    told: list[tuple[int, int]] = []

    def pieces() -> Iterator[Piece]:
        for number, chunks in enumerate(inputs):

            def report(line: int, reason: str, number: int = number) -> None:
                told.append((number, line))
                if on_error == "stop":
                    raise DataError([Problem("x", line, reason)])

            first_line = 1
            for lines in chunks:
                on_read()
                data = "".join(line + "\n" for line in lines).encode()
                chunk = Chunk(first_line, len(lines), data) if lines else None
                yield Piece(chunk, 0, first_line == 1, report)
                first_line += len(lines)
        if fails_at_end:
            raise DataError([Problem("x", None, "breaks off")])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shared_filter, "WorkerPool", lambda answer, count: Pool(choose, answer, count))
        patched.setattr(shared_filter, "_answer", answer_chunk)
        try:
            failed = run_shared(
                Shared(),  # type: ignore[arg-type]
                pieces(),
                written.append,
                separator=b"\n",
                on_error=on_error,
                jobs=jobs,
            )
        except (DataError, ResourceError):
            failed = -1
    return written, told, failed


def expected(inputs: list[list[list[str]]]) -> bytes:
    whole = [[line for lines in chunks for line in lines] for chunks in inputs]
    return "".join(f"{lines[0]}|{line}\n" for lines in whole for line in lines).encode()


feeds = st.lists(
    st.lists(st.lists(st.sampled_from(["a", "b", "!", "c"]), max_size=3), max_size=12), min_size=1, max_size=3
)


@given(feeds, st.integers(1, 4), st.data())
def test_any_order_of_answers_is_written_in_that_of_the_input(
    inputs: list[list[list[str]]], jobs: int, data: st.DataObject
) -> None:
    def choose(busy: list[int]) -> list[int]:
        return data.draw(st.lists(st.sampled_from(busy), min_size=1, unique=True))

    written, told, failed = run(inputs, choose, jobs=jobs)
    assert b"".join(written) == expected(inputs)
    whole = [[line for lines in chunks for line in lines] for chunks in inputs]
    lines = [(i, j) for i, lines in enumerate(whole) for j, line in enumerate(lines, 1) if line == "!"]
    assert told == lines
    assert failed == len(lines)


def test_one_slow_chunk_does_not_fill_the_memory() -> None:
    read = most = 0
    written: list[bytes] = []

    def on_read() -> None:
        nonlocal read
        read += 1

    def choose(busy: list[int]) -> list[int]:
        nonlocal most
        most = max(most, read - len(written))
        return busy[1:] or busy  # the first worker comes to no end as long as another one is at work

    inputs = [[["x"]] * 200]
    run(inputs, choose, on_read=on_read, written=written)
    assert b"".join(written) == expected(inputs)
    assert most == 3 * shared_filter._MOST_HELD


def test_a_slow_chunk_does_not_keep_the_others_from_their_work() -> None:
    finished: list[int] = []

    def choose(busy: list[int]) -> list[int]:
        chosen = busy[1:] or busy
        finished.extend(chosen)
        return chosen

    run([[["x"]] * 200], choose)
    assert finished.index(0) == 2 * shared_filter._MOST_HELD


@pytest.mark.parametrize("choice", [slice(0, 1), slice(-1, None), slice(None)])
def test_what_stands_before_the_first_bad_record_is_written_and_nothing_else(choice: slice) -> None:
    inputs = [[["a", "b"], ["c"], ["d", "!", "e"], ["!"], ["f"]]]
    written, told, failed = run(inputs, lambda busy: busy[choice], on_error="stop")
    assert (b"".join(written), told, failed) == (b"a|a\na|b\na|c\na|d\n", [(0, 5)], -1)


@pytest.mark.parametrize("choice", [slice(0, 1), slice(-1, None), slice(None)])
def test_what_stands_before_a_lost_chunk_is_written_and_nothing_behind_it(choice: slice) -> None:
    read = 0

    def on_read() -> None:
        nonlocal read
        read += 1

    inputs = [[["a"], ["b"], ["c"], ["die"], ["d"], *[["e"]] * 100]]
    written, _, failed = run(inputs, lambda busy: busy[choice], on_read=on_read)
    assert (b"".join(written), failed) == (b"a|a\na|b\na|c\n", -1)
    assert read < 5 + 3 * shared_filter._MOST_HELD


def test_an_input_that_breaks_off_is_answered_so_far() -> None:
    inputs = [[["a"]], [["b"], ["c"]]]
    written, _, failed = run(inputs, lambda busy: busy[-1:], fails_at_end=True)
    assert (b"".join(written), failed) == (expected(inputs), -1)


def test_lines_that_do_not_come_back_are_found_out() -> None:
    with pytest.raises(RuntimeError, match="1 lines went to a process and 0 came back"):
        run([[["a"], ["lose"]]], lambda busy: busy)
