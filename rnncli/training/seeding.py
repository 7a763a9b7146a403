"""One seed for every generator."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor


def seed_everything(seed: int, stream: int = 0) -> None:
    """Seed torch's generators; NumPy's are made from the seed where they are used.

    Args:
        seed: of the run.
        stream: another number gives other draws that depend on the seed alone too.
    """
    state = np.random.SeedSequence((seed, stream)).generate_state(1, np.uint64)
    torch.manual_seed(seed if stream == 0 else int(state[0]))


def random_states(device: torch.device) -> dict[str, Tensor]:
    """Return the states of the generators from which a training on a device draws, uint8, by name."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    if device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def set_random_states(states: Mapping[str, Tensor], device: torch.device) -> None:
    """Let the generators go on from what `random_states` returned.

    Raises:
        KeyError: the state of one is missing.
        RuntimeError: it is no state.
    """
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)
    if device.type == "mps":
        torch.mps.set_rng_state(states["mps"])
