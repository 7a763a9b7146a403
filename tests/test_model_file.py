"""The saved model: the same bytes for the same model, and one kind of error for whatever is done to them."""

import errno
import json
import os
import pickle
import stat
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import save

from rnncli import model_file
from rnncli.cells import CELLS
from rnncli.config import EncoderConfig, FeatureConfig, TaggerConfig, TrainingConfig, tagger_config, to_dict
from rnncli.data.tag_schemes import Scheme
from rnncli.data.tag_sets import CHAIN_TAGS, TagSet
from rnncli.errors import ModelError, ResourceError
from rnncli.model_file import FORMAT_VERSION, ModelFile, TensorSpec, read, require, tagger_tensors, write
from rnncli.models.tagger import Tagger

METADATA = {"task": "ner", "tags": ["O", "S-Übung", "🙂"], "scores": {"f1": 0.625, "none": None}, "seed": 1}
Tensors = dict[str, NDArray[Any]]


def some_tensors() -> Tensors:
    generator = np.random.default_rng(0)
    return {
        "b.weight": generator.normal(size=(3, 5)).astype(np.float32),
        "a.table": generator.normal(size=(4, 2, 2)).astype(np.float16),
        "text": model_file.text_tensor("naïve 🙂\n"),
        "empty": np.zeros((0, 3), dtype=np.float32),
    }


def assert_equal(file: ModelFile, metadata: dict[str, Any], tensors: Tensors) -> None:
    assert {key: value for key, value in file.metadata.items() if key not in ("checksum", "format_version")} == metadata
    assert file.tensors.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert file.tensors[name].dtype == tensor.dtype
        assert np.array_equal(file.tensors[name], tensor)
        assert file.tensors[name].shape == tensor.shape


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.rnn"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    place = tmp_path_factory.mktemp("model") / "model.rnn"
    write(place, METADATA, some_tensors())
    return place.read_bytes()


def test_read_gives_what_was_written(path: Path) -> None:
    metadata = {**METADATA, "loss": 0.1 + 0.2, "limit": 1 << 60}
    size = write(path, metadata, some_tensors())
    assert size == path.stat().st_size
    file = read(path)
    assert_equal(file, metadata, some_tensors())
    assert (file.task, file.metadata["format_version"]) == ("ner", FORMAT_VERSION)
    assert model_file.tensor_text(file.tensors["text"]) == "naïve 🙂\n"


def test_the_order_of_keys_and_the_layout_in_memory_leave_no_trace(path: Path) -> None:
    write(path, METADATA, some_tensors())
    first = path.read_bytes()
    tensors = {name: np.asfortranarray(tensor) for name, tensor in reversed(some_tensors().items())}
    write(path, dict(reversed(METADATA.items())), tensors)
    assert path.read_bytes() == first
    file = read(path)
    rest = {key: value for key, value in file.metadata.items() if key not in ("checksum", "format_version")}
    write(path, rest, file.tensors)
    assert path.read_bytes() == first


def test_different_models_have_different_checksums(path: Path) -> None:
    def checksum(metadata: dict[str, Any], tensors: Tensors) -> str:
        write(path, metadata, tensors)
        return str(read(path).metadata["checksum"])

    tensors = some_tensors()
    seen = {
        checksum(METADATA, tensors),
        checksum({**METADATA, "seed": 2}, tensors),
        checksum(METADATA, {**tensors, "b.weight": -tensors["b.weight"]}),
        checksum(METADATA, {**tensors, "b.weight": tensors["b.weight"].reshape(5, 3)}),
        checksum(METADATA, {**tensors, "b.weight": tensors["b.weight"].view(np.int32)}),
        checksum(METADATA, {("c.weight" if n == "b.weight" else n): t for n, t in tensors.items()}),
    }
    assert len(seen) == 6


def header_size(data: bytes) -> int:
    return 8 + int(struct.unpack("<Q", data[:8])[0])


def read_or_refuse(path: Path, data: bytes) -> bool:
    """Whether the file is refused; if it is not, then it must hold just what the undamaged one holds."""
    path.write_bytes(data)
    try:
        file = read(path)
    except ModelError:
        return True
    assert_equal(file, METADATA, some_tensors())
    return False


