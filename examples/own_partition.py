"""A partition of one's own: each client has fewer images than the one before.

partition: {shrinking: {method: examples/own_partition.py:Shrinking, ratio: 0.8}}
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Gt, Lt

from fal.data.partitions.base import Partition, parts_of_sizes
from fal.data.partitions.independent import sizes_like
from fal.rng import numpy_generator


@dataclass(frozen=True, kw_only=True)
class Shrinking(Partition):
    """Images at random to clients whose sizes fall geometrically."""

    ratio: Annotated[float, Gt(0), Lt(1)] = 0.8
    """Size of a client relative to the one before."""

    def deal(self, labels, clients, alpha, seed):
        sizes = sizes_like(self.ratio ** np.arange(clients), len(labels), least=2)
        rng = numpy_generator(seed, "partition")
        return parts_of_sizes(np.arange(len(labels)), sizes, rng)
