"""Messages on standard error."""

import os
import re
import sys
from typing import TextIO

_MAX_SHOWN = 20_000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def is_fancy(stream: TextIO) -> bool:
    """Tell whether colours and moving bars may be written: only on a terminal that wants them."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def printable(text: str) -> str:
    """Escape what could act on a terminal, in text that may come from a file of others."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def report_error(message: str, *, hint: str | None = None) -> None:
    """Write one error in the contract's shape; a message that fails on its way is lost without harm."""
    shown = message if len(message) <= _MAX_SHOWN else message[:_MAX_SHOWN] + "..."
    text = printable(f"rnncli: error: {shown}\n" + (f"hint: {hint}\n" if hint else ""))
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def note(message: str) -> None:
    """Write one line on standard error."""
    sys.stderr.write(f"rnncli: {message}\n")
    sys.stderr.flush()
