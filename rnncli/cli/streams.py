"""Standard input and output of the filters."""

import os
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from rnncli.cli.options import require_file
from rnncli.cli.terminal import note, report_error
from rnncli.data.byte_lines import LineBlock, open_input, read_blocks
from rnncli.errors import DataError, Problem, ResourceError, UsageError
from rnncli.inference.streaming import run_filter

if TYPE_CHECKING:
    from rnncli.data.chunks import Chunk
    from rnncli.inference.shared_filter import Piece, SharedFilter

Part = TypeVar("Part", LineBlock, "Chunk | None")


def begin_filter(files: Sequence[str] | None, command: str, *, quiet: bool) -> list[str]:
    """Check the inputs, and say what to do where a person sits at standard input.

    Returns:
        The inputs, `-` for standard input.

    Raises:
        UsageError: an input is missing.
    """
    inputs = list(files or ["-"])
    for path in inputs:
        require_file(path)
    if "-" in inputs and sys.stdin is None:
        raise UsageError("standard input is closed", hint=f"rnncli {command} FILE")
    if inputs == ["-"] and sys.stdin.isatty() and not quiet:
        note(f"reading from the terminal: type a line for rnncli {command}, Ctrl-D ends it")
    return inputs


def run(
    inputs: Sequence[str],
    worker: "SharedFilter[Any]",
    *,
    separator: bytes,
    on_error: str,
    unbuffered: bool,
    jobs: int = 1,
    verbose: bool = False,
) -> int:
    """Run a filter over its inputs, one after the other.

    Args:
        inputs: paths, `-` for standard input.
        worker: the filter.
        separator: byte that ends a record's line.
        on_error: `blank`, `stop` or `skip`.
        unbuffered: answer line by line.
        jobs: processes that share the records; 1 for this one alone.
        verbose: say at the end how it went.

    Returns:
        Exit code: 1 if records failed and were written blank, else 0.

    Raises:
        DataError: a bad record, with `stop`; an input that breaks off.
        UsageError: an input cannot be opened.
        ResourceError: the output cannot be written, or a process died.
    """
    started = time.monotonic()
    num_failed = 0
    if jobs > 1:
        from rnncli.inference.shared_filter import run_shared  # one process needs nothing of it

        pieces = _pieces(inputs, worker, separator, on_error)
        num_failed = run_shared(worker, pieces, _write, separator=separator, on_error=on_error, jobs=jobs)
    else:
        for number, path in enumerate(inputs, 1):
            with _open(path) as stream:
                blocks = _readable(read_blocks(stream, separator), path, is_last=number == len(inputs))
                num_failed += run_filter(worker, blocks, _write, _reporter(path, on_error), unbuffered=unbuffered)
    if num_failed and on_error == "skip":
        note(f"{num_failed} bad records were skipped")
    if verbose:
        note(f"{num_failed} bad records in {len(inputs)} inputs, {time.monotonic() - started:.1f} s")
    return 1 if num_failed and on_error == "blank" else 0


def _pieces(inputs: Sequence[str], worker: "SharedFilter[Any]", separator: bytes, on_error: str) -> Iterator["Piece"]:
    """Cut the inputs into chunks of whole records."""
    from rnncli.data.chunks import read_chunks
    from rnncli.inference.shared_filter import Piece

    for number, path in enumerate(inputs, 1):
        report = _reporter(path, on_error)
        with _open(path) as stream:
            chunks = _readable(read_chunks(stream, separator, worker.find_end), path, is_last=number == len(inputs))
            is_first = True
            for chunk in chunks:
                yield Piece(chunk, stream.fileno(), is_first, report)
                is_first = is_first and chunk is None


def _open(path: str) -> BinaryIO:
    try:
        return open_input(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error


def _name(path: str) -> str:
    return "<stdin>" if path == "-" else path


def _reporter(path: str, on_error: str) -> Callable[[int, str], bool]:
    """Return what is told line and reason of an input's bad records, and says whether a row is written for them."""

    def report(line: int, reason: str) -> bool:
        problem = Problem(_name(path), line, reason)
        if on_error == "stop":
            raise DataError([problem])
        report_error(str(problem))
        return on_error == "blank"

    return report


def _readable(parts: Iterator[Part], path: str, *, is_last: bool) -> Iterator[Part]:
    """Pass lines on, turning what goes wrong while reading into an error of the contract.

    Only the last input may end without a separator, or its last record would run into the next one.
    """
    try:
        for part in parts:
            yield part if part is None or part.ended or is_last else replace(part, ended=True)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError([Problem(_name(path), None, f"cannot be read: {reason}")]) from error


def _write(data: bytes) -> None:
    """Write past every buffer, so that a reader has each answer as soon as it is there."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(1, view) :]
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ResourceError(f"cannot write the output: {error.strerror}") from error