@pytest.mark.parametrize("change", [0x01, 0x20, 0x80, 0xFF])
def test_every_damaged_byte_is_noticed(change: int, path: Path, data: bytes) -> None:
    """Bit flips at every place: the length, the header, the metadata, the tensors."""
    kept = []
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= change
        if not read_or_refuse(path, bytes(damaged)):
            kept.append(place)
    # Only the blanks that pad the header may become other blanks.
    assert all(data[place] == ord(" ") and place < header_size(data) for place in kept)
    assert len(kept) < 8


@settings(max_examples=300)
@given(draws=st.data())
def test_bytes_replaced_at_random_are_noticed(draws: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.getbasetemp() / "damaged.rnn"
    write(place, METADATA, some_tensors())
    damaged = bytearray(place.read_bytes())
    for _ in range(draws.draw(st.integers(1, 3))):
        damaged[draws.draw(st.integers(0, len(damaged) - 1))] = draws.draw(st.integers(0, 255))
    read_or_refuse(place, bytes(damaged))


def test_every_truncation_is_noticed(path: Path, data: bytes) -> None:
    for size in range(len(data)):
        assert read_or_refuse(path, data[:size]), size


@pytest.mark.parametrize("extra", [b"\0", b" ", b"x" * 1000])
def test_appended_bytes_are_noticed(extra: bytes, path: Path, data: bytes) -> None:
    assert read_or_refuse(path, data + extra)


@pytest.mark.parametrize("length", [0, 1, 1 << 20, (1 << 32) - 1, 1 << 40, (1 << 63) - 1, (1 << 64) - 1])
def test_a_wrong_header_length_is_noticed(length: int, path: Path, data: bytes) -> None:
    """Guards allocations of what a damaged file claims to hold."""
    assert read_or_refuse(path, struct.pack("<Q", length) + data[8:])


def test_tensors_that_change_places_are_noticed(path: Path) -> None:
    """Two tensors of one shape, their bytes swapped: the header stays right, only the checksum can tell."""
    tensors = {"a": np.arange(4, dtype=np.float32), "b": -np.arange(4, dtype=np.float32)}
    write(path, METADATA, tensors)
    data = path.read_bytes()
    one, other = tensors["a"].tobytes(), tensors["b"].tobytes()
    assert data.endswith(one + other)
    path.write_bytes(data[: -len(one + other)] + other + one)
    with pytest.raises(ModelError, match="checksum"):
        read(path)


OTHER_FILES = [b"", b"PK\x03\x04", b"{}", b"\x80\x04]\x94.", bytes(4096), "Übung\n".encode() * 99]


@pytest.mark.parametrize("content", OTHER_FILES)
def test_other_files_are_no_models(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    with pytest.raises(ModelError):
        read(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "not a model of rnncli"),
        ("", "not a model, or damaged"),
        ("{", "not a model, or damaged"),
        ("[]", "names no task"),
        ("{}", "names no task"),
        ('{"task":3,"format_version":1}', "names no task"),
        ('{"task":"ner"}', "names no format version"),
        ('{"task":"ner","format_version":"1"}', "names no format version"),
        ('{"task":"ner","format_version":0}', "names no format version"),
        ('{"format_version":true,"task":"ner"}', "names no format version"),
        ('{"format_version":1,"task":"ner"}', "checksum"),
        ('{"checksum":null,"format_version":1,"task":"ner"}', "checksum"),
        ('{"format_version":1,"task":"\\u001b[31m"}', "names no task"),
        ('{"format_version":1,"format_version":1,"task":"ner"}', "not written as rnncli writes it"),
        ('{"task":"ner","format_version":1}', "not written as rnncli writes it"),
        ('{"format_version":1,"task":"ner","x":1e999}', "not a model, or damaged"),
        ('{"format_version":1,"task":"ner","x":NaN}', "not a model, or damaged"),
        ('{"format_version":1,"task":"ner","x":' + "[" * 90_000 + "]" * 90_000 + "}", "not a model, or damaged"),
        ('{"task":"' + "x" * (1 << 20) + '","format_version":1}', "larger than 1 MB"),
        ('{"task":"ner","format_version":' + "9" * 5000 + "}", "not a model, or damaged"),
    ],
)
def test_a_wrong_description_is_refused(text: str | None, message: str, path: Path) -> None:
    path.write_bytes(save({"x": np.zeros(2, dtype=np.float32)}, None if text is None else {"rnncli": text}))
    with pytest.raises(ModelError, match=message) as caught:
        read(path)
    assert str(path) in caught.value.message


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "BOOL", "U64", "nonsense"])
def test_types_that_no_model_has_are_refused(dtype: str, path: Path) -> None:
    size = {"BF16": 2, "U64": 8}.get(dtype, 1)
    description = {"rnncli": '{"task":"ner","format_version":1,"checksum":""}'}
    tensor = {"dtype": dtype, "shape": [1], "data_offsets": [0, size]}
    header = json.dumps({"__metadata__": description, "x": tensor}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(size))
    with pytest.raises(ModelError):
        read(path)


