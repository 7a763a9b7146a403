"""Where to train."""

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
