"""Core-set against greedy k-center in loops."""

import numpy as np
import pytest

from fal.query.strategies import create
from query.strategies.contract import example_pool


def slow_k_center(points, centers, budget):
    """Each time the point whose nearest center is farthest."""
    centers, chosen = list(centers), []
    for _ in range(budget):
        reach = [min(np.linalg.norm(p - c) for c in centers) for p in points]
        pick = max((i for i in range(len(points)) if i not in chosen), key=lambda i: reach[i])
        chosen.append(pick)
        centers.append(points[pick])
    return chosen


@pytest.mark.parametrize("role", ["local", "global"])
def test_against_loops(role):
    pool = example_pool(unlabeled=40)
    strategy = create(f"{role[0]}-coreset")
    points = pool.features(role).double().numpy()
    centers = pool.labeled_features(role).double().numpy()
    scores = strategy.score(pool)
    nearest = [min(np.linalg.norm(p - c) for c in centers) for p in points]
    np.testing.assert_allclose(scores["score"], nearest, atol=1e-6)
    chosen = strategy.select(pool, scores, 12, 0).tolist()
    assert chosen == slow_k_center(points, centers, 12)
