"""Finds the libraries that the C files beside this one were compiled to."""

import ctypes
import os
from functools import cache
from pathlib import Path

from rnncli.kernels.gru import VARIABLE

GENERIC = 1
"""The variant that runs on every processor; 0 is the faster one."""


def load_library(name: str, interface: int) -> tuple[ctypes.CDLL, int] | None:
    """Load a library built with `processors.h`.

    Args:
        name: of the C file.
        interface: the version that the caller knows.

    Returns:
        The library and the variant to ask it for; None where it was not built, was built from other sources, or is not
        wanted.
    """
    wanted = os.environ.get(VARIABLE, "")
    library = None if wanted == "off" else _open(name, interface)
    if library is None:
        return None
    return library, GENERIC if wanted == "generic" else library.best_variant()


def require(sound: bool, what: str) -> None:
    """Raise a ValueError that tells what is wrong with an argument, unless it is sound."""
    if not sound:
        raise ValueError(what)


@cache
def _open(name: str, interface: int) -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(str(Path(__file__).with_name(f"_{name}.so")))
    except OSError:
        return None
    return library if library.interface_version() == interface else None
