"""Messages on standard error."""

import os
import sys
from typing import TextIO


def is_fancy(stream: TextIO) -> bool:
    """Tell whether colours and moving bars may be written: only on a terminal that wants them."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def report_error(message: str, *, hint: str | None = None) -> None:
    """Write one error in the contract's shape; a message that fails on its way is lost without harm."""
    text = f"rnncli: error: {message}\n" + (f"hint: {hint}\n" if hint else "")
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def note(message: str) -> None:
    """Write one line on standard error."""
    sys.stderr.write(f"rnncli: {message}\n")
    sys.stderr.flush()
