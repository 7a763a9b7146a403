"""Chunks of whole records, against the same bytes read as a whole."""

import io
from collections.abc import Iterable, Iterator
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rnncli.data import byte_lines
from rnncli.data.byte_lines import LineBlock, read_blocks
from rnncli.data.chunks import Chunk, FindEnd, find_line_end, read_chunks
from rnncli.data.formats import conll
from rnncli.data.formats.conll import Record, find_record_end, read_records


def cut(data: bytes, size: int, find_end: FindEnd, separator: bytes = b"\n") -> list[Chunk]:
    """Read chunks, so many bytes at a time."""
    with pytest.MonkeyPatch.context() as small:
        small.setattr(byte_lines, "_BLOCK_SIZE", size)
        return [chunk for chunk in read_chunks(io.BytesIO(data), separator, find_end) if chunk is not None]


def blocks_of(chunks: Iterable[Chunk], separator: bytes = b"\n") -> Iterator[LineBlock]:
    return (block for chunk in chunks for block in chunk.blocks(separator))


def numbered(blocks: Iterable[LineBlock]) -> list[tuple[int, bytes, bool]]:
    found = [
        (number, line, block.ended) for block in blocks for number, line in enumerate(block.lines, block.first_line)
    ]
    assert [number for number, _, _ in found] == list(range(1, len(found) + 1))
    return found


feeds = st.lists(
    st.sampled_from([b"a", b"bc", b"\n", b"\n", b"\n\n", b"\r\n", b"\r", b"\0", b"\xef\xbb\xbf", b"\xff"]), max_size=40
).map(b"".join)


@given(feeds, st.integers(1, 20), st.sampled_from([b"\n", b"\0"]))
def test_chunks_of_lines_hold_the_lines_of_the_whole(data: bytes, size: int, separator: bytes) -> None:
    chunks = cut(data, size, find_line_end(separator), separator)
    assert b"".join(chunk.data for chunk in chunks) == data.removeprefix(b"\xef\xbb\xbf")
    assert numbered(blocks_of(chunks, separator)) == numbered(read_blocks(io.BytesIO(data), separator))
    assert [chunk.num_lines for chunk in chunks] == [len(numbered_lines(chunk, separator)) for chunk in chunks]
    assert all(chunk.data.endswith(separator) for chunk in chunks[:-1])


def numbered_lines(chunk: Chunk, separator: bytes) -> list[bytes]:
    return [line for block in chunk.blocks(separator) for line in block.lines]


def as_rows(records: Iterable[tuple[list[Record], bool]]) -> list[tuple[int, list[str], bool]]:
    return [(record.first_line, record.lines, record.ended) for group, _ in records for record in group]


@given(feeds, st.integers(1, 20), st.integers(1, 6))
@example(b"a\n" * 7 + b"\n\nb\n\n", 3, 3)
@example(b"a\nb\n\nc\n\n", 30, 2)
@example(b"a\r\r\n\r\n\r\nb\n\r\n", 2, 6)
def test_chunks_of_columns_begin_where_records_do(data: bytes, size: int, max_lines: int) -> None:
    chunks = cut(data, size, partial(find_record_end, max_lines=max_lines))
    assert b"".join(chunk.data for chunk in chunks) == data.removeprefix(b"\xef\xbb\xbf")
    expected = as_rows(read_records(read_blocks(io.BytesIO(data)), max_lines=max_lines))
    # Each chunk is read by itself, as in a process that sees no other.
    found = [row for chunk in chunks for row in as_rows(read_records(chunk.blocks(b"\n"), max_lines=max_lines))]
    assert found == expected


@given(feeds, st.integers(1, 20), st.integers(1, 6))
def test_records_do_not_depend_on_how_lines_come(data: bytes, size: int, max_lines: int) -> None:
    with pytest.MonkeyPatch.context() as small:
        small.setattr(byte_lines, "_BLOCK_SIZE", size)
        found = as_rows(read_records(read_blocks(io.BytesIO(data)), max_lines=max_lines))
    assert found == as_rows(read_records(read_blocks(io.BytesIO(data)), max_lines=max_lines))
    assert [line for _, lines, _ in found for line in lines] == [
        line.decode("utf-8", "surrogateescape") for _, line, _ in numbered(read_blocks(io.BytesIO(data)))
    ]


def test_the_end_of_a_record_is_found_behind_much_that_holds_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conll, "_SEARCHED_BYTES", 8)
    buffer = bytearray(b"a\tO\n\n" + b"b\tO\n" * 500)
    assert find_record_end(buffer, 0, buffer.count(b"\n")) == 5
    assert find_record_end(buffer, 100, buffer.count(b"\n")) == 0
    assert find_record_end(bytearray(b"b\n" * 500), 0, 500, max_lines=100) == 200


def test_whole_records_are_there_as_soon_as_the_input_pauses() -> None:
    pieces = [b"a\nb", b"c\n", b"d"]

    class Pausing(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return pieces.pop(0) if pieces else b""

    with pytest.MonkeyPatch.context() as pausing:
        pausing.setattr(byte_lines, "_poll", lambda _: lambda: True)
        found = read_chunks(Pausing(), b"\n", find_line_end(b"\n"))  # type: ignore[arg-type]
        assert [None if chunk is None else chunk.data for chunk in found] == [b"a\n", None, b"bc\n", None, None, b"d"]
