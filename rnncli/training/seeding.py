"""One seed for every generator."""

import torch


def seed_everything(seed: int) -> None:
    """Seed torch's generators; NumPy's are made from the seed where they are used."""
    torch.manual_seed(seed)
