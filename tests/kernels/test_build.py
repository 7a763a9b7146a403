import ctypes
from pathlib import Path

import pytest

from rnncli.kernels import build


@pytest.mark.parametrize("name", [source.stem for source in build.SOURCES])
def test_a_library_is_compiled(name: str, tmp_path: Path) -> None:
    library = tmp_path / "kernel.so"
    (source,) = (source for source in build.SOURCES if source.stem == name)
    problem = build.compile_library(source, library)
    if problem and "No such file" in problem:
        pytest.skip(problem)
    assert problem is None
    ctypes.CDLL(str(library))
    assert build.library_of(source).name == f"_{name}.so"


def test_a_source_that_does_not_compile_is_told(tmp_path: Path) -> None:
    source = tmp_path / "broken.c"
    source.write_text("int f( {")
    problem = build.compile_library(source, tmp_path / "kernel.so")
    assert problem
    assert not (tmp_path / "kernel.so").exists()


def test_a_missing_compiler_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build.sysconfig, "get_config_var", lambda _: "/no/such/compiler -pthread")
    assert (
        build.compile_library(build.SOURCES[0], tmp_path / "kernel.so")
        == "/no/such/compiler: No such file or directory"
    )