def test_a_newer_format_is_refused_with_the_way_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(model_file, "FORMAT_VERSION", FORMAT_VERSION + 1)
        write(path, METADATA, some_tensors())
    with pytest.raises(ModelError, match=f"format version {FORMAT_VERSION + 1}, newer") as caught:
        read(path)
    assert caught.value.hint is not None
    assert "upgrade" in caught.value.hint


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model"):
        read(tmp_path / "none.rnn")
    with pytest.raises(ModelError, match="not a file"):
        read(tmp_path)


def test_a_file_that_cannot_be_opened(path: Path, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    path.write_bytes(data)
    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ModelError, match="cannot be read: Permission denied"):
        read(path)


def test_nothing_in_the_file_is_executed(path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
            return os.abort, ()  # type: ignore[return-value]

    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ModelError):
        read(path)


def small_config(cell: str = "gru", **changes: int) -> TaggerConfig:
    features = FeatureConfig(
        embedding_size=3, word_rows=7, affix_rows=5, short_affix_rows=4, ngram_rows=11, projection_size=6, **changes
    )
    return TaggerConfig(features, EncoderConfig(cell=cell, hidden_size=2, num_layers=2))


HEADS = (
    TagSet("ner", ("O", "S-X", "B-X", "I-X", "E-X"), Scheme.IOB2),
    TagSet("pos", ("ADJ", "NOUN")),
    TagSet("pos", tuple(map(str, range(CHAIN_TAGS + 1)))),
)
"""Spans, plain tags, and more tags than have transitions."""


def fill(specs: dict[str, TensorSpec]) -> Tensors:
    return {
        name: np.zeros([size if size is not None else 9 for size in spec.shape], dtype=spec.dtypes[-1])
        for name, spec in specs.items()
    }


@pytest.mark.parametrize(("cell", "vector_size"), [("gru", 4), *((cell, 0) for cell in CELLS)])
def test_the_list_of_tensors_is_that_of_the_training_model(cell: str, vector_size: int) -> None:
    config = small_config(cell, vector_size=vector_size)
    model = Tagger(config, HEADS, TrainingConfig(), torch.zeros(9, vector_size) if vector_size else None)
    state = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    expected = tagger_tensors(config, HEADS)
    texts = {name: np.zeros(9, dtype=np.uint8) for name, spec in expected.items() if spec.dtypes == ("uint8",)}
    texts["known_words"] = np.zeros(9, dtype=np.uint32)
    require("x", {**state, **texts}, expected)
    assert state.keys().isdisjoint(texts)


def test_all_differences_are_listed_at_once() -> None:
    specs = tagger_tensors(small_config(), HEADS)
    tensors = fill(specs)
    require("model.rnn", tensors, specs)
    missing, turned, typed, flat, text = pick(specs)
    del tensors[missing]
    tensors["surplus"] = np.zeros(1, dtype=np.float32)
    tensors[turned] = np.zeros((1, *tensors[turned].shape[1:]), dtype=np.float32)
    tensors[flat] = tensors[flat].reshape(-1, 1, 1)
    tensors[typed] = tensors[typed].astype(np.float64)
    tensors[text] = tensors[text].astype(np.float32)
    with pytest.raises(ModelError) as caught:
        require("model.rnn", tensors, specs)
    message = caught.value.message
    assert message.startswith("model.rnn: ")
    assert f"{missing} is missing" in message
    assert "surplus is unknown" in message
    assert f"{turned} has shape" in message
    assert f"{flat} has shape" in message
    assert f"{typed} has type float64" in message
    assert f"{text} has type float32" in message
    assert message.count(";") == 5


