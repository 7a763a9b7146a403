"""Model files made to do harm: an error of the model's, in little time and memory, whatever is in them.

Whoever makes such a file can compute its checksum too, so nearly all of these have the right one.
"""

import json
import os
import resource
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from rnncli import model_file
from rnncli.data.tokenizer_rules import TokenizerRules

Change = Callable[[dict[str, Any], dict[str, Any]], None]

_MEMORY = 1 << 30
_SECONDS = 20
COMMANDS = (
    ("tag", "-m", "bad.rnn", "text.txt"),
    ("evaluate", "-m", "bad.rnn", "gold.conll"),
    ("info", "bad.rnn"),
    ("info", "--json", "bad.rnn"),
)


def limit_resources() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "text.txt").write_text("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa! Ada met Bob.\n")
    (tmp_path / "gold.conll").write_text("Ada\tS-PER\nmet\tO\n\n")
    return tmp_path


@pytest.fixture
def limited(folder: Path) -> Callable[..., tuple[int, str]]:
    """Runs the real command where it can have neither gigabytes nor minutes."""

    def call(*arguments: str) -> tuple[int, str]:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "rnncli", *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            preexec_fn=limit_resources,
            check=False,
        )
        return done.returncode, done.stderr.decode()

    return call


def assert_refused(done: tuple[int, str], message: str = "") -> None:
    code, errors = done
    assert code == 4, errors
    assert errors.startswith("rnncli: error: bad.rnn: ")
    assert message in errors
    assert "Traceback" not in errors
    assert len(errors) < 30_000
    assert all(character.isprintable() or character == "\n" for character in errors)


def sparse(path: Path, header: bytes, size: int) -> None:
    """A file that claims to be large and takes no place on the disk."""
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", len(header)) + header)
        stream.truncate(size)


def one_tensor(num_bytes: int) -> bytes:
    tensor = {"dtype": "U8", "shape": [num_bytes], "data_offsets": [0, num_bytes]}
    return json.dumps({"__metadata__": {"rnncli": '{"format_version":1,"task":"ner"}'}, "x": tensor}).encode()


@pytest.mark.parametrize("size", [1 << 40, 3 << 30, (1 << 29) + 1])
def test_a_file_that_claims_to_be_huge(size: int, folder: Path, limited: Any) -> None:
    # The header's own length does not change with so few digits more or less, if it is written twice.
    header = one_tensor(size - 8 - len(one_tensor(size)))
    header = one_tensor(size - 8 - len(header)).ljust(len(header))
    sparse(folder / "bad.rnn", header, size)
    for command in COMMANDS[:3]:
        assert_refused(limited(*command), "larger than 512 MB")


@pytest.mark.parametrize("length", [1 << 23, 1 << 28, (1 << 29) - 8])
def test_a_huge_header(length: int, folder: Path, limited: Any) -> None:
    """Blanks as far as the file goes, and a header of a hundred million keys, would be read and parsed."""
    with (folder / "bad.rnn").open("wb") as stream:
        stream.write(struct.pack("<Q", length) + b'{"x":')
        stream.truncate(8 + length)
    assert_refused(limited(*COMMANDS[0]), "length of its header")


def test_a_header_of_the_greatest_length(folder: Path, limited: Any) -> None:
    entry = '"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
    header = ("{" + ",".join(entry % i for i in range(70_000)) + "}").encode().ljust(1 << 22)
    assert len(header) == 1 << 22
    (folder / "bad.rnn").write_bytes(struct.pack("<Q", len(header)) + header)
    assert_refused(limited(*COMMANDS[0]), "not a model of rnncli")


@pytest.mark.parametrize("text", ["[" * 500_000, "[" * 400 + "]" * 400, '{"a":' * 90_000, "9" * 1_000_000])
def test_deep_and_long_descriptions(text: str, folder: Path, limited: Any) -> None:
    (folder / "bad.rnn").write_bytes(save({"x": np.zeros(1)}, {"rnncli": text}))
    assert_refused(limited(*COMMANDS[2]))


@pytest.mark.parametrize("command", [COMMANDS[0], COMMANDS[2]])
def test_what_is_no_regular_file(command: tuple[str, ...], folder: Path, limited: Any) -> None:
    """A pipe that nobody writes to would be waited for, a device without an end would be read."""
    path = folder / "bad.rnn"
    os.mkfifo(path)
    assert_refused(limited(*command), "not a file")
    path.unlink()
    path.symlink_to("/dev/zero")
    assert_refused(limited(*command), "not a file")
    path.unlink()
    path.mkdir()
    assert_refused(limited(*command), "not a file")
    path.rmdir()
    path.symlink_to(path)
    assert limited(*command)[0] == 4
    path.unlink()
    path.write_bytes(b"")
    assert_refused(limited(*command), "not a model, or damaged")


