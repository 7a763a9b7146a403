"""Streams cut into chunks of whole records, without looking at what the records hold."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from rnncli.data.byte_lines import LineBlock, read_bytes, split_lines

FindEnd = Callable[[bytearray, int, int], int]
"""Says how many bytes at the front of a buffer are whole records, as many as there are, 0 for none.

It gets the buffer, how much of it held no end of a record before, and the number of separators in it.
"""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole records that lie behind one another in a stream.

    Attributes:
        first_line: 1-based number of the first line.
        num_lines: how many there are.
        data: all of their bytes, separators included.
        ended: False where the last line has no separator and is to get none, which only the last chunk may be.
    """

    first_line: int
    num_lines: int
    data: bytes
    ended: bool = True

    def blocks(self, separator: bytes) -> list[LineBlock]:
        """Return the lines as `read_blocks` would: a last one without separator comes as a block of its own."""
        head, found, tail = self.data.rpartition(separator)
        blocks = [LineBlock(self.first_line, split_lines(head, separator), True, False)] if found else []
        if tail:
            number = self.first_line + sum(len(block.lines) for block in blocks)
            blocks.append(LineBlock(number, split_lines(tail, separator), self.ended, True))
        return blocks


def read_chunks(stream: BinaryIO, separator: bytes, find_end: FindEnd) -> Iterator[Chunk | None]:
    r"""Cut a stream into chunks.

    Args:
        stream: a binary stream.
        separator: the single byte that ends a line, `\n` or NUL.
        find_end: knows where records end.

    Yields:
        Chunks in order, and None where reading on would block.

    Raises:
        OSError: reading failed.
        EOFError: a compressed file is truncated.
    """
    buffer = bytearray()
    first_line, num_lines, num_searched = 1, 0, 0
    for data, would_block in read_bytes(stream):
        buffer += data
        num_lines += data.count(separator)
        while end := find_end(buffer, num_searched, num_lines):
            whole = bytes(buffer[:end])
            del buffer[:end]
            count = whole.count(separator)
            yield Chunk(first_line, count, whole)
            first_line, num_lines, num_searched = first_line + count, num_lines - count, 0
        num_searched = len(buffer)
        if would_block():
            yield None
    if buffer:
        ended = buffer.endswith(separator)
        yield Chunk(first_line, num_lines + (not ended), bytes(buffer), ended)


def find_line_end(separator: bytes) -> FindEnd:
    """Return what finds the end of the last whole line.

    Args:
        separator: the single byte that ends a line.
    """

    def find_end(buffer: bytearray, num_searched: int, _num_lines: int) -> int:
        return buffer.rfind(separator, num_searched) + 1

    return find_end