def pick(specs: dict[str, TensorSpec]) -> tuple[str, str, str, str, str]:
    """Four different matrices and a text, whatever their names are."""
    matrices = [name for name, spec in specs.items() if len(spec.shape) == 2 and None not in spec.shape]
    texts = [name for name, spec in specs.items() if spec.dtypes == ("uint8",)]
    return matrices[0], matrices[1], matrices[2], matrices[3], texts[0]


@given(st.data())
def test_any_single_wrong_size_is_refused(draws: st.DataObject) -> None:
    specs = tagger_tensors(small_config(), HEADS)
    tensors = fill(specs)
    name = draws.draw(st.sampled_from([name for name, spec in specs.items() if None not in spec.shape]))
    axis = draws.draw(st.integers(0, tensors[name].ndim - 1))
    tensors[name] = np.repeat(tensors[name], 2, axis=axis)
    with pytest.raises(ModelError, match=name.replace(".", r"\.")):
        require("x", tensors, specs)


def test_configuration_survives_the_file(path: Path) -> None:
    config = small_config(vector_size=4)
    write(path, {"task": "ner", "config": to_dict(config)}, some_tensors())
    assert tagger_config(read(path).metadata["config"]) == config


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("place", ["replace", "fsync", "chmod"])
def test_a_failing_write_leaves_the_old_file(place: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path, METADATA, some_tensors())
    before = path.read_bytes()
    monkeypatch.setattr(os, place, full_disk)
    with pytest.raises(ResourceError, match="No space left") as caught:
        write(path, {**METADATA, "seed": 2}, some_tensors())
    assert str(path) in caught.value.message
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_full_disk_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real device that takes no byte, so that it is the write or the flush that fails."""
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    write(path, METADATA, some_tensors())
    before = path.read_bytes()

    def full(*_: object, **__: object) -> tuple[int, str]:
        return os.open("/dev/full", os.O_WRONLY), str(path.parent / ".model.rnn.new")

    monkeypatch.setattr(tempfile, "mkstemp", full)
    with pytest.raises(ResourceError, match="No space left"):
        write(path, {**METADATA, "seed": 2}, some_tensors())
    assert path.read_bytes() == before


def test_a_new_model_is_complete_before_it_has_its_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards writing in place: whoever reads meanwhile sees the old model or the new one."""
    write(path, METADATA, some_tensors())
    seen: list[int] = []
    replace = os.replace

    def watch(source: str, target: Path) -> None:
        seen.extend((read(path).metadata["seed"], read(source).metadata["seed"]))
        replace(source, target)

    monkeypatch.setattr(os, "replace", watch)
    write(path, {**METADATA, "seed": 2}, some_tensors())
    assert [*seen, read(path).metadata["seed"]] == [1, 2, 2]


def test_a_place_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="cannot write"):
        write(tmp_path / "none" / "model.rnn", METADATA, some_tensors())


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_follow_the_umask(umask: int, path: Path) -> None:
    """Temporary files are private; a model that others could not read would be a surprise."""
    before = os.umask(umask)
    try:
        write(path, METADATA, some_tensors())
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def test_a_description_beyond_the_limit_is_not_written(path: Path) -> None:
    with pytest.raises(ResourceError, match="1 MB"):
        write(path, {"task": "ner", "tags": "é" * (1 << 19)}, some_tensors())
    assert not path.exists()


def test_text_that_is_not_utf8_is_a_model_error() -> None:
    with pytest.raises(ModelError, match="UTF-8"):
        model_file.tensor_text(np.array([0xFF, 0xFE], dtype=np.uint8))
