"""Compiles the C code in place: `python -m rnncli.kernels.build`, and a step of building the package."""

import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

SOURCES = tuple(sorted(Path(__file__).parent.glob("*.c")))
"""Each is compiled to a library of its own."""


def library_of(source: Path) -> Path:
    """Return where the library of a C file belongs."""
    return source.with_name(f"_{source.stem}.so")


def compile_libraries() -> str | None:
    """Compile every C file in place.

    Returns:
        None if all were compiled, otherwise what went wrong first.
    """
    problems = [compile_library(source, library_of(source)) for source in SOURCES]
    return next(filter(None, problems), None)


def compile_library(source: Path, library: Path) -> str | None:
    """Compile a library for this machine's kind of processor, whichever variant of it will run it.

    Args:
        source: C file.
        library: file to write.

    Returns:
        None if it was written, otherwise why not: the package works without it, at a lower speed.
    """
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")[:1]
    # Nobody asks for the error number of a square root, and without it the root is taken of whole vectors.
    command = [*compiler, "-O3", "-fno-math-errno", "-shared", "-fPIC", "-o", str(library), str(source), "-lm"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    return result.stderr.strip() or f"{command[0]}: exit {result.returncode}" if result.returncode else None


if __name__ == "__main__":
    problem = compile_libraries()
    sys.exit(problem and f"not compiled: {problem}")
