import ctypes
from pathlib import Path

import pytest

from rnncli.kernels import build


def test_a_library_is_compiled(tmp_path: Path) -> None:
    library = tmp_path / "kernel.so"
    problem = build.compile_library(library=library)
    if problem and "No such file" in problem:
        pytest.skip(problem)
    assert problem is None
    assert ctypes.CDLL(str(library)).gru_supports(10_000) == -1


def test_a_source_that_does_not_compile_is_told(tmp_path: Path) -> None:
    source = tmp_path / "broken.c"
    source.write_text("int f( {")
    problem = build.compile_library(source, tmp_path / "kernel.so")
    assert problem
    assert not (tmp_path / "kernel.so").exists()


def test_a_missing_compiler_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build.sysconfig, "get_config_var", lambda _: "/no/such/compiler -pthread")
    assert build.compile_library(library=tmp_path / "kernel.so") == "/no/such/compiler: No such file or directory"
