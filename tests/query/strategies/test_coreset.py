"""Core-set against greedy k-center in loops."""

import numpy as np
import pytest

from fal.query.strategies import create
from fal.query.strategies.contract import example_pool
from query import slow


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
    assert chosen == slow.k_center_greedy(points, centers, 12)
