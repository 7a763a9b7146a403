"""Files that are the old one or the whole new one, whatever happens."""

import contextlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from rnncli.errors import ResourceError

_TEMPORARY = r"[a-z0-9_]{8}"
"""What `tempfile` puts at the end of a name."""


def write_atomically(path: str | Path, parts: Iterable[bytes | memoryview], what: str) -> int:
    """Write a temporary file beside the path, wait until the disk has it, and give it the path's name.

    Args:
        path: where to write; replaced if it exists.
        parts: the content, in order.
        what: what the file is, for the message.

    Returns:
        Size of the file in bytes.

    Raises:
        ResourceError: the disk is full or the place cannot be written.
    """
    import tempfile  # those who only read need it not

    path = Path(path)
    temporary: str | None = None
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as stream:
            for part in parts:
                stream.write(part)
            size = stream.tell()
            stream.flush()
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        raise ResourceError(f"{path}: cannot write the {what}: {error.strerror}") from error
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
    return size


def remove_leftovers(path: str | Path) -> None:
    """Remove the temporary files of writes to a path that a kill or a power failure has cut short."""
    path = Path(path)
    leftover = re.compile(re.escape(f".{path.name}.") + _TEMPORARY)
    # They are in nobody's way, so a folder that forbids it is no reason to fail.
    with contextlib.suppress(OSError):
        for name in os.listdir(path.parent):
            if leftover.fullmatch(name):
                (path.parent / name).unlink(missing_ok=True)
