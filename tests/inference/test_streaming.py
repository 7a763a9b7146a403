"""The engine of every filter, with a worker of known answers."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.byte_lines import LineBlock
from rnncli.errors import DataError, Problem
from rnncli.inference import streaming
from rnncli.inference.streaming import run_filter


@dataclass(frozen=True)
class Record:
    text: str
    line: int
    num_bytes: int = 1

    @property
    def error(self) -> str | None:
        return "bad" if self.text == "!" else None

    @property
    def is_empty(self) -> bool:
        return self.text in ("", "!")


class Worker:
    """Writes every record in capitals and remembers what it was asked together."""

    def __init__(self, size: int = 1) -> None:
        self.batches: list[list[str]] = []
        self._size = size

    def read(self, blocks: Iterable[LineBlock], context: object = None) -> Iterator[tuple[list[Record], bool]]:
        for block in blocks:
            lines = enumerate(block.lines, block.first_line)
            yield [Record(line.decode(), number, self._size) for number, line in lines], block.idle

    def predict(self, records: Sequence[Record]) -> Sequence[str]:
        assert records
        assert not any(record.is_empty for record in records)
        self.batches.append([record.text for record in records])
        return [record.text.upper() for record in records]

    def render(self, record: Record, result: str | None) -> bytes:
        assert (result is None) == record.is_empty
        return (result or "").encode() + b"\n"


def blocks_of(groups: list[tuple[list[str], bool]]) -> list[LineBlock]:
    found, number = [], 1
    for lines, idle in groups:
        found.append(LineBlock(number, [line.encode() for line in lines], True, idle))
        number += len(lines)
    return found


groups = st.lists(
    st.tuples(st.lists(st.sampled_from(["a", "b", "", "!", "ccc"]), max_size=6), st.booleans()), max_size=6
)


@given(groups, st.booleans(), st.integers(1, 200_000))
def test_one_record_in_is_one_record_out(parts: list[tuple[list[str], bool]], unbuffered: bool, size: int) -> None:
    out: list[bytes] = []
    told: list[int] = []

    def on_error(line: int, _reason: str) -> bool:
        told.append(line)
        return True

    failed = run_filter(Worker(size), blocks_of(parts), out.append, on_error, unbuffered=unbuffered)
    lines = [line for group, _ in parts for line in group]
    assert b"".join(out).decode() == "".join(("" if line == "!" else line.upper()) + "\n" for line in lines)
    assert told == [i for i, line in enumerate(lines, 1) if line == "!"]
    assert failed == len(told)


@given(groups)
def test_skipped_records_leave_no_row(parts: list[tuple[list[str], bool]]) -> None:
    out: list[bytes] = []
    failed = run_filter(Worker(), blocks_of(parts), out.append, lambda *_: False)
    lines = [line for group, _ in parts for line in group]
    assert b"".join(out).decode() == "".join(line.upper() + "\n" for line in lines if line != "!")
    assert failed == lines.count("!")


@given(groups)
def test_stopping_writes_what_came_before(parts: list[tuple[list[str], bool]]) -> None:
    out: list[bytes] = []

    def on_error(line: int, reason: str) -> bool:
        raise DataError([Problem("f", line, reason)])

    lines = [line for group, _ in parts for line in group]
    before = lines[: lines.index("!")] if "!" in lines else lines
    if "!" in lines:
        with pytest.raises(DataError):
            run_filter(Worker(), blocks_of(parts), out.append, on_error)
    else:
        run_filter(Worker(), blocks_of(parts), out.append, on_error)
    assert b"".join(out).decode() == "".join(line.upper() + "\n" for line in before)


def test_what_is_in_hand_is_answered_where_the_input_pauses() -> None:
    out: list[bytes] = []
    seen: list[int] = []

    def blocks() -> Iterator[LineBlock]:
        yield LineBlock(1, [b"a"], True, False)
        seen.append(len(out))
        yield LineBlock(2, [b"b"], True, True)
        seen.append(len(b"".join(out).splitlines()))
        yield LineBlock(3, [b"c"], True, True)
        seen.append(len(b"".join(out).splitlines()))

    worker = Worker()
    run_filter(worker, blocks(), out.append, lambda *_: True)
    assert seen == [0, 2, 3]
    assert worker.batches == [["a", "b"], ["c"]]


def test_a_long_input_runs_in_full_batches_of_bounded_size() -> None:
    worker = Worker(size=1000)
    count = 10 * streaming._BUDGET // 1000
    run_filter(worker, blocks_of([(["a"] * count, False)]), lambda _: None, lambda *_: True)
    assert 2 <= len(worker.batches) <= 20
    assert sum(map(len, worker.batches)) == count


def test_unbuffered_answers_each_record_by_itself() -> None:
    worker = Worker()
    out: list[bytes] = []
    run_filter(worker, blocks_of([(["a", "", "b"], False)]), out.append, lambda *_: True, unbuffered=True)
    assert worker.batches == [["a"], ["b"]]
    assert [part for part in out if part] == [b"A\n", b"\n", b"B\n"]


@pytest.mark.parametrize("change", [-1, 1])
def test_a_worker_that_loses_or_makes_up_a_record_is_found_out(change: int) -> None:
    class Broken(Worker):
        def predict(self, records: Sequence[Record]) -> Sequence[str]:
            return ["X"] * (len(records) + change)

    with pytest.raises(RuntimeError):
        run_filter(Broken(), blocks_of([(["a", "b"], False)]), lambda _: None, lambda *_: True)
