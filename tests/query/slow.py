"""Slow versions, by their definitions, of what more than one test compares with."""

import numpy as np


def k_center_greedy(points, centers, budget):
    """Each time the point whose nearest center is farthest; the first of equals in float32.

    points: [n, D]; centers: [m, D]. Without centers the first pick is farthest from the mean.
    """
    centers, chosen = list(centers), []
    start = [] if centers else [points.mean(0)]
    while len(chosen) < min(budget, len(points)):
        known = centers if centers else start
        reach = np.array([min(np.linalg.norm(point - c) for c in known) for point in points])
        reach[chosen] = -1
        chosen.append(int(np.argmax(reach.astype(np.float32))))
        centers.append(points[chosen[-1]])
    return chosen


def gradient_embeddings(features, probabilities):
    """Gradient of the cross-entropy under the model's prediction, one outer product per row."""
    rows = []
    for z, p in zip(features, probabilities, strict=True):
        rows.append(np.outer(p - np.eye(len(p))[p.argmax()], z).flatten())
    return np.array(rows)
