"""Where and how precisely to train."""

import statistics
import time

import torch

from rnncli.errors import ResourceError, UsageError


def choose_device(name: str) -> torch.device:
    """Find a device by name.

    Args:
        name: `auto` (a GPU if there is one), `cpu`, `cuda`, `cuda:N` or `mps`.

    Raises:
        UsageError: no such name.
        ResourceError: the machine has no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda", "mps"):
        raise UsageError(f"unknown device {name!r}", hint="one of: auto, cpu, cuda, cuda:N, mps")
    available = {
        "cpu": 1,
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
    }[device.type]
    if (device.index or 0) >= available:
        raise ResourceError(f"this machine has no device {name!r}", hint="--device cpu")
    return device


def choose_precision(name: str | None, device: torch.device) -> str:
    """Find out how precise products are to be.

    Args:
        name: `fp32`, `bf16`, or None for what is best: half precision on CUDA, where it is fast and the models learn
            as well, and full precision elsewhere.
        device: where to train.

    Returns:
        `fp32` or `bf16`.

    Raises:
        ResourceError: the processor computes such products, but only by detours that take longer than full precision.
    """
    if name is None:
        return "bf16" if device.type == "cuda" else "fp32"
    if name == "bf16" and device.type == "cpu":
        ratio = _product_time(torch.bfloat16) / _product_time(torch.float32)
        if ratio > 1:
            problem = f"bf16 products take {ratio:.1f} times as long as fp32 ones on this processor"
            raise ResourceError(problem, hint="leave out --precision bf16")
    return name


def _product_time(dtype: torch.dtype) -> float:
    """Return the seconds of one product of the size that a layer has, in the median of a few."""
    matrix = torch.ones(256, 256, dtype=dtype)
    times = []
    for _ in range(7):
        started = time.perf_counter()
        matrix @ matrix
        times.append(time.perf_counter() - started)
    return statistics.median(times)
