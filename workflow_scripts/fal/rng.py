"""Random generators, each made from what it is for and never from global state."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def seed_for(seed: int, purpose: str, cycle: int = 0, client: int = 0, round_index: int = 0) -> int:
    """A 63-bit seed that depends on all arguments and on nothing else."""
    key = f"{seed}/{purpose}/{cycle}/{client}/{round_index}".encode()
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big") >> 1


def numpy_generator(seed: int, purpose: str, **where: int) -> np.random.Generator:
    """NumPy generator for ``purpose``; ``where`` may name cycle, client and round_index."""
    return np.random.default_rng(seed_for(seed, purpose, **where))


def torch_generator(seed: int, purpose: str, **where: int) -> torch.Generator:
    """CPU torch generator for ``purpose``; ``where`` may name cycle, client and round_index."""
    import torch

    return torch.Generator().manual_seed(seed_for(seed, purpose, **where))


@contextmanager
def layers_seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global generator, which layers such as dropout draw from; restored afterwards.

    device: of the networks that are used meanwhile.
    """
    import torch

    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
