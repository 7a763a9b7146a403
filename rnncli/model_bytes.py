"""The bytes of a saved model, read and found whole: safetensors with one metadata key of canonical JSON.

Nothing here needs NumPy, so a thread can read and check a model while NumPy is being imported.

Reference:
    The safetensors format: eight bytes with the length of the header, the header as JSON, then the tensors' bytes
    without gaps, the low byte of a number first.
"""

import contextlib
import hashlib
import json
import math
import mmap
import os
import stat
from collections.abc import Iterable, Mapping
from io import FileIO
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

from rnncli.errors import ModelError

FORMAT_VERSION = 1
MAX_FILE_SIZE = 1 << 29
"""Bytes of the largest file that is read or written."""
MAX_DESCRIPTION = 1 << 20
"""Most bytes of the description."""
MAX_HEADER = 1 << 22
"""Most bytes of the header, which holds the description."""
KEY = "rnncli"
"""The description's key among the metadata."""

_TYPES = {"F64": "float64", "F32": "float32", "F16": "float16"}
_TYPES |= {f"{kind}{bits}": f"{name}{bits}" for kind, name in (("I", "int"), ("U", "uint")) for bits in (8, 16, 32, 64)}
_MAX_DIMENSIONS = 8
_MAX_SHOWN = 200
_WRONG_VALUES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


# A named tuple is made in a sixth of a dataclass's time, and every start waits for it.
class StoredTensor(NamedTuple):
    """Where a tensor lies.

    Attributes:
        dtype: NumPy's name of its type.
        shape: its sizes.
        start: its first byte, from the end of the header.
        end: the byte after its last.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class ModelBytes(NamedTuple):
    """A model that is whole.

    Attributes:
        metadata: the JSON object; `task` and `format_version` are always there.
        tensors: where they lie in the data, by name.
        data: the bytes of all tensors.
    """

    metadata: dict[str, Any]
    tensors: dict[str, StoredTensor]
    data: memoryview


class PendingModel:
    """A model that a thread reads and checks while the program goes on.

    Args:
        path: of the file.
    """

    def __init__(self, path: str | Path) -> None:
        """Start to read."""
        self._path = path
        self._outcome: ModelBytes | Exception | None = None
        self._thread = Thread(target=self._read)
        # Where there can be no further thread, there is nothing to gain by one either.
        with contextlib.suppress(RuntimeError):
            self._thread.start()

    def result(self) -> ModelBytes:
        """Wait for the model, and return it as `read_bytes` does.

        Raises:
            ModelError: as `read_bytes` does.
        """
        if self._thread.ident is None:
            self._read()
        else:
            self._thread.join()
        if isinstance(self._outcome, ModelBytes):
            return self._outcome
        raise self._outcome or RuntimeError("the thread that reads the model has died")

    def _read(self) -> None:
        try:
            self._outcome = read_bytes(self._path)
        except Exception as error:
            self._outcome = error


def read_bytes(path: str | Path) -> ModelBytes:
    """Read and check a model.

    Nothing is read before the sizes of the file and of its header are known to be sensible, and what is read takes no
    more memory than the file's size asks for.

    Raises:
        ModelError: not found, not a model, corrupt, or of a newer format.
    """
    size = _regular_size(path)
    try:
        with open(path, "rb", buffering=0) as stream:
            header = stream.read(_header_size(path, stream.read(8), size)).decode()
            data_size = size - stream.tell()
            values = json.loads(header)
            # A header that says nothing of tensors, or of another kind of file, has no description either.
            metadata = _description(path, values.pop("__metadata__", {}).get(KEY))
            tensors = _tensors(values, data_size)
            data = _read_data(stream, data_size)
        parts = ((name, t.dtype, t.shape, data[t.start : t.end]) for name, t in tensors.items())
        found = checksum({key: value for key, value in metadata.items() if key != "checksum"}, parts)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    except _WRONG_VALUES as error:
        raise ModelError(f"{path}: not a model, or damaged: {str(error)[:_MAX_SHOWN]}") from error
    if found != metadata.get("checksum"):
        raise ModelError(f"{path}: damaged: its checksum does not match", hint="copy or train it again")
    return ModelBytes(metadata, tensors, data)


def checksum(metadata: Mapping[str, Any], tensors: Iterable[tuple[str, str, tuple[int, ...], memoryview]]) -> str:
    """SHA-256 over the description and the names, types, shapes and bytes of all tensors, in the order of names.

    Args:
        metadata: the description, the checksum left out.
        tensors: name, NumPy's name of the type, shape and bytes of each, in any order.
    """
    digest = hashlib.sha256(canonical_json(metadata).encode())
    for name, dtype, shape, data in sorted(tensors, key=lambda tensor: tensor[0]):
        digest.update(f"{name} {dtype} {list(shape)}\n".encode())
        digest.update(data)
    return digest.hexdigest()


def canonical_json(metadata: Mapping[str, Any]) -> str:
    """Write a JSON object so that equal objects are equal text, without anything that is not valid UTF-8."""
    text = json.dumps(metadata, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    # A file's name may be no valid text; half a surrogate pair written with a backslash is JSON again.
    return text.encode("utf-8", "backslashreplace").decode()


def _regular_size(path: str | Path) -> int:
    """Return a file's size in bytes; what is no regular file, or too large for a model, is refused."""
    try:
        status = os.stat(path)
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such model") from error
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    # A pipe would be waited for if it were opened.
    if not stat.S_ISREG(status.st_mode):
        raise ModelError(f"{path}: not a file")
    if status.st_size > MAX_FILE_SIZE:
        raise ModelError(f"{path}: not a model, or damaged: larger than {MAX_FILE_SIZE >> 20} MB")
    return status.st_size


