"""Picking examples: thresholds, and sets of representatives, always distinct and of exact size."""

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from fal.errors import InputError
from fal.query.kmeans import kmeans
from fal.query.ranking import to_numpy

BLOCK_BYTES = 2**26


def otsu_threshold(scores: ArrayLike | Tensor) -> float:
    """Otsu's threshold over a histogram of 256 bins: the middle of the last bin below the split.

    Maximizes the variance between the scores up to the threshold and those above it, as
    scikit-image's ``threshold_otsu`` does. scores: [n]. Constant scores are their own threshold
    (nothing is above it); 0 if there are none.

    Raises InputError if a score is not finite.
    """
    scores = to_numpy(scores).astype(np.float64)
    if not np.isfinite(scores).all():
        raise InputError("scores are not all finite: Otsu's threshold needs finite ones")
    if len(scores) == 0:
        return 0.0
    low, high = scores.min(), scores.max()
    if high - low <= 512 * np.spacing(max(abs(low), abs(high))):
        return float(high)
    counts, edges = np.histogram(scores, bins=256)
    centers = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)[:-1]
    above = len(scores) - below
    moment = np.cumsum(counts * centers)
    gap = moment[:-1] / below - (moment[-1] - moment[:-1]) / above
    return float(centers[np.argmax(below * above * gap**2)])


def kmeans_representatives(features: Tensor, budget: int, seed: int, restarts: int = 10) -> Tensor:
    """The example nearest its centroid in each of ``budget`` k-means clusters.

    features: float [n, D], compared by Euclidean distance as they are. restarts: see ``kmeans``. An
    empty cluster, as there are among duplicates, takes the example nearest its centroid that is not
    taken yet.

    Returns int64 [min(budget, n)], distinct.
    """
    if budget >= len(features) or budget == 0:
        return torch.arange(min(budget, len(features)))
    labels, centroids = kmeans(features, budget, seed, restarts)
    points = features.float().cpu()
    distance = (points - centroids[labels]).square().sum(1)
    nearest_first = distance.argsort(stable=True)
    by_cluster = nearest_first[labels[nearest_first].argsort(stable=True)]
    sizes = torch.bincount(labels, minlength=budget)
    filled = sizes > 0
    chosen = torch.empty(budget, dtype=torch.int64)
    chosen[filled] = by_cluster[(sizes.cumsum(0) - sizes)[filled]]
    taken = torch.zeros(len(points), dtype=torch.bool)
    taken[chosen[filled]] = True
    for cluster in (~filled).nonzero().flatten():
        distance = (points - centroids[cluster]).square().sum(1)
        chosen[cluster] = distance.masked_fill(taken, torch.inf).argmin()
        taken[chosen[cluster]] = True
    return chosen


def k_center_greedy(features: Tensor, labeled_features: Tensor, budget: int) -> Tensor:
    """Greedy k-center: again and again the example farthest from all centers (Euclidean).

    features: float [n, D]; labeled_features: float [m, D], the centers at the start. Without any,
    the first pick is the example farthest from the mean. Ties: the lowest position.

    Returns int64 [min(budget, n)], distinct, in the order of picking. Each pick costs one pass
    over the features.
    """
    features = features.float()
    lengths, directions = _lengths_and_directions(features.double())
    rounding = _rounding(features.shape[1])
    budget = min(budget, len(features))
    chosen = torch.empty(budget, dtype=torch.int64)
    if len(labeled_features):
        distance = _distance_to_nearest(features, labeled_features)
    else:
        distance = _distance_to(features, features.mean(0))
    for i in range(budget):
        pick = distance.argmax()
        chosen[i] = pick
        if i == 0 and not len(labeled_features):
            distance.fill_(torch.inf)
        at_least = _at_least(lengths, pick, directions @ directions[pick] + rounding)
        rows = (at_least < distance.square() * (1 + rounding)).nonzero().squeeze(1)
        distance[rows] = distance[rows].minimum(_distance_to(features[rows], features[pick]))
        distance[pick] = -1
    return chosen


