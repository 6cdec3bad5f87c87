"""Clients of a few classes: the examples sorted by class are cut into shards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge

from fal.data.partitions.base import Partition, Parts
from fal.errors import InputError
from fal.rng import numpy_generator


@dataclass(frozen=True, kw_only=True)
class Shards(Partition):
    """All images sorted by class and cut into equal shards, some of which each client gets.

    The partition of the paper of FedAvg (McMahan et al., AISTATS 2017; ShardPartitioner of
    flwr-datasets).
    """

    shards_per_client: Annotated[int, Ge(1)] = 2
    """Shards of each client. A shard has one class, or two where it lies across a border."""

    def check(self, examples: int, clients: int) -> None:
        super().check(examples, clients)
        if (count := clients * self.shards_per_client) > examples:
            raise InputError(
                f"shards_per_client is {self.shards_per_client}, which makes {count} shards for "
                f"{clients} clients of {examples} images; use fewer"
            )

    def deal(self, labels: np.ndarray, clients: int, alpha: float, seed: int) -> Parts:
        count = clients * self.shards_per_client
        rng = numpy_generator(seed, "partition")
        mixed = rng.permutation(len(labels))
        by_class = mixed[np.argsort(labels[mixed], kind="stable")]
        shards = np.array_split(by_class, count)
        dealt = np.split(rng.permutation(count), clients)
        return [np.sort(np.concatenate([shards[shard] for shard in own])) for own in dealt]
