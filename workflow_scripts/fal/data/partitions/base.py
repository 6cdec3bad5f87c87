"""What every way of dividing the training examples among clients is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fal.errors import InputError
from fal.options import Options
from fal.rng import numpy_generator

Parts = list[np.ndarray]
"""The examples of each client, as ascending int64 arrays of indices: disjoint, none left out."""


@dataclass(frozen=True, kw_only=True)
class Partition(Options):
    """Base of all partitions; its dataclass fields are its options. Subclasses ``deal``.

    needs_alpha: whether it depends on the concentration ``alphas`` of the configuration.
    """

    needs_alpha: ClassVar[bool] = False

    @property
    def equal_sizes(self) -> bool:
        """Whether the clients' sizes differ by at most one example, whatever the labels are."""
        return False

    def check(self, examples: int, clients: int) -> None:
        """Raise InputError where so many examples cannot be dealt, whatever their labels are."""
        check_clients(clients, examples)

    def deal(self, labels: np.ndarray, clients: int, alpha: float, seed: int) -> Parts:
        """Deal examples with ``labels`` int64 [N], all of which are known, to ``clients`` clients.

        alpha: NaN where the partition does not need it. Raises InputError where it cannot be done.
        """
        raise NotImplementedError

    def divide(
        self, labels: np.ndarray, clients: int, seed: int, alpha: float | None = None
    ) -> Parts:
        """Deal all examples, those without a label (-1) in equal numbers and at random.

        What is then left over of them goes to the clients with the fewest others, one to each.
        labels: int64 [N]. alpha: given if and only if the partition needs it.
        Raises InputError where it cannot be done.
        """
        labels = np.asarray(labels)
        known = np.flatnonzero(labels >= 0)
        self.check(len(known), clients)
        dealt = self.deal(labels[known], clients, np.nan if alpha is None else alpha, seed)
        self._check_dealt(dealt, clients, len(known))
        parts = [known[part] for part in dealt]
        unknown = np.flatnonzero(labels < 0)
        if len(unknown):
            sizes = np.full(clients, len(unknown) // clients)
            smallest = np.argsort([len(part) for part in parts], kind="stable")
            sizes[smallest[: len(unknown) % clients]] += 1
            rng = numpy_generator(seed, "partition of unlabeled")
            rest = parts_of_sizes(unknown, sizes, rng)
            parts = [np.sort(np.concatenate(both)) for both in zip(parts, rest, strict=True)]
        check_parts(parts)
        return parts

    def _check_dealt(self, parts: Parts, clients: int, examples: int) -> None:
        """Raise InputError unless each of ``examples`` is in one part, and there are enough parts.

        A partition of somebody's own may deal otherwise."""
        if len(parts) != clients:
            raise InputError(
                f"{type(self).__name__} deals {len(parts)} parts, but there are {clients} clients"
            )
        dealt = np.sort(np.concatenate(parts))
        if not np.array_equal(dealt, np.arange(examples)):
            lost = len(np.setdiff1d(np.arange(examples), dealt))
            raise InputError(
                f"{type(self).__name__} must deal each of the {examples} examples once, by its "
                f"number from 0; it deals {len(dealt)} and leaves out {lost}"
            )


def check_clients(clients: int, examples: int) -> None:
    """Raise InputError unless each of ``clients`` can hold one of ``examples``."""
    if not 1 <= clients <= examples:
        raise InputError(
            f"clients must lie between 1 and the number of training examples ({examples}), "
            f"not {clients}"
        )


def check_least(min_partition_size: int, examples: int, clients: int) -> None:
    """Raise InputError unless each of ``clients`` can hold ``min_partition_size`` examples."""
    if clients * min_partition_size > examples:
        raise InputError(
            f"min_partition_size is {min_partition_size}, but {examples} images do not give each "
            f"of {clients} clients so many; lower it or the number of clients"
        )


def check_parts(parts: Parts) -> None:
    """Raise InputError if a client has no example."""
    empty = [client for client, part in enumerate(parts) if not len(part)]
    if empty:
        raise InputError(
            f"the partition leaves {len(empty)} of {len(parts)} clients without an image, such as "
            f"client {empty[0]}; take fewer clients, another alpha or another partition"
        )


def check_alpha(alpha: float) -> None:
    """Raise InputError unless ``alpha`` is a concentration."""
    if not (np.isfinite(alpha) and alpha > 0):
        raise InputError(f"alpha must be a positive number, not {alpha}")


def equal_parts(examples: np.ndarray, clients: int, rng: np.random.Generator) -> Parts:
    """``examples`` at random in ``clients`` ascending parts whose sizes differ by at most 1."""
    return [np.sort(part) for part in np.array_split(rng.permutation(examples), clients)]


def parts_of_sizes(examples: np.ndarray, sizes: np.ndarray, rng: np.random.Generator) -> Parts:
    """``examples`` at random in ascending parts of exactly these sizes [N]."""
    cuts = np.cumsum(sizes)[:-1]
    return [np.sort(part) for part in np.split(rng.permutation(examples), cuts)]


def parts_of_owner(owner: np.ndarray, clients: int) -> Parts:
    """The examples of each client, from the client int64 [N] of each example."""
    return [np.flatnonzero(owner == client) for client in range(clients)]
