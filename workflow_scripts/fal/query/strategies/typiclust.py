"""TypiClust: typical images of clusters without labels (Hacohen et al., ICML 2022).

"Active Learning on a Budget: Opposite Strategies Suit High and Low Budgets", arXiv 2202.02794, with
the details of the authors' code (github.com/avihu111/TypiClust, deep-al/pycls/al/typiclust.py). It
is the variant TPC_RP, by k-means. What differs:

* The features are those of a federated model, and not of one trained without labels, as there.
* Typicality is the inverse mean distance, the paper's; the code takes squared distances.
* Clusters of ``SMALL`` images or fewer come last; the code drops them and fails if all are small.
* k-means is exact for any number of clusters; the code takes mini-batches above 50.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge

from fal.query.strategies.base import OneModel, Scores

if TYPE_CHECKING:
    from torch import Tensor

    from fal.query.pool import Pool

SMALL = 5
BLOCK = 1024  # images whose distances to their cluster are in memory at a time


@dataclass(frozen=True, kw_only=True)
class TypiClust(OneModel):
    """The most typical image of each of the largest clusters that have no labeled image."""

    neighbors: Annotated[int, Ge(1)] = 20
    """Nearest images of the same cluster whose mean distance says how typical an image is, at most
    half of the cluster."""
    max_clusters: Annotated[int, Ge(2)] = 500
    """Clusters at most; otherwise as many as labeled and queried images together."""
    restarts: Annotated[int, Ge(1)] = 10
    """Starts of k-means, of which the best clusters are taken."""

    def pick(self, pool: Pool, scores: Scores, budget: int, seed: int) -> np.ndarray:
        """One image of each cluster, those with the fewest labeled images and the largest first;
        then a second one of each, and so on."""
        from torch.nn.functional import normalize

        from fal.query.kmeans import kmeans

        features = normalize(pool.all_features(self.role).cpu(), dim=1)
        count = min(pool.num_labeled + budget, self.max_clusters)
        cluster = kmeans(features, count, seed, self.restarts)[0].numpy()
        unlabeled = np.arange(len(features)) >= pool.num_labeled
        free = {c: np.flatnonzero(unlabeled & (cluster == c)) for c in range(count)}
        chosen: list[int] = []
        for clusters in visiting_order(cluster, pool.num_labeled):
            while len(chosen) < budget and any(len(free[c]) for c in clusters):
                for c in clusters:
                    if len(free[c]) and len(chosen) < budget:
                        best = most_typical(features[free[c]], self.neighbors)
                        chosen.append(free[c][best])
                        free[c] = np.delete(free[c], best)
        return np.array(chosen) - pool.num_labeled


def visiting_order(cluster: np.ndarray, num_labeled: int) -> tuple[list[int], list[int]]:
    """The larger clusters and the small ones, each by number of labeled images, then by size.

    cluster: int [L+U], the labeled images first; num_labeled: L.
    """
    sizes = np.bincount(cluster)
    labeled = np.bincount(cluster[:num_labeled], minlength=len(sizes))
    order = np.lexsort((-sizes, labeled))
    large = sizes[order] > SMALL
    return order[large].tolist(), order[~large].tolist()


def most_typical(features: Tensor, neighbors: int) -> int:
    """Which of ``features`` [n, D] has the least mean distance to its nearest ones among them.

    neighbors: how many, at most n // 2. Ties: the lowest position.
    """
    import torch

    count = min(neighbors, len(features) // 2)
    if count == 0:
        return 0
    points = features.double()
    distances = [
        torch.cdist(block, points).topk(count + 1, largest=False).values[:, 1:].mean(1)
        for block in points.split(BLOCK)
    ]
    return int(torch.cat(distances).argmin())
