"""Files that are written whole or not at all."""

import os
from pathlib import Path

from rnncli.errors import ResourceError


def write_whole(path: str | Path, data: bytes) -> None:
    """Write a file so that the path holds the old file or the whole new one, whatever happens.

    Args:
        path: where to write; replaced if it exists.
        data: what to write.

    Raises:
        ResourceError: the disk is full or the place cannot be written.
    """
    import tempfile  # readers need it not

    path = Path(path)
    temporary: str | None = None
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        raise ResourceError(f"{path}: cannot write the file: {error.strerror}") from error
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
