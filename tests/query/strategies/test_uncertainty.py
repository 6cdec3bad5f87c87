"""Uncertainty sampling against one-line definitions, example by example."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy as scipy_entropy

from fal.query.strategies import create
from fal.query.strategies.contract import example_pool
from fal.query.strategies.uncertainty import entropy

SLOW = {
    "entropy": scipy_entropy,
    "margin": lambda p: 1 - (sorted(p)[-1] - sorted(p)[-2]),
    "least-confidence": lambda p: 1 - max(p),
}


@pytest.mark.parametrize("role", ["local", "global"])
@pytest.mark.parametrize("family", SLOW)
def test_scores_and_queries(family, role):
    pool = example_pool()
    strategy = create(f"{role[0]}-{family}")
    rows = softmax(pool.logits(role).double().numpy(), axis=1)
    expected = [SLOW[family](row) for row in rows]
    scores = strategy.score(pool)
    np.testing.assert_allclose(scores["score"], expected, atol=1e-12)
    chosen = strategy.select(pool, scores, 9, 0).tolist()
    assert chosen == sorted(range(pool.size), key=lambda i: -expected[i])[:9]


def test_entropy_of_extreme_logits_is_finite():
    values = entropy(torch.tensor([[1e4, 0, -1e4], [0, 0, 0]], dtype=torch.float64))
    np.testing.assert_allclose(values, [0, np.log(3)], atol=1e-12)


def test_a_very_sure_model_still_ranks_its_examples():
    logits = torch.tensor([[20.0, 0], [25, 0], [18, 0]])
    pool = example_pool(client=0, labeled=0, unlabeled=3, classes=2, clients=1)
    pool.logits("global")[:] = logits
    for family in SLOW:
        strategy = create(f"g-{family}")
        assert strategy.select(pool, strategy.score(pool), 2, 0).tolist() == [2, 0]
