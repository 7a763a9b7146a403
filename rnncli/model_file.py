"""The saved-model file: safetensors with one metadata key of canonical JSON.

Nothing in it is executed on load. The order of the tensors, the JSON and the checksum depend on the content alone, so
that equal models are equal bytes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from rnncli import model_bytes
from rnncli.atomic_file import write_atomically
from rnncli.cells import layer_shapes
from rnncli.config import TaggerConfig
from rnncli.data.features import KINDS, table_sizes
from rnncli.data.tag_sets import TagSet
from rnncli.errors import ModelError, ResourceError
from rnncli.model_bytes import (
    FORMAT_VERSION,
    KEY,
    MAX_DESCRIPTION,
    MAX_FILE_SIZE,
    MAX_HEADER,
    PendingModel,
    canonical_json,
    read_bytes,
)

MAX_TEXT_SIZE = 1 << 22
"""Bytes of the largest text in a file, a list of words left aside."""
_MAX_WORDS = 1 << 22
_MAX_LISTED = 20
_MAX_SHOWN = 200


# Named tuples are made in a sixth of a dataclass's time, and every start waits for them.
class TensorSpec(NamedTuple):
    """What a tensor of a model must be.

    Attributes:
        shape: its sizes; None where any size is right.
        dtypes: the NumPy names of the types it may have.
        max_size: the most numbers it may hold, None without such a limit.
    """

    shape: tuple[int | None, ...]
    dtypes: tuple[str, ...] = ("float16", "float32")
    max_size: int | None = None

    def problem(self, name: str, tensor: NDArray[Any]) -> str | None:
        """Say how a tensor differs from this, or None."""
        if tensor.ndim != len(self.shape) or any(
            want not in (None, size) for want, size in zip(self.shape, tensor.shape, strict=True)
        ):
            return f"{name} has shape {list(tensor.shape)}, expected {list(self.shape)}"
        if tensor.dtype.name not in self.dtypes:
            return f"{name} has type {tensor.dtype.name}, expected {' or '.join(self.dtypes)}"
        if self.max_size is not None and tensor.size > self.max_size:
            return f"{name} holds {tensor.size} numbers, more than {self.max_size}"
        return None


class ModelFile(NamedTuple):
    """A model as it lies in its file.

    Attributes:
        metadata: the JSON object; `task` and `format_version` are always there.
        tensors: arrays by name.
    """

    metadata: dict[str, Any]
    tensors: dict[str, NDArray[Any]]

    @property
    def task(self) -> str:
        """The task that the model was trained for."""
        return cast(str, self.metadata["task"])


def tagger_tensors(config: TaggerConfig, heads: Sequence[TagSet]) -> dict[str, TensorSpec]:
    """List the tensors of a tagger, the same for both backends.

    Args:
        config: sizes.
        heads: what the tagger chooses from; their tags stand side by side in the output.
    """
    num_tags = sum(len(head.tags) for head in heads)
    features, hidden = config.features, config.encoder.hidden_size
    inputs = features.embedding_size * (len(KINDS) + 1) + features.vector_size
    pieces = features.projection_size * features.maxout_pieces
    specs = {
        "features.table.weight": TensorSpec((sum(table_sizes(features)), features.embedding_size)),
        "features.ngrams.weight": TensorSpec((features.ngram_rows, features.embedding_size)),
        "features.projection.weight": TensorSpec((pieces, inputs)),
        "features.projection.bias": TensorSpec((pieces,)),
        "features.norm.weight": TensorSpec((features.projection_size,)),
        "features.norm.bias": TensorSpec((features.projection_size,)),
        "output.weight": TensorSpec((num_tags, 2 * hidden)),
        "output.bias": TensorSpec((num_tags,)),
        "tokenizer": TensorSpec((None,), ("uint8",), MAX_TEXT_SIZE),
        "known_words": TensorSpec((None,), ("uint32",), _MAX_WORDS),
    }
    if config.linear_window:
        width = config.linear_window * num_tags
        specs["linear.table.weight"] = TensorSpec((sum(table_sizes(features)), width))
    for i, head in enumerate(heads):
        if head.is_chain:
            size = len(head.tags)
            specs[f"crf.{i}.transitions"] = TensorSpec((size, size))
            specs[f"crf.{i}.start"] = TensorSpec((size,))
            specs[f"crf.{i}.end"] = TensorSpec((size,))
    for i in range(config.encoder.num_layers):
        width = 2 * hidden if i else features.projection_size
        for name, shape in layer_shapes(config.encoder.cell, width, hidden).items():
            specs[f"encoder.layers.{i}.{name}"] = TensorSpec(shape)
    if features.vector_size:
        specs["features.vectors"] = TensorSpec((None, features.vector_size))
        specs["features.vector_words"] = TensorSpec((None,), ("uint8",))
    return specs


def write(path: str | Path, metadata: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> int:
    """Write a model so that the path holds the old file or the whole new one, whatever happens.

    Args:
        path: where to write; replaced if it exists.
        metadata: JSON object with at least `task`; `format_version` and `checksum` are added.
        tensors: contiguous arrays by name.

    Returns:
        Size of the file in bytes.

    Raises:
        ResourceError: the disk is full, the place cannot be written, or the model is larger than `read` takes.
    """
    from safetensors.numpy import save  # readers do not need it

    ordered = {name: np.ascontiguousarray(tensors[name]) for name in sorted(tensors)}
    content = {**metadata, "format_version": FORMAT_VERSION}
    content["checksum"] = checksum(content, ordered)
    text = canonical_json(content)
    if len(text.encode()) > MAX_DESCRIPTION:
        raise ResourceError("the model's description is larger than 1 MB")
    data = save(ordered, {KEY: text})
    if len(data) > MAX_FILE_SIZE or int.from_bytes(data[:8], "little") > MAX_HEADER:
        raise ResourceError(f"{path}: the model is larger than {MAX_FILE_SIZE >> 20} MB or has too many parts")
    return write_atomically(path, [data], "model")


def read(path: str | Path, pending: PendingModel | None = None) -> ModelFile:
    """Read and check a model.

    Args:
        path: of the file.
        pending: the same file, if a thread reads it already.

    Returns:
        The model; its arrays are writable parts of one piece of memory.

    Raises:
        ModelError: not found, not a model, corrupt, or of a newer format.
    """
    metadata, tensors, data = read_bytes(path) if pending is None else pending.result()
    arrays = {
        name: np.ndarray(tensor.shape, np.dtype(tensor.dtype).newbyteorder("<"), data, tensor.start)
        for name, tensor in tensors.items()
    }
    return ModelFile(metadata, arrays)


def require(path: str | Path, tensors: Mapping[str, NDArray[Any]], expected: Mapping[str, TensorSpec]) -> None:
    """Check names, shapes and types of all tensors.

    Raises:
        ModelError: lists every difference, up to a number that can be read.
    """
    problems = [f"{name} is missing" for name in expected if name not in tensors]
    problems += [f"{name[:_MAX_SHOWN]} is unknown" for name in tensors if name not in expected]
    problems += [
        problem for name, spec in expected.items() if name in tensors and (problem := spec.problem(name, tensors[name]))
    ]
    if problems:
        listed = sorted(problems)[:_MAX_LISTED]
        listed += [f"and {len(problems) - _MAX_LISTED} more"] if len(problems) > _MAX_LISTED else []
        raise ModelError(f"{path}: does not fit its own description: " + "; ".join(listed))


def checksum(metadata: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> str:
    """Compute `model_bytes.checksum` of arrays."""
    parts = ((name, t.dtype.name, t.shape, np.ascontiguousarray(t).data) for name, t in tensors.items())
    return model_bytes.checksum(metadata, parts)


def text_tensor(text: str) -> NDArray[np.uint8]:
    """Encode text as a tensor of bytes."""
    return np.frombuffer(text.encode("utf-8"), dtype=np.uint8)


def tensor_text(tensor: NDArray[Any]) -> str:
    """Decode what `text_tensor` encoded.

    Raises:
        ModelError: not UTF-8.
    """
    try:
        return tensor.tobytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(f"a text in the model is not UTF-8: {error}") from error
