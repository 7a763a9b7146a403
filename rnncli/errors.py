"""Errors a user can meet, each with its exit code.

RnncliError             70   internal
├── UsageError           2   a bad flag, a missing input file, would overwrite
├── DataError            3   format, encoding, no labels
├── ModelError           4   not found, corrupt, newer format, wrong task
├── ResourceError        5   no such device, out of memory or disk, loss not finite
└── GateError            6   a score below the gate that was asked for
"""

from collections.abc import Sequence
from typing import NamedTuple


class RnncliError(Exception):
    """Base of all errors that are reported as one message and not as a traceback.

    Args:
        message: what is wrong, without the `rnncli: error:` in front.
        hint: the next command or flag to try, or None.
    """

    exit_code = 70

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """Keep the message and the hint."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(RnncliError):
    """The command line asks for something that cannot be done."""

    exit_code = 2


class Problem(NamedTuple):
    """One fault in an input file.

    Attributes:
        file: the file's name as the user wrote it.
        line: 1-based line number, or None where the whole file is at fault.
        message: what is wrong there.
        text: the line itself, or None.
        column: 0-based code point in `text` at which to put a caret, or None.
    """

    file: str
    line: int | None
    message: str
    text: str | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Render `FILE:LINE: message`, then the line with its caret."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        rows = [f"{place}: {self.message}"]
        if self.text is not None:
            start = 0 if self.column is None else max(0, self.column - 60)
            shown = "".join(c if c.isprintable() else " " for c in self.text[start : start + 100])
            rows.append(f"  {shown}")
            if self.column is not None:
                rows.append("  " + " " * (self.column - start) + "^")
        return "\n".join(rows)


class DataError(RnncliError):
    """The input data cannot be used.

    Args:
        problems: the faults, in file order, at least one.
        hint: the next command or flag to try, or None.
    """

    exit_code = 3

    def __init__(self, problems: Sequence[Problem], *, hint: str | None = None) -> None:
        """Join the problems into one message."""
        super().__init__("\n".join(str(problem) for problem in problems), hint=hint)
        self.problems = tuple(problems)


class ModelError(RnncliError):
    """The model file cannot be used."""

    exit_code = 4


class ResourceError(RnncliError):
    """The machine lacks what the command needs."""

    exit_code = 5


class GateError(RnncliError):
    """A score did not meet the gate that was asked for."""

    exit_code = 6
