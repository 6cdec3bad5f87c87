"""Clients that all have the class mix of the whole set, of equal or of unequal sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt

from fal.data.partitions.base import (
    Partition,
    Parts,
    check_least,
    equal_parts,
    parts_of_sizes,
)
from fal.rng import numpy_generator


@dataclass(frozen=True, kw_only=True)
class IID(Partition):
    """Images at random, equally many to each client (IidPartitioner of flwr-datasets)."""

    @property
    def equal_sizes(self) -> bool:
        return True

    def deal(self, labels: np.ndarray, clients: int, alpha: float, seed: int) -> Parts:
        return equal_parts(np.arange(len(labels)), clients, numpy_generator(seed, "partition"))


@dataclass(frozen=True, kw_only=True)
class LogNormal(Partition):
    """Images at random to clients whose sizes follow a log-normal distribution."""

    sigma: Annotated[float, Gt(0)] = 1.0
    """Standard deviation of the logarithm of the sizes; 1: the largest of ten clients is some
    twenty times as large as the smallest."""
    min_partition_size: Annotated[int, Ge(1)] = 2
    """Images that each client has at least."""

    def check(self, examples: int, clients: int) -> None:
        super().check(examples, clients)
        check_least(self.min_partition_size, examples, clients)

    def deal(self, labels: np.ndarray, clients: int, alpha: float, seed: int) -> Parts:
        rng = numpy_generator(seed, "partition")
        weights = rng.lognormal(0.0, self.sigma, clients)
        sizes = sizes_like(weights, len(labels), self.min_partition_size)
        return parts_of_sizes(np.arange(len(labels)), sizes, rng)


def sizes_like(weights: np.ndarray, total: int, least: int) -> np.ndarray:
    """Whole sizes int64 [N] of sum ``total``: ``least`` each, and the rest by ``weights`` [N].

    Fractions are rounded by largest remainder.
    """
    exact = least + (total - least * len(weights)) * weights / weights.sum()
    sizes = np.floor(exact).astype(np.int64)
    short = total - sizes.sum()
    sizes[np.argsort(sizes - exact, kind="stable")[:short]] += 1
    return sizes
