"""The bytes of a model: what the safetensors library reads is read alike, and what it refuses is refused."""

import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.numpy import load, save

from rnncli import model_bytes, model_file
from rnncli.errors import ModelError
from rnncli.model_bytes import KEY, MAX_FILE_SIZE, PendingModel, canonical_json, read_bytes

DTYPES = [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)] + ["float16", "float32", "float64"]
shapes = st.lists(st.integers(0, 4), max_size=4).map(tuple)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(lambda name: name != "__metadata__")


def write_model(path: Path, count: int = 100_000) -> None:
    tensors = {"table": np.arange(count, dtype=np.float32), "text": np.frombuffer(b"text", np.uint8)}
    model_file.write(path, {"task": "ner"}, tensors)


@given(entries=st.dictionaries(names, st.tuples(st.sampled_from(DTYPES), shapes), max_size=5), seed=st.integers(0, 99))
def test_what_the_library_wrote_is_read_alike(
    entries: dict[str, tuple[str, tuple[int, ...]]], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "alike.rnn"
    generator = np.random.default_rng(seed)
    tensors = {
        name: np.frombuffer(generator.bytes(int(np.prod(shape)) * np.dtype(dtype).itemsize), dtype).reshape(shape)
        for name, (dtype, shape) in entries.items()
    }
    model_file.write(path, {"task": "ner"}, tensors)
    expected = load(path.read_bytes())
    found = model_file.read(path).tensors
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert (found[name].dtype, found[name].shape) == (tensor.dtype, tensor.shape)
        assert found[name].tobytes() == tensor.tobytes()
        assert found[name].flags.writeable
        assert found[name].flags.aligned


def with_header(path: Path, values: dict[str, Any], data: bytes) -> bytes:
    """A file with a good description, the checksum aside, and these tensors."""
    description = canonical_json({"task": "ner", "format_version": 1, "checksum": ""})
    header = json.dumps({"__metadata__": {KEY: description}, **values}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
    return path.read_bytes()


def entry(start: int, end: int, dtype: str = "U8", shape: list[Any] | None = None) -> dict[str, Any]:
    return {"dtype": dtype, "shape": [end - start] if shape is None else shape, "data_offsets": [start, end]}


GOOD = {"a": entry(0, 4), "b": entry(4, 8)}
WRONG = {
    "gap": ({"a": entry(0, 3), "b": entry(4, 8)}, 8),
    "overlap": ({"a": entry(0, 5), "b": entry(4, 8)}, 8),
    "late start": ({"a": entry(1, 4), "b": entry(4, 8)}, 8),
    "too much data": (GOOD, 9),
    "too little data": (GOOD, 7),
    "backwards": ({"a": entry(0, 8), "b": entry(8, 4, shape=[0])}, 8),
    "shape too large": ({**GOOD, "b": entry(4, 8, shape=[5])}, 8),
    "type too large": ({**GOOD, "b": entry(4, 8, "F16", [4])}, 8),
    "no type": ({**GOOD, "b": {"shape": [4], "data_offsets": [4, 8]}}, 8),
    "negative": ({**GOOD, "b": entry(4, 8, shape=[-2, -2])}, 8),
    "a fraction": ({**GOOD, "b": entry(4, 8, shape=[4.0])}, 8),
    "a truth": ({**GOOD, "b": entry(4, 8, shape=[4, True])}, 8),
    "no number": ({**GOOD, "b": entry(4, 8, shape=["4"])}, 8),
    "three places": ({**GOOD, "b": {"dtype": "U8", "shape": [4], "data_offsets": [4, 8, 8]}}, 8),
    "beyond every number": ({**GOOD, "b": entry(4, 8, shape=[0, 1 << 70])}, 8),
    "no entry": ({**GOOD, "c": None}, 8),
    "a list": ({**GOOD, "c": [1]}, 8),
}


@pytest.mark.parametrize(("values", "size"), WRONG.values(), ids=WRONG)
def test_a_header_that_the_library_refuses_is_refused(values: dict[str, Any], size: int, tmp_path: Path) -> None:
    with pytest.raises((SafetensorError, ValueError)):
        load(with_header(tmp_path / "bad.rnn", values, bytes(size)))
    with pytest.raises(ModelError, match="not a model, or damaged"):
        read_bytes(tmp_path / "bad.rnn")
    with_header(tmp_path / "good.rnn", GOOD, bytes(8))
    with pytest.raises(ModelError, match="checksum"):
        read_bytes(tmp_path / "good.rnn")


@pytest.mark.parametrize(
    "shape", [[0, MAX_FILE_SIZE + 1], [0, 1 << 20, 1 << 20], [1] * 9, [0] * 200_000, [9] * 500_000]
)
def test_shapes_that_no_model_has_are_refused_in_no_time(shape: list[int], tmp_path: Path) -> None:
    """The product of half a million numbers has half a million digits and would take minutes."""
    with_header(tmp_path / "bad.rnn", {"x": entry(0, 0, shape=shape)}, b"")
    with pytest.raises(ModelError, match="not a model, or damaged"):
        read_bytes(tmp_path / "bad.rnn")


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.rnn"
    write_model(path)
    parse = model_bytes._tensors

    def shrink(*arguments: Any) -> Any:
        os.truncate(path, path.stat().st_size - 1)
        return parse(*arguments)

    monkeypatch.setattr(model_bytes, "_tensors", shrink)
    with pytest.raises(ModelError, match="it ends early"):
        read_bytes(path)


def test_a_model_in_use_does_not_change_with_its_file(tmp_path: Path) -> None:
    """Guards the file being mapped into memory: a copy over it would change the answers, or end the process."""
    path = tmp_path / "model.rnn"
    write_model(path)
    table = model_file.read(path).tensors["table"]
    path.write_bytes(b"")
    assert np.array_equal(table, np.arange(len(table)))


def test_no_room_is_no_fault_of_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("Cannot allocate memory")

    write_model(tmp_path / "model.rnn")
    monkeypatch.setattr(model_bytes.mmap, "mmap", refuse)
    with pytest.raises(MemoryError):
        read_bytes(tmp_path / "model.rnn")


def no_room(_: int) -> memoryview:
    raise MemoryError


def no_further_thread(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


@pytest.mark.parametrize("start", [threading.Thread.start, no_further_thread], ids=["thread", "no thread"])
def test_a_pending_model_is_the_same_one(
    start: Callable[[threading.Thread], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.rnn"
    write_model(path)
    monkeypatch.setattr(threading.Thread, "start", start)
    pending = PendingModel(path)
    assert pending.result() == read_bytes(path)
    file, again = model_file.read(path, pending), model_file.read(path)
    assert file.metadata == again.metadata
    assert all(np.array_equal(file.tensors[name], tensor) for name, tensor in again.tensors.items())


@pytest.mark.parametrize("start", [threading.Thread.start, no_further_thread], ids=["thread", "no thread"])
def test_what_is_wrong_with_a_pending_model_is_told_where_it_is_wanted(
    start: Callable[[threading.Thread], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.rnn"
    write_model(path)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(ModelError, match="checksum"):
        PendingModel(path).result()
    with pytest.raises(ModelError, match="no such model"):
        PendingModel(tmp_path / "none.rnn").result()
    monkeypatch.setattr(model_bytes, "_allocate", no_room)
    with pytest.raises(MemoryError):
        PendingModel(path).result()


def test_other_metadata_is_in_nobodys_way(tmp_path: Path) -> None:
    """As the library allows more keys, so do we; none of them is read."""
    write_model(tmp_path / "model.rnn")
    metadata = read_bytes(tmp_path / "model.rnn").metadata
    tensors = load((tmp_path / "model.rnn").read_bytes())
    (tmp_path / "more.rnn").write_bytes(save(tensors, {KEY: canonical_json(metadata), "format": "np"}))
    assert read_bytes(tmp_path / "more.rnn").metadata == metadata


def test_reading_a_model_needs_no_numpy(tmp_path: Path) -> None:
    write_model(tmp_path / "model.rnn")
    script = (
        "import sys\nfrom rnncli.model_bytes import read_bytes\nread_bytes(sys.argv[1])\nprint('numpy' in sys.modules)"
    )
    arguments = [sys.executable, "-c", script, str(tmp_path / "model.rnn")]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n"
