"""Lines of bytes, against `bytes.split` on the whole input, however it is cut into reads."""

import gzip
import io
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.byte_lines import LineBlock, open_input, read_blocks

BOM = b"\xef\xbb\xbf"


class Pieces(io.RawIOBase):
    """A stream whose every read returns the next piece."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = [piece for piece in pieces if piece]

    def read(self, size: int = -1) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


def expected(data: bytes, separator: bytes) -> tuple[list[bytes], bool]:
    """Lines and whether the last one was ended, from the whole input at once."""
    data = data.removeprefix(BOM)
    lines = data.split(separator)
    ended = not lines[-1]
    if ended:
        lines.pop()
    if separator == b"\n":
        lines = [line[:-1] if line.endswith(b"\r") else line for line in lines]
    return lines, ended


def collect(blocks: list[LineBlock]) -> list[bytes]:
    number = 1
    lines: list[bytes] = []
    for block in blocks:
        assert block.lines
        assert block.first_line == number
        number += len(block.lines)
        lines += block.lines
    return lines


pieces = st.lists(
    st.lists(
        st.sampled_from([b"a", b"\n", b"\r", b"\0", BOM, BOM[:1], BOM[:2], BOM[2:], b"\x0b", b"\xff", b"\xc2\x85"]),
        max_size=4,
    ).map(b"".join),
    max_size=8,
)


@given(pieces, st.sampled_from([b"\n", b"\0"]))
def test_any_cut_gives_the_lines_of_the_whole(parts: list[bytes], separator: bytes) -> None:
    blocks = list(read_blocks(Pieces(parts), separator))  # type: ignore[arg-type]
    lines, ended = expected(b"".join(parts), separator)
    assert collect(blocks) == lines
    if blocks:
        assert [block.ended for block in blocks] == [True] * (len(blocks) - 1) + [ended]


@given(st.binary(max_size=300), st.sampled_from([b"\n", b"\0"]))
def test_nothing_but_the_separator_ends_a_line(data: bytes, separator: bytes) -> None:
    blocks = list(read_blocks(io.BytesIO(data), separator))
    assert collect(blocks) == expected(data, separator)[0]


def test_lines_longer_than_a_block(tmp_path: Path) -> None:
    data = b"x" * 3_000_000 + b"\n" + b"y" * 700_001
    (tmp_path / "a").write_bytes(data)
    with open_input(str(tmp_path / "a")) as stream:
        assert collect(list(read_blocks(stream))) == data.split(b"\n")


def test_gz_is_decompressed_by_name(tmp_path: Path) -> None:
    data = b"one\r\n\ntwo\n" * 50_000
    (tmp_path / "a.gz").write_bytes(gzip.compress(BOM + data))
    with open_input(str(tmp_path / "a.gz")) as stream:
        assert collect(list(read_blocks(stream))) == expected(data, b"\n")[0]
    (tmp_path / "cut.gz").write_bytes(gzip.compress(data)[:-9])
    with open_input(str(tmp_path / "cut.gz")) as stream, pytest.raises(EOFError):
        list(read_blocks(stream))


def test_a_missing_file_raises_as_open_does(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_input(str(tmp_path / "missing"))


def test_a_regular_file_is_never_idle_before_its_end(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"line\n" * 200_000)
    with open_input(str(tmp_path / "a")) as stream:
        blocks = list(read_blocks(stream))
    assert len(blocks) > 1
    assert not any(block.idle for block in blocks[:-1])


@pytest.mark.skipif(os.name != "posix", reason="pipes that can be polled")
def test_a_pipe_is_idle_when_reading_on_would_block() -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb", buffering=0) as stream, os.fdopen(write_end, "wb", buffering=0) as writer:
        blocks = read_blocks(stream)
        writer.write(b"one\ntw")
        first = next(blocks)
        assert (first.lines, first.idle) == ([b"one"], True)
        writer.write(b"o\n\nthree\n")
        second = next(blocks)
        assert (second.first_line, second.lines, second.idle) == (2, [b"two", b"", b"three"], True)
        writer.write(b"end")
        writer.close()
        last = next(blocks)
        assert (last.lines, last.ended, last.first_line) == ([b"end"], False, 5)
        assert list(blocks) == []


@pytest.mark.skipif(os.name != "posix", reason="pipes that can be polled")
def test_a_buffered_pipe_hands_over_all_it_holds() -> None:
    # Standard input is buffered: what lies in Python's buffer would not be seen by polling.
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as stream, os.fdopen(write_end, "wb", buffering=0) as writer:
        writer.write(b"a\n" * 20_000)
        blocks = read_blocks(stream)
        seen = 0
        while seen < 20_000:
            block = next(blocks)
            seen += len(block.lines)
        assert block.idle


def test_many_small_reads_of_one_long_line_take_linear_time() -> None:
    begin = time.monotonic()
    parts = [b"x" * 10] * 30_000
    assert collect(list(read_blocks(Pieces(parts)))) == [b"x" * 300_000]  # type: ignore[arg-type]
    assert time.monotonic() - begin < 10