def _header_size(path: str | Path, start: bytes, file_size: int) -> int:
    size = int.from_bytes(start, "little")
    if len(start) < 8 or size > min(MAX_HEADER, file_size - 8):
        raise ModelError(f"{path}: not a model, or damaged: the length of its header cannot be right")
    return size


def _description(path: str | Path, text: str | None) -> dict[str, Any]:
    """Parse the description."""
    if text is None:
        raise ModelError(f"{path}: a safetensors file, but not a model of rnncli")
    if len(text) > MAX_DESCRIPTION:
        raise ModelError(f"{path}: its description is larger than 1 MB")
    metadata: dict[str, Any] = json.loads(text)
    task = metadata.get("task") if isinstance(metadata, dict) else None
    if not isinstance(task, str) or not task.isidentifier() or len(task) > _MAX_SHOWN:
        raise ModelError(f"{path}: its description names no task")
    version = metadata.get("format_version")
    if type(version) is not int or version < 1:
        raise ModelError(f"{path}: its description names no format version")
    if version > FORMAT_VERSION:
        raise ModelError(
            f"{path}: format version {version}, newer than this rnncli reads ({FORMAT_VERSION})",
            hint="pip install --upgrade rnncli",
        )
    # Else a key could stand there twice, and what one reader takes for the description be another's blind spot.
    if canonical_json(metadata) != text:
        raise ModelError(f"{path}: damaged: its description is not written as rnncli writes it")
    return metadata


def _tensors(values: dict[str, Any], data_size: int) -> dict[str, StoredTensor]:
    """Parse the header's entries: together they must be the data, without gaps and without overlaps.

    Raises:
        ValueError: they are not, or one is wrong in itself.
    """
    tensors = {name: _tensor(name, **value) for name, value in values.items()}
    end = 0
    for tensor in sorted(tensors.values(), key=lambda tensor: (tensor.start, tensor.end)):
        if tensor.start != end:
            raise ValueError(f"byte {end} is not where a tensor begins")
        end = tensor.end
    if end != data_size:
        raise ValueError(f"the tensors take {end} bytes, and there are {data_size}")
    return tensors


def _tensor(name: str, dtype: str, shape: list[int], data_offsets: list[int]) -> StoredTensor:
    start, end = data_offsets
    if dtype not in _TYPES or len(shape) > _MAX_DIMENSIONS:
        raise ValueError(f"{name} is of type {dtype} and has {len(shape)} dimensions")
    if any(type(number) is not int or number < 0 for number in (*shape, start, end)):
        raise ValueError(f"{name} has a size that is no size")
    num_numbers, num_bytes = math.prod(shape), int(dtype[1:]) // 8
    if end - start != num_numbers * num_bytes or math.prod(max(size, 1) for size in shape) > MAX_FILE_SIZE:
        raise ValueError(f"{name} has other sizes than its {end - start} bytes")
    return StoredTensor(_TYPES[dtype], tuple(shape), start, end)


def _read_data(stream: FileIO, size: int) -> memoryview:
    """Read the rest of a file, which is known to have this many bytes, into memory that can be written to.

    The file itself is not mapped into memory, although that would be quicker: who copies another model over this one
    would change what a running filter answers, or end it.

    Raises:
        OSError: it cannot be read.
        ValueError: it ends early.
        MemoryError: there is no room for it.
    """
    data = rest = _allocate(size)
    while rest:
        num_read = stream.readinto(rest)
        if not num_read:
            raise ValueError("it ends early")
        rest = rest[num_read:]
    return data


def _allocate(size: int) -> memoryview:
    """Return memory of the process's own. Python would zero a bytearray by itself, and hold up all threads for it."""
    try:
        return memoryview(mmap.mmap(-1, size, access=mmap.ACCESS_COPY) if size else bytearray())
    except OSError as error:
        raise MemoryError(f"no room for {size} bytes") from error