@pytest.mark.parametrize("command", [("tag", "-m"), ("info",), ("evaluate", "gold.conll", "-m")])
def test_a_name_that_is_too_long_for_a_file(command: tuple[str, ...], limited: Any) -> None:
    code, errors = limited(*command, "x" * 5000)
    assert (code, "Traceback" in errors) == (4, False)


@pytest.fixture
def craft(craft_model: Callable[[Path, Change], None], folder: Path) -> Callable[[Change], None]:
    return lambda change: craft_model(folder / "bad.rnn", change)


def rules(**changes: Any) -> Change:
    def change(_metadata: dict[str, Any], tensors: dict[str, Any]) -> None:
        content = json.loads(TokenizerRules("en", "3.8").to_json())
        tensors["tokenizer"] = model_file.text_tensor(json.dumps(content | changes))

    return change


@pytest.mark.parametrize("part", ["token_match", "infix"])
def test_a_pattern_that_never_ends(part: str, craft: Any, limited: Any) -> None:
    craft(rules(**{part: "(?:a|a)*b"}))
    assert_refused(limited(*COMMANDS[0]), f"its tokenizer's pattern {part} does not come to an end")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (rules(prefix="(?:(?=a)){4000000000}"), "repeats something"),
        (rules(prefix="(?:" * 20 + "(?=a)" + "){3}" * 20), "repeats something"),
        (rules(prefix="a" * (1 << 21) + "b"), "characters"),
        (rules(prefix="(" * 20_000), "not a valid regular expression"),
        (rules(prefix="(?P<x>a)(?P<x>b)"), "not a valid regular expression"),
        (rules(prefix="(?<=a+)"), "not a valid regular expression"),
        (rules(exceptions={"a" * 101: ["a"] * 101}), "exception of 101 tokens"),
        (rules(exceptions={str(i): [str(i)] for i in range(1 << 17)} | {"a": ["a"]}), "131073 exceptions"),
        (
            rules(
                exceptions={f"x{i}": [f"x{i}"] for i in range(1001)},
                exception_sequences={f"x{i}": ["x", str(i)] for i in range(1001)},
            ),
            "begin with the same token",
        ),
        (lambda _, tensors: tensors.update(tokenizer=np.full(1 << 23, 91, np.uint8)), "tokenizer holds 8388608"),
        (lambda _, tensors: tensors.update(tokenizer=np.full(1 << 22, 91, np.uint8)), "not JSON"),
        (lambda _, tensors: tensors.update(tokenizer=np.zeros(0, np.uint8)), "not JSON"),
    ],
)
def test_rules_that_ask_for_too_much(change: Change, message: str, craft: Any, limited: Any) -> None:
    craft(change)
    assert_refused(limited(*COMMANDS[0]), message)


def settings(**changes: Any) -> Change:
    def change(metadata: dict[str, Any], _tensors: dict[str, Any]) -> None:
        for part in (metadata["config"]["features"], metadata["config"]["encoder"]):
            part.update({name: value for name, value in changes.items() if name in part})

    return change


@pytest.mark.parametrize(
    "change",
    [
        settings(num_layers=1 << 24),
        settings(hidden_size=4096, projection_size=2048, maxout_pieces=16, embedding_size=1024, num_layers=32),
        settings(ngram_rows=1 << 24, word_rows=1 << 24),
        lambda metadata, _: metadata["heads"][0].update(tags=["O", *(f"B-{i}" for i in range(60_000))]),
        lambda metadata, _: metadata["heads"][0].update(tags=["O", *(f"B-{i}" for i in range(9_999))]),
        lambda metadata, _: metadata["heads"][0].update(tags=["O", "B-\x1b[2J\n"]),
        lambda _, tensors: tensors.update({f"\x1b[2J{i}" * 40: np.zeros(0, np.uint8) for i in range(5000)}),
    ],
)
def test_descriptions_that_ask_for_too_much(change: Change, craft: Any, limited: Any) -> None:
    craft(change)
    for command in COMMANDS[:2]:
        assert_refused(limited(*command))


def test_numbers_that_are_none(craft: Any, limited: Any) -> None:
    def change(_metadata: dict[str, Any], tensors: dict[str, Any]) -> None:
        for name in list(tensors):
            if name.startswith("output"):
                tensors[name] = np.full_like(tensors[name], np.nan)

    craft(change)
    for command in COMMANDS[:2]:
        code, errors = limited(*command)
        assert (code, errors) == (4, "rnncli: error: the model is damaged: its scores of a text are not finite\n")


def test_a_description_that_acts_on_the_terminal(craft: Any, run_cli: Any, folder: Path) -> None:
    craft(lambda metadata, _: metadata.update(language="\x1b[2J\ud800", command=["a\x9b", "\udcff"], seed="x\ny"))
    assert b"\x1b" not in run_cli("info", "bad.rnn", cwd=folder).out
    assert json.loads(run_cli("info", "--json", "bad.rnn", cwd=folder).out)["language"] == "\x1b[2J\ud800"
    assert run_cli("info", "--command", "bad.rnn", cwd=folder).out == b"'a\\x9b' '\xff'\n"
