"""Finds the libraries that the C files beside this one were compiled to."""

import ctypes
import os
from functools import cache
from pathlib import Path

from rnncli.errors import UsageError

VARIABLE = "RNNCLI_KERNELS"
"""Environment variable: `off` leaves the C code aside, the name of a variant chooses it."""


def load_library(name: str, interface: int) -> tuple[ctypes.CDLL, int] | None:
    """Load a library built with `processors.h`.

    Args:
        name: of the C file.
        interface: the version that the caller knows.

    Returns:
        The library and the number of the variant to ask it for, the fastest unless the environment chooses; None where
        it was not built, was built from other sources, or is not wanted.

    Raises:
        UsageError: the environment names a variant that this machine does not have.
    """
    wanted = os.environ.get(VARIABLE, "")
    library = None if wanted == "off" else _open(name, interface)
    if library is None:
        return None
    variants = _variants(library)
    if wanted and wanted not in variants:
        raise UsageError(f"{VARIABLE}={wanted}: this machine has {', '.join(variants)} and off")
    return library, variants[wanted] if wanted else min(variants.values())


def supported_variants(name: str, interface: int) -> tuple[str, ...]:
    """Return the names of a library's variants that this machine can run, the fastest first; none if not built."""
    library = _open(name, interface)
    return () if library is None else tuple(_variants(library))


def require(sound: bool, what: str) -> None:
    """Raise a ValueError that tells what is wrong with an argument, unless it is sound."""
    if not sound:
        raise ValueError(what)


@cache
def _open(name: str, interface: int) -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(str(Path(__file__).with_name(f"_{name}.so")))
        if library.interface_version() != interface:
            return None
    except (OSError, AttributeError):
        return None
    library.variant_name.restype = ctypes.c_char_p
    return library


@cache
def _variants(library: ctypes.CDLL) -> dict[str, int]:
    variants: dict[str, int] = {}
    index = 0
    while (name := library.variant_name(index)) is not None:
        if library.variant_supported(index):
            variants[name.decode("ascii")] = index
        index += 1
    return variants
