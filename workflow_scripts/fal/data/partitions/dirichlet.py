"""Clients of equal size whose class mixes are Dirichlet draws: the paper's partition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fal.data.partitions.balancing import balanced_counts, log_dirichlet
from fal.data.partitions.base import (
    Partition,
    Parts,
    check_alpha,
    check_clients,
    parts_of_owner,
)
from fal.data.partitions.published import published_partition
from fal.errors import InputError
from fal.rng import numpy_generator


@dataclass(frozen=True, kw_only=True)
class Dirichlet(Partition):
    """Equally large clients with Dirichlet(alpha) class mixes, the paper's partition.

    The smaller alpha, the fewer classes a client has.
    """

    needs_alpha = True

    rounding: Literal["exact", "published"] = "exact"
    """How shares become whole images: exact moves no client's and no class's sum by more than one
    image; published does what the authors' code does, which gives a client no class of which its
    share is at most one image, and deals in rounds until all clients are full."""

    @property
    def equal_sizes(self) -> bool:
        return self.rounding == "exact"

    def deal(self, labels: np.ndarray, clients: int, alpha: float, seed: int) -> Parts:
        if self.rounding == "exact":
            return dirichlet_partition(labels, clients, alpha, seed)
        check_alpha(alpha)
        return published_partition(labels, clients, alpha, numpy_generator(seed, "partition"))


def dirichlet_partition(
    labels: Sequence[int] | np.ndarray, clients: int, alpha: float, seed: int
) -> Parts:
    """Deal all examples to ``clients`` clients of equal size with Dirichlet(``alpha``) class mixes.

    Returns one ascending int64 array of example indices per client. Every example is in exactly one
    of them and their sizes differ by at most 1. A small ``alpha`` gives each client few classes,
    a large one the mix of the whole set.
    Raises InputError if ``alpha`` is not positive and finite, or if ``clients`` is not between 1
    and the number of examples.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"labels must be a one-dimensional integer array, not {labels.dtype} of shape "
            f"{labels.shape}"
        )
    check_alpha(alpha)
    check_clients(clients, len(labels))
    rng = numpy_generator(seed, "partition")
    classes, class_sizes = np.unique(labels, return_counts=True)
    client_sizes = np.full(clients, len(labels) // clients)
    client_sizes[: len(labels) % clients] += 1

    log_mix = log_dirichlet(rng, alpha, clients, len(classes))
    table = balanced_counts(log_mix, client_sizes, class_sizes, rng)

    owner = np.empty(len(labels), dtype=np.int64)
    for position, label in enumerate(classes):
        members = rng.permutation(np.flatnonzero(labels == label))
        owner[members] = np.repeat(np.arange(clients), table[:, position])
    return parts_of_owner(owner, clients)
