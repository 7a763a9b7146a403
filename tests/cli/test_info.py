"""rnncli info: what a model file holds."""

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnncli import model_file


def test_json_holds_what_the_file_holds(run_cli: Any, model: Path) -> None:
    done = run_cli("info", model, "--json")
    assert (done.code, done.err) == (0, "")
    (line,) = done.lines
    found = json.loads(line)
    file = model_file.read(model)
    assert {key: found[key] for key in file.metadata} == file.metadata
    assert found["num_parameters"] == sum(t.size for t in file.tensors.values() if t.dtype.kind == "f")
    assert found["task"] == "ner"
    assert found["seed"] == 1
    (head,) = found["heads"]
    assert head["scheme"] == "IOB2"
    assert set(head["counts"]) == {"PER", "LOC", "ORG"}


def test_command_can_be_typed_again(run_cli: Any, model: Path) -> None:
    done = run_cli("info", model, "--command")
    assert shlex.split(done.lines[0]) == [
        *("rnncli", "train", "ner", "train.conll", "-o", "names.rnn", "--max-updates", "60", "--threads", "1")
    ]


def test_text_names_task_types_seed_scores_and_checksum(run_cli: Any, model: Path) -> None:
    done = run_cli("info", model)
    assert done.code == 0
    text = "\n".join(done.lines)
    metadata = model_file.read(model).metadata
    for part in (
        "ner",
        "PER",
        "LOC",
        "ORG",
        metadata["checksum"],
        f"{metadata['scores']['dev']['f1']:.4f}",
        "names.rnn",
    ):
        assert part in text


@pytest.mark.parametrize("name", ["missing.rnn", "folder", "text.rnn", "other.safetensors"])
def test_what_is_no_model_is_exit_4(run_cli: Any, tmp_path: Path, name: str) -> None:
    from safetensors.numpy import save_file

    (tmp_path / "folder").mkdir()
    (tmp_path / "text.rnn").write_text("hello\n")
    save_file({"x": np.zeros(3, dtype=np.float32)}, tmp_path / "other.safetensors")
    done = run_cli("info", name)
    assert (done.code, done.out) == (4, b"")
    assert done.err.startswith(f"rnncli: error: {name}: ")


def test_a_newer_format_says_so(run_cli: Any, model: Path, tmp_path: Path) -> None:
    data = model.read_bytes()
    old, new = b'\\"format_version\\":1', b'\\"format_version\\":9'
    assert data.count(old) == 1
    (tmp_path / "new.rnn").write_bytes(data.replace(old, new))
    done = run_cli("info", "new.rnn")
    assert (done.code, done.out) == (4, b"")
    assert "newer" in done.err


def test_without_a_model_it_is_a_usage_error(run_cli: Any) -> None:
    done = run_cli("info")
    assert (done.code, done.out) == (2, b"")
