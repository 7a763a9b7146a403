"""Doing with less memory."""

from collections.abc import Callable, Sequence
from typing import Protocol, Self, TypeVar

import torch

from rnncli.errors import ResourceError

_MESSAGES = ("not enough memory", "can't allocate memory", "cannot allocate memory", "out of memory")
"""What the allocators of torch for a CPU say; they raise a plain RuntimeError."""


class Divisible(Protocol):
    """What can be taken in parts."""

    @property
    def num_tokens(self) -> int:
        """Tokens, padding left out."""

    def halves(self) -> Sequence[Self]:
        """Return two of about half the records each, or only this one where it holds a single record."""


_Batch = TypeVar("_Batch", bound=Divisible)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory, of the machine or of a GPU, does not suffice."""
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(message in str(error).lower() for message in _MESSAGES)


def in_parts(batch: _Batch, take: Callable[[_Batch], float], undo: Callable[[], None]) -> tuple[float, int]:
    """Take a batch as one, or in as many parts as memory allows.

    Args:
        batch: what to take.
        take: takes a batch or a part of it; returns a value that adds up over the parts.
        undo: forgets what has been taken so far.

    Returns:
        The sum of the values and the number of parts.

    Raises:
        ResourceError: memory does not suffice for a single record.
    """
    parts: list[_Batch] = [batch]
    while True:
        try:
            return sum(map(take, parts)), len(parts)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        # Behind the handler the failed attempt's tensors, which its traceback holds, are free.
        undo()
        halves = [half for part in parts for half in part.halves()]
        if len(halves) == len(parts):
            longest = max(part.num_tokens for part in parts)
            raise ResourceError(
                f"not enough memory to train on a record of {longest:,} tokens alone",
                hint="split long records, or use a machine with more memory",
            )
        parts = halves
