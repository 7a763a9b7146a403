"""Compiles the C code in place: `python -m rnncli.kernels.build`, and a step of building the package."""

import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

SOURCE = Path(__file__).with_name("gru.c")
LIBRARY = Path(__file__).with_name("_gru.so")


def compile_library(source: Path = SOURCE, library: Path = LIBRARY) -> str | None:
    """Compile the library for this machine's kind of processor, whichever variant of it will run it.

    Args:
        source: C file.
        library: file to write.

    Returns:
        None if it was written, otherwise why not: the package works without it, at a lower speed.
    """
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")[:1]
    command = [*compiler, "-O3", "-shared", "-fPIC", "-o", str(library), str(source), "-lm"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    return result.stderr.strip() or f"{command[0]}: exit {result.returncode}" if result.returncode else None


if __name__ == "__main__":
    problem = compile_library()
    sys.exit(problem and f"not compiled: {problem}")
