"""Lines of bytes from files and pipes, split by the contract's rules and no others."""

import select
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

_BLOCK_SIZE = 1 << 16
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Whole lines that were available together.

    Attributes:
        first_line: 1-based number of the first of them.
        lines: without their separators; one trailing carriage return is removed.
        ended: False for a last line whose separator is missing, else True.
        idle: reading on would block, so what is in hand should be answered now.
    """

    first_line: int
    lines: list[bytes]
    ended: bool
    idle: bool


def open_input(path: str) -> BinaryIO:
    """Open a file for reading, `-` for standard input, decompressing names that end in `.gz`.

    Raises:
        OSError: as `open` does.
    """
    if path == "-":
        return sys.stdin.buffer
    if path.endswith(".gz"):
        import gzip  # most inputs are not compressed

        return cast(BinaryIO, gzip.open(path, "rb"))
    # The filter reads in blocks of its own size, so Python's buffer would only copy.
    return cast(BinaryIO, open(path, "rb", buffering=0))


def read_blocks(stream: BinaryIO, separator: bytes = b"\n") -> Iterator[LineBlock]:
    r"""Read a stream as blocks of whole lines.

    Args:
        stream: a binary stream; a pipe or terminal is polled so that `idle` can be told.
        separator: the single byte that ends a line, `\n` or NUL.

    Yields:
        Blocks in order, never empty; a final line without separator comes as a block of its own.

    Raises:
        OSError: reading failed.
        EOFError: a compressed file is truncated.
    """
    rest: list[bytes] = []
    first_line = 1
    for data, would_block in read_bytes(stream):
        head, found, tail = data.rpartition(separator)
        if found:
            lines = split_lines(b"".join((*rest, head)) if rest else head, separator)
            yield LineBlock(first_line, lines, True, would_block())
            first_line += len(lines)
            rest = []
        if tail:
            rest.append(tail)
    if rest:
        yield LineBlock(first_line, split_lines(b"".join(rest), separator), False, True)


def split_lines(data: bytes, separator: bytes) -> list[bytes]:
    r"""Return the lines of bytes that end without a separator; before `\n` one carriage return is removed from each."""
    lines = data.split(separator)
    if separator == b"\n" and b"\r" in data:
        return [line.removesuffix(b"\r") for line in lines]
    return lines


def read_bytes(stream: BinaryIO) -> Iterator[tuple[bytes, Callable[[], bool]]]:
    """Read a stream as it comes, but for a byte-order mark.

    Args:
        stream: a binary stream; a pipe or terminal is polled.

    Yields:
        Bytes, at least one, and what tells whether reading on would block.

    Raises:
        OSError: reading failed.
        EOFError: a compressed file is truncated.
    """
    would_block = _poll(stream)
    # Of a buffered stream, `read` would wait for a full block; an unbuffered one has no `read1` and no need of it.
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    data = _read_first(read)
    while data:
        yield data, would_block
        data = read(_BLOCK_SIZE)


def _read_first(read: Callable[[int], bytes]) -> bytes:
    """Read the first block and cut off a byte-order mark, which a short read may have split."""
    data = read(_BLOCK_SIZE)
    while 0 < len(data) < len(_BOM) and _BOM.startswith(data):
        more = read(_BLOCK_SIZE)
        if not more:
            break
        data += more
    if data.startswith(_BOM):
        return data[len(_BOM) :] or read(_BLOCK_SIZE)
    return data


def _poll(stream: BinaryIO) -> Callable[[], bool]:
    """Return a function that tells whether reading on would block; a regular file never does."""
    try:
        descriptor = stream.fileno()
        select.select([descriptor], [], [], 0)
    except (OSError, ValueError, AttributeError):
        return lambda: False

    def would_block() -> bool:
        return not select.select([descriptor], [], [], 0)[0]

    return would_block