def _lengths_and_directions(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Lengths, float64 [n], and directions, float32 [n, D], of float64 [n, D]."""
    lengths = vectors.norm(dim=1)
    directions = vectors / lengths.where(lengths > 0, torch.inf)[:, None]
    return lengths, directions.float()


def _rounding(length: int) -> float:
    """How far off float32 inner products of directions may be: four times the usual bound."""
    return 2.0**-22 * (length + 8)


def _at_least(lengths: Tensor, pick: Tensor | int, cosines: Tensor) -> Tensor:
    """Squared distances [n] to ``pick`` of vectors of these lengths, if cosines are no higher."""
    along = lengths[pick] * cosines.double()
    return lengths * (lengths - 2 * along) + lengths[pick] ** 2


def _distance_to(features: Tensor, center: Tensor) -> Tensor:
    """Euclidean distances [n] by direct differences: equal rows give equal distances."""
    mode = "donot_use_mm_for_euclid_dist"
    return torch.cdist(features, center[None], compute_mode=mode).squeeze(1)


def _distance_to_nearest(features: Tensor, centers: Tensor) -> Tensor:
    """Euclidean distance [n] of each row to the nearest center, in blocks of ``BLOCK_BYTES``."""
    centers = centers.double()
    norms = centers.square().sum(1)
    rows = max(1, BLOCK_BYTES // (8 * len(centers)))
    nearest = []
    for block in features.split(rows):
        block = block.double()
        square = (norms - 2 * block @ centers.T).amin(1) + block.square().sum(1)
        nearest.append(square.clamp(min=0).sqrt().float())
    return torch.cat(nearest)


def badge_seeding(features: Tensor, probabilities: Tensor, budget: int, seed: int) -> Tensor:
    """BADGE (Ash et al., ICLR 2020): k-means++ seeding on the last layer's gradient embeddings.

    features: z, float [n, D]; probabilities: p, float [n, C]. The embedding of example i under
    its own prediction y is (p_i - e_y) outer z_i, of which only inner products are ever made:
    <g_i, g_j> = <p_i - e_i, p_j - e_j> <z_i, z_j>. As in the published code, the first pick has
    the largest gradient, and each further one is drawn with a probability proportional to its
    squared distance to the nearest pick. Once no example is at a distance from those picked, the
    rest is drawn evenly.

    Returns int64 [min(budget, n)], distinct, in the order of picking.
    """
    if budget == 0 or len(features) == 0:
        return torch.empty(0, dtype=torch.int64)
    gradients = _Gradients(features, probabilities)
    rng = np.random.default_rng(seed)
    chosen = [int(gradients.norms.argmax())]
    free = torch.ones_like(gradients.norms)
    distance = torch.full_like(gradients.norms, torch.inf)
    while len(chosen) < min(budget, len(features)):
        gradients.lower(distance, chosen[-1])
        free[chosen[-1]] = 0
        weights = distance * free
        if not weights.any():
            weights = free
        chosen.append(int(rng.choice(len(weights), p=(weights / weights.sum()).cpu().numpy())))
    return torch.tensor(chosen)


class _Gradients:
    """Gradient embeddings of n examples, as factors, and squared distances between them.

    norms: float64 [n], squared.
    """

    def __init__(self, features: Tensor, probabilities: Tensor):
        self.inputs, self.errors = features.double(), probabilities.double().clone()
        self.errors[torch.arange(len(self.errors)), probabilities.argmax(1)] -= 1
        input_lengths, self.rough_inputs = _lengths_and_directions(self.inputs)
        error_lengths, self.rough_errors = _lengths_and_directions(self.errors)
        self.norms = self.inputs.square().sum(1) * self.errors.square().sum(1)
        self.lengths = input_lengths * error_lengths
        self.rounding = _rounding(features.shape[1] + probabilities.shape[1])

    def lower(self, distance: Tensor, pick: int) -> None:
        """Lower each squared distance [n] to that to ``pick`` where this is less.

        Exact distances are made only of those examples for which float32 leaves it open; products
        of features, if this is faster, only of those for which the errors leave it open.
        """
        cosine = self.rough_errors @ self.rough_errors[pick]
        rows = self._open(distance, pick, cosine.abs())
        if len(rows) < len(distance) / 8:
            cosine[rows] *= self.rough_inputs[rows] @ self.rough_inputs[pick]
        else:
            cosine *= self.rough_inputs @ self.rough_inputs[pick]
        rows = self._open(distance, pick, cosine)
        inner = (self.inputs[rows] @ self.inputs[pick]) * (self.errors[rows] @ self.errors[pick])
        reach = self.norms[rows] + self.norms[pick]
        square = reach - 2 * inner
        square[square <= 1e-12 * reach] = 0
        distance[rows] = distance[rows].minimum(square)

    def _open(self, distance: Tensor, pick: int, cosine: Tensor) -> Tensor:
        """Examples that, by their rough cosines [n] to ``pick``, may be nearer to it."""
        at_least = _at_least(self.lengths, pick, cosine + self.rounding)
        return (at_least < distance).nonzero().squeeze(1)
