"""k-means: greedy k-means++ seeding and Lloyd's algorithm, the best of several starts.

The procedure is that of scikit-learn's ``KMeans(n_init=restarts)``. What makes it several times
as fast there where clusters are many: all starts are seeded together from one table of distances,
and a pass computes distances only to the centroids that the one before has moved.
"""

from collections.abc import Callable

import numpy as np
import torch
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits
from torch import Tensor

TABLE_BYTES = 2**29  # distances between all pairs are kept if they take no more
PASSES = 300


def kmeans(
    features: Tensor, num_clusters: int, seed: int, restarts: int = 10
) -> tuple[Tensor, Tensor]:
    """Clusters of least inertia (sum of squared distances to the centroids) of ``restarts`` starts.

    features: float [n, D]; num_clusters: at most n. Computed by one thread of the CPU, so that
    the result depends on nothing but the arguments.

    Returns (labels int64 [n], centroids float32 [num_clusters, D]). Clusters may be empty if
    examples are equal.
    """
    points = features.float().cpu().numpy()
    middle = points.mean(0)
    points = points - middle
    rng = np.random.default_rng(seed)
    with threadpool_limits(1):
        starts = greedy_seeding(points, num_clusters, restarts, rng)
        found = (lloyd(points, points[start]) for start in starts)
        labels, centroids, _ = min(found, key=lambda result: result[2])
    return torch.from_numpy(labels), torch.from_numpy(centroids + middle)


def greedy_seeding(
    points: np.ndarray, num_clusters: int, restarts: int, rng: np.random.Generator
) -> np.ndarray:
    """Greedy k-means++ (Arthur and Vassilvitskii, 2007): int64 [restarts, num_clusters].

    The first seed is any point. For each further one, 2 + log(num_clusters) points are drawn with a
    probability proportional to their squared distance to the nearest seed, and that is taken which
    leaves the least sum of these.
    """
    squares = _pairwise_squares(points)
    trials = 2 + int(np.log(num_clusters))
    each = np.arange(restarts)
    seeds = np.empty((restarts, num_clusters), np.int64)
    seeds[:, 0] = rng.integers(len(points), size=restarts)
    nearest = squares(seeds[:, 0])
    for i in range(1, num_clusters):
        upto = nearest.cumsum(1, dtype=np.float64)
        thresholds = rng.random((restarts, trials)) * upto[:, -1:]
        drawn = np.array([np.searchsorted(*pair) for pair in zip(upto, thresholds, strict=True)])
        left = squares(drawn.ravel()).reshape(restarts, trials, -1)
        np.minimum(left, nearest[:, None], out=left)
        best = left.sum(2).argmin(1)
        seeds[:, i], nearest = drawn[each, best], left[each, best]
    return seeds


def _pairwise_squares(points: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A function of positions [m]: float32 [m, n], their squared distances to all points."""
    norms = np.square(points).sum(1)

    def squares(rows: np.ndarray) -> np.ndarray:
        result = points[rows] @ points.T
        result *= -2
        result += norms
        result += norms[rows, None]
        return np.maximum(result, 0, out=result)

    if 4 * len(points) ** 2 > TABLE_BYTES:
        return squares
    return squares(np.arange(len(points))).__getitem__


def lloyd(points: np.ndarray, centroids: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Labels [n], centroids [k, D] and inertia once no point changes its cluster any more.

    points: float32 [n, D]; centroids: float32 [k, D], the first ones. One that loses all its points
    stays where it is.
    """
    rows, labels = np.arange(len(points)), np.full(len(points), -1)
    centroids, changed = centroids.copy(), np.arange(len(centroids))
    score = np.empty((len(points), len(centroids)), np.float32)
    for _ in range(PASSES):
        new = centroids[changed]
        score[:, changed] = np.square(new).sum(1) / 2 - points @ new.T
        before, labels = labels, score.argmin(1)
        moved = labels != before
        changed = np.union1d(labels[moved], before[moved & (before >= 0)])
        if len(changed) == 0:
            break
        members = csr_array((np.ones_like(rows, np.float32), (labels, rows)), score.T.shape)
        sizes = members.sum(1)
        filled = changed[sizes[changed] > 0]
        centroids[filled] = (members[filled] @ points) / sizes[filled, None]
    inertia = 2 * score[rows, labels].sum(dtype=float) + np.square(points).sum(dtype=float)
    return labels, centroids, float(inertia)
