"""Files that are the old one or the whole new one."""

import errno
import os
from pathlib import Path

import pytest

from rnncli.atomic_file import remove_leftovers, write_atomically
from rnncli.errors import ResourceError


def test_parts_are_written_in_order(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    assert write_atomically(path, [b"ab", memoryview(b"cd"), b""], "file") == 4
    assert path.read_bytes() == b"abcd"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("place", ["fsync", "chmod", "replace"])
def test_a_failure_leaves_the_old_file(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, place, fail)
    with pytest.raises(ResourceError, match="f: cannot write the thing: No space left on device"):
        write_atomically(path, [b"new"], "thing")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_of_what_is_written_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError):
        write_atomically(path, (bytes(1 // i) for i in (1, 0)), "file")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_are_those_of_the_path_alone(tmp_path: Path) -> None:
    kept = [
        "a.rnn",
        ".a.rnn",
        ".a.rnn.state",
        ".a.rnn.state.abcd1234",
        ".a.rnn.ABCD1234",
        ".axrnn.abcd1234",
        ".b.rnn.abcd1234",
    ]
    for name in (*kept, ".a.rnn.abcd1234", ".a.rnn.zz_zz_00"):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path / "a.rnn")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
    remove_leftovers(tmp_path / "missing" / "a.rnn")


def test_leftovers_are_what_a_write_leaves(tmp_path: Path) -> None:
    """Ties the pattern to the names that are really given."""
    seen: list[str] = []

    def parts() -> object:
        seen.extend(os.listdir(tmp_path))
        remove_leftovers(tmp_path / "a.rnn")
        yield b""

    with pytest.raises(ResourceError):
        write_atomically(tmp_path / "a.rnn", parts(), "file")  # type: ignore[arg-type]
    assert len(seen) == 1
    assert list(tmp_path.iterdir()) == []
