"""How many processes share the work of a filter."""

import os
import stat
import sys
from collections.abc import Sequence

_BYTES_A_PROCESS = 1 << 18
"""So much input is worth a process of its own, which starts at once but has every word to learn by itself."""


def choose_jobs(inputs: Sequence[str], asked: int | None, *, alone: bool) -> int:
    """Choose the number of processes.

    Args:
        inputs: paths, `-` for standard input.
        asked: the number that was asked for, None to go by the cores and by the size of the inputs.
        alone: whether the work cannot be shared.

    Returns:
        At least 1, which means this process alone; always 1 where forking is not safe.
    """
    if alone or sys.platform != "linux":
        return 1
    if asked is not None:
        return asked
    sizes = [_regular_size(path) for path in inputs]
    if None in sizes:
        return 1
    return max(1, min(len(os.sched_getaffinity(0)), sum(filter(None, sizes)) // _BYTES_A_PROCESS))


def _regular_size(path: str) -> int | None:
    """Return the bytes of a regular file, None for what is to be answered as it comes."""
    try:
        status = os.fstat(sys.stdin.fileno()) if path == "-" else os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
