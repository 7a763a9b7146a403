"""Standard input and output of the filters."""

import os
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from rnncli.cli.options import require_file
from rnncli.cli.terminal import note, report_error
from rnncli.data.byte_lines import LineBlock, open_input, read_blocks
from rnncli.errors import DataError, Problem, ResourceError, UsageError
from rnncli.inference.streaming import Filter, run_filter


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
    worker: Filter[Any],
    *,
    separator: bytes,
    on_error: str,
    unbuffered: bool,
    verbose: bool = False,
) -> int:
    """Run a filter over its inputs, one after the other.

    Args:
        inputs: paths, `-` for standard input.
        worker: the filter.
        separator: byte that ends a record's line.
        on_error: `blank`, `stop` or `skip`.
        unbuffered: answer line by line.
        verbose: say at the end how it went.

    Returns:
        Exit code: 1 if records failed and were written blank, else 0.

    Raises:
        DataError: a bad record, with `stop`; an input that breaks off.
        UsageError: an input cannot be opened.
        ResourceError: the output cannot be written.
    """
    started = time.monotonic()
    num_failed = 0
    for number, path in enumerate(inputs, 1):
        is_last = number == len(inputs)
        name = "<stdin>" if path == "-" else path

        def report(line: int, reason: str, name: str = name) -> bool:
            problem = Problem(name, line, reason)
            if on_error == "stop":
                raise DataError([problem])
            report_error(str(problem))
            return on_error == "blank"

        try:
            stream = open_input(path)
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from error
        with stream:
            blocks = _readable(read_blocks(stream, separator), name, is_last=is_last)
            num_failed += run_filter(worker, blocks, _write, report, unbuffered=unbuffered)
    if num_failed and on_error == "skip":
        note(f"{num_failed} bad records were skipped")
    if verbose:
        note(f"{num_failed} bad records in {len(inputs)} inputs, {time.monotonic() - started:.1f} s")
    return 1 if num_failed and on_error == "blank" else 0


def _readable(blocks: Iterator[LineBlock], name: str, *, is_last: bool) -> Iterator[LineBlock]:
    """Pass blocks on, turning what goes wrong while reading into an error of the contract.

    Only the last input may end without a separator, or its last record would run into the next one.
    """
    try:
        for block in blocks:
            yield block if block.ended or is_last else replace(block, ended=True)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError([Problem(name, None, f"cannot be read: {reason}")]) from error


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
