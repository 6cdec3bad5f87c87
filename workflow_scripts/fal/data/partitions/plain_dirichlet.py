"""Clients of unequal size: each class is spread over the clients by a Dirichlet draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge

from fal.data.partitions.base import (
    Partition,
    Parts,
    check_alpha,
    check_least,
    parts_of_owner,
)
from fal.errors import InputError
from fal.rng import numpy_generator

DRAWS = 1000


@dataclass(frozen=True, kw_only=True)
class PlainDirichlet(Partition):
    """Each class spread over the clients by its own Dirichlet(alpha) draw: sizes differ, too.

    The partition of most federated benchmarks (Yurochkin et al., ICML 2019; DirichletPartitioner of
    flwr-datasets).
    """

    needs_alpha = True

    min_partition_size: Annotated[int, Ge(1)] = 10
    """Images that the smallest client has at least; all is drawn again until it does."""
    self_balancing: bool = False
    """Whether a client that already has its equal share of the images gets no more classes."""

    def check(self, examples: int, clients: int) -> None:
        super().check(examples, clients)
        check_least(self.min_partition_size, examples, clients)

    def deal(self, labels: np.ndarray, clients: int, alpha: float, seed: int) -> Parts:
        check_alpha(alpha)
        rng = numpy_generator(seed, "partition")
        for _ in range(DRAWS):
            owner = self._draw(labels, clients, alpha, rng)
            if np.bincount(owner, minlength=clients).min() >= self.min_partition_size:
                return parts_of_owner(owner, clients)
        raise InputError(
            f"in {DRAWS} draws no plain Dirichlet partition with alpha {alpha:g} of {len(labels)} "
            f"images gave each of {clients} clients {self.min_partition_size}; lower "
            "min_partition_size or the number of clients, or raise alpha"
        )

    def _draw(
        self, labels: np.ndarray, clients: int, alpha: float, rng: np.random.Generator
    ) -> np.ndarray:
        """The client of each example."""
        owner = np.empty(len(labels), dtype=np.int64)
        sizes = np.zeros(clients, dtype=np.int64)
        for label in np.unique(labels):
            members = rng.permutation(np.flatnonzero(labels == label))
            shares = rng.dirichlet(np.full(clients, alpha))
            if self.self_balancing:
                open_shares = np.where(sizes < len(labels) / clients, shares, 0)
                shares = open_shares if open_shares.sum() > 0 else shares
            cuts = np.rint(np.cumsum(shares / shares.sum()) * len(members)).astype(np.int64)
            counts = np.diff(cuts, prepend=0)
            owner[members] = np.repeat(np.arange(clients), counts)
            sizes += counts
        return owner
