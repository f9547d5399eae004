"""Random numbers that depend only on what they are for, so that order of work, resuming and the AU head change none."""

from __future__ import annotations

import hashlib

import numpy as np
import torch


def derive(seed: int, *purpose: object) -> int:
    """A 63-bit seed for a purpose such as ("augment", step): sha256 of both, the same on every machine."""
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def torch_generator(seed: int, *purpose: object) -> torch.Generator:
    """A CPU generator of torch for one purpose."""
    return torch.Generator().manual_seed(derive(seed, *purpose))


def numpy_generator(seed: int, *purpose: object) -> np.random.Generator:
    """A generator of NumPy for one purpose."""
    return np.random.default_rng(derive(seed, *purpose))


def seed_torch(seed: int, device: str) -> None:
    """Seed torch's own generators of the CPU and of the GPUs, if `device` is one.

    `torch.manual_seed` does it for every kind of accelerator there is, and where one is absent it writes down the stack
    for later: 0.4 ms, a hundredth of a small step.
    """
    torch.default_generator.manual_seed(seed)
    if device.startswith("cuda"):
        torch.cuda.manual_seed_all(seed)
