"""The resumable state of a training run: all that the rest of the run depends on, in one file beside the model.

The file is safetensors with one metadata key of canonical JSON, as the model's, and nothing in it is executed.
"""

import contextlib
import dataclasses
import json
import struct
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from rnncli.atomic_file import remove_leftovers, write_atomically
from rnncli.errors import ModelError, UsageError
from rnncli.events import TrainingEvent, TrainingResumed, Warned
from rnncli.model_bytes import canonical_json
from rnncli.model_file import checksum

_FORMAT_VERSION = 1
_KEY = "rnncli.state"
_DTYPES = {"float32": "F32", "float64": "F64", "int64": "I64", "uint8": "U8"}
_MOST_OF_TIME = 1 / 20
"""Share of the time that saving at the ends of passes may take; after longer intervals it is due in any case."""
_CURE = "--force in place of --resume starts over"


@dataclass(slots=True)
class Progress:
    """How far a run is.

    Attributes:
        epoch: passes over the data that are done and scored.
        batches: batches taken since then.
        update: optimizer steps.
        loss: sum over the tokens of this pass, nats.
        tokens: of this pass.
        best_score: the best development score, None where nothing was scored.
        kept_score: that of the pass whose weights are kept.
        best_epoch: that pass, 0 before the first.
        elapsed_s: since training started, over all runs.
        epoch_s: since this pass started, over all runs.
        retried: whether the run has gone back once from numbers that were not finite.
    """

    epoch: int = 0
    batches: int = 0
    update: int = 0
    loss: float = 0.0
    tokens: int = 0
    best_score: float | None = None
    kept_score: float | None = None
    best_epoch: int = 0
    elapsed_s: float = 0.0
    epoch_s: float = 0.0
    retried: bool = False


@dataclass(frozen=True, slots=True)
class TrainingState:
    """A run between two updates.

    Attributes:
        progress: how far it is.
        optimizer: numbers of the optimizer, as JSON values.
        tensors: weights, the optimizer's tensors, the best weights so far, and states of random generators, by name.
    """

    progress: Progress
    optimizer: dict[str, Any]
    tensors: dict[str, Tensor]


class StateFile:
    """Keeps the state of one run in a file.

    Args:
        path: where; by custom the model's path and `.state`.
        fingerprint: what the run's course depends on besides its state, as JSON values by name.
        interval_s: seconds after which a state is due, as soon as the update under way is done.
    """

    def __init__(self, path: str, fingerprint: Mapping[str, Any], interval_s: float) -> None:
        """Touch nothing yet."""
        self.path = path
        self._fingerprint: dict[str, Any] = json.loads(canonical_json(fingerprint))
        self._interval_s = interval_s
        self._saved = time.monotonic()
        self._cost_s = 0.0

    def is_due(self, *, after_epoch: bool) -> bool:
        """Tell whether it is time to save: after an interval, and after every pass if that costs little."""
        wait = min(self._interval_s, self._cost_s / _MOST_OF_TIME) if after_epoch else self._interval_s
        return time.monotonic() - self._saved >= wait

    def save(self, state: TrainingState) -> None:
        """Write a state; the file holds the old one or the whole new one, whatever happens.

        Raises:
            ResourceError: the disk is full or the place cannot be written.
        """
        began = time.monotonic()
        try:
            arrays = {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in state.tensors.items()}
            content: dict[str, Any] = {
                "format_version": _FORMAT_VERSION,
                "fingerprint": self._fingerprint,
                "progress": dataclasses.asdict(state.progress),
                "optimizer": state.optimizer,
            }
            content["checksum"] = checksum(content, arrays)
            write_atomically(self.path, _safetensors(canonical_json(content), arrays), "training state")
        finally:
            self._saved = time.monotonic()
            self._cost_s = self._saved - began

    def load(self) -> TrainingState | None:
        """Read the state, None where there is none.

        Raises:
            ModelError: it is no state, or damaged.
            UsageError: it belongs to a run on other data or with other settings.
        """
        if not Path(self.path).exists():
            return None
        try:
            with safe_open(self.path, framework="numpy") as stream:
                content = json.loads((stream.metadata() or {})[_KEY])
                arrays: dict[str, NDArray[Any]] = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
            expected = content.pop("checksum")
            is_whole = checksum(content, arrays) == expected
        except (SafetensorError, OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            raise ModelError(f"{self.path}: not a training state, or damaged: {error}", hint=_CURE) from error
        if not is_whole:
            raise ModelError(f"{self.path}: damaged: its checksum does not match", hint=_CURE)
        if content["format_version"] != _FORMAT_VERSION:
            raise ModelError(f"{self.path}: a training state of another version of rnncli", hint=_CURE)
        differences = list(_differences(content["fingerprint"], self._fingerprint))
        if differences:
            raise UsageError(f"{self.path}: of a run that differs in {', '.join(differences)}", hint=_CURE)
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        return TrainingState(Progress(**content["progress"]), content["optimizer"], tensors)

    def remove(self) -> None:
        """Remove the file."""
        # One that cannot be removed only repeats the end of the run when it is resumed.
        with contextlib.suppress(OSError):
            Path(self.path).unlink()


def open_state(file: StateFile, *, resume: bool, force: bool) -> Generator[TrainingEvent, None, TrainingState | None]:
    """Read the state to go on from, or make room for a new run.

    Args:
        file: where it is.
        resume: whether to go on at all; otherwise the file is removed.
        force: whether to start over where the state cannot be used.

    Yields:
        What was found.

    Returns:
        The state, None to start from the beginning.

    Raises:
        ModelError: the file is no state, or damaged.
        UsageError: it belongs to a run on other data or with other settings.
    """
    remove_leftovers(file.path)
    if not resume:
        file.remove()
        return None
    try:
        state = file.load()
    except (ModelError, UsageError) as error:
        if not force:
            raise
        yield Warned(f"{error.message}; training starts from the beginning")
        return None
    progress = state.progress if state else Progress()
    yield TrainingResumed(file.path, progress.epoch, progress.update)
    return state


def _differences(saved: Mapping[str, Any], present: Mapping[str, Any]) -> Iterator[str]:
    """Name what differs, with both values where they are short."""
    for name in sorted({*saved, *present}):
        old, new = (str(values.get(name)) for values in (saved, present))
        if old != new:
            yield f"{name} ({old} then, {new} now)" if max(len(old), len(new)) <= 40 else name


def _safetensors(description: str, arrays: Mapping[str, NDArray[Any]]) -> Iterator[bytes | memoryview]:
    """Lay tensors out as the library does, but array by array: a state is large, and a second copy might not fit."""
    # Large numbers first, so that each begins at a multiple of its size.
    names = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    header: dict[str, Any] = {"__metadata__": {_KEY: description}}
    end = 0
    for name in names:
        begin, end = end, end + arrays[name].nbytes
        shape = list(arrays[name].shape)
        header[name] = {"dtype": _DTYPES[arrays[name].dtype.name], "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    yield struct.pack("<Q", len(text))
    yield text
    for name in names:
        yield arrays[name].reshape(-1).view(np.uint8).data
