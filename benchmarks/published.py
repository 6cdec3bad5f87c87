"""Queries as the methods' authors published them, step by step: what query.py --published runs.

Transcribed from github.com/chenchenzong/IFAL (ifal, logo, coreset) and github.com/JordanAsh/badge,
on outputs that are there already: networks are no part of it. KMeans restarts ten times, as it did
by default in their scikit-learn. It shares no code with ``fal``.
"""

from collections.abc import Callable

import numpy as np
import torch
from scipy import stats
from scipy.stats import wasserstein_distance
from skimage.filters import threshold_otsu
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances
from torch.nn.functional import normalize

K = 250


def structures(pool, role, labels_of):
    """Structural probabilities [U, C] from one model's features, for each model in labels_of."""
    everyone = normalize(pool.all_features(role), dim=1)
    unlabeled = everyone[pool.num_labeled :]
    similarity = torch.mm(everyone, unlabeled.t())
    own = torch.arange(pool.size)
    similarity[own + pool.num_labeled, own] = -1
    _, nearest = similarity.topk(K, dim=1, largest=True, sorted=True)
    found = []
    for model in labels_of:
        labels = pool.labels_with_pseudo(model).numpy()
        counts = torch.ones(pool.size, pool.num_classes, dtype=torch.long)
        for c in range(pool.num_classes):
            receivers, arrows = torch.unique(nearest[labels == c], return_counts=True)
            counts[receivers, c] += arrows
        found.append((counts / counts.sum(1, keepdim=True)).numpy())
    return found


def distances(p, q):
    return np.array([wasserstein_distance(p[i], q[i]) for i in range(len(p))])


def representatives(points, budget):
    """The example nearest its centroid in each cluster."""
    learner = KMeans(n_clusters=budget, n_init=10).fit(points)
    cluster = learner.predict(points)
    square = ((points - learner.cluster_centers_[cluster]) ** 2).sum(1)
    position = np.arange(len(points))
    return np.array(
        [
            position[cluster == i][square[cluster == i].argmin()]
            for i in range(budget)
            if (cluster == i).any()
        ]
    )


def ifal(pool, budget):
    (p_global,) = structures(pool, "global", ["global"])
    p_local, own = structures(pool, "local", ["global", "local"])
    (p_kd,) = structures(pool, "kd", ["global"])
    d_local, d_global = distances(p_local, p_kd), distances(p_global, p_kd)
    ratio = np.maximum(d_global / (d_local + 1e-5), d_local / (d_global + 1e-5))
    inter = ratio * (d_local + d_global)
    total = inter * distances(own, pool.probabilities("local").numpy())
    features = normalize(pool.features("local"), dim=1).numpy()
    for score in (total, inter):
        candidates = np.flatnonzero(score > threshold_otsu(score))
        if len(candidates) >= budget:
            return candidates[representatives(features[candidates], budget)]
    return total.argsort()[-budget:]


def logo(pool, budget):
    confidence = pool.probabilities("local").max(1, keepdim=True).values
    cluster = KMeans(n_clusters=budget, n_init=10).fit_predict(
        ((1 - confidence) * pool.features("local")).numpy()
    )
    chosen = []
    for i in range(budget):
        members = np.flatnonzero(cluster == i)
        p = pool.logits("global")[members].softmax(1)
        chosen.append(members[(p * p.log().nan_to_num(0, 0, 0)).sum(1).argmin()])
    return np.array(chosen)


def badge(pool, budget):
    points, errors = pool.features("local").numpy(), -pool.probabilities("local").numpy()
    errors[np.arange(len(errors)), errors.argmin(1)] += 1
    norms = (errors**2).sum(1), (points**2).sum(1)

    def distance(pick):
        inner = (errors @ errors[pick]) * (points @ points[pick])
        square = norms[0] * norms[1] + norms[0][pick] * norms[1][pick] - 2 * inner
        return np.sqrt(np.clip(square, 0, None)).astype(float)

    chosen = [int((norms[0] * norms[1]).argmax())]
    nearest = distance(chosen[0])
    nearest[chosen] = 0
    while len(chosen) < budget:
        if len(chosen) > 1:
            nearest = np.minimum(nearest, distance(chosen[-1]))
            nearest[chosen] = 0
        shares = nearest**2 / sum(nearest**2)
        law = stats.rv_discrete(name="custm", values=(np.arange(len(shares)), shares))
        pick = law.rvs(size=1)[0]
        while pick in chosen:
            pick = law.rvs(size=1)[0]
        chosen.append(int(pick))
    return np.array(chosen)


def coreset(pool, budget):
    points, centers = pool.features("local").numpy(), pool.labeled_features("local").numpy()
    nearest = np.amin(pairwise_distances(points, centers), axis=1)
    chosen = []
    for _ in range(budget):
        chosen.append(nearest.argmax())
        new = pairwise_distances(points, points[[chosen[-1]]])
        for j in range(len(points)):
            nearest[j] = min(nearest[j], new[j, 0])
    return np.array(chosen)


QUERIES: dict[str, Callable[..., np.ndarray]] = {
    "ifal": ifal,
    "logo": logo,
    "l-badge": badge,
    "l-coreset": coreset,
}
