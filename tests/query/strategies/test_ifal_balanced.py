"""The balanced variant of IFAL against loops, and what its quotas are for."""

import numpy as np
import pytest
import torch

from fal.query.selection import kmeans_representatives
from fal.query.strategies import create
from fal.query.strategies.contract import example_pool
from fal.query.strategies.ifal_balanced import filling_quotas
from query.slow_ifal import K, slow_scores


def slow_ranks(values):
    return np.array(
        [(np.sum(values < v) + (np.sum(values == v) + 1) / 2) / len(values) for v in values]
    )


@pytest.mark.parametrize("ground", ["discrete", "values"])
def test_scores_against_loops(ground):
    pool = example_pool(unlabeled=30)
    scores = create("ifal-balanced", k=K, ground=ground).score(pool)
    expected = slow_scores(pool, ground=ground)
    for part in ("d_local_kd", "d_global_kd", "inter", "intra"):
        np.testing.assert_allclose(scores[part], expected[part], rtol=2e-3, atol=2e-6)
    total = slow_ranks(scores["inter"].numpy()) * slow_ranks(scores["intra"].numpy())
    np.testing.assert_allclose(scores["score"], total)
    assert scores["pseudo_label"].tolist() == pool.logits("global").argmax(1).tolist()


def slow_quotas(held, available, budget):
    have, left, quotas = list(held), list(available), [0] * len(held)
    for _ in range(budget):
        open_classes = [c for c in range(len(have)) if left[c] > 0]
        c = min(open_classes, key=lambda c: (have[c], -available[c], c))
        have[c], left[c], quotas[c] = have[c] + 1, left[c] - 1, quotas[c] + 1
    return quotas


@pytest.mark.parametrize("seed", range(20))
def test_quotas_agree_with_filling_up_one_by_one(seed):
    random = np.random.default_rng(seed)
    held, available = random.integers(0, 9, (2, 6))
    budget = int(random.integers(0, available.sum() + 1))
    quotas = filling_quotas(held, available, budget)
    assert quotas.tolist() == slow_quotas(held, available, budget)
    assert quotas.sum() == budget and (quotas <= available).all()


def test_quotas_make_even_what_is_held():
    assert filling_quotas(np.array([9, 0, 4]), np.array([9, 9, 9]), 10).tolist() == [0, 7, 3]
    assert filling_quotas(np.array([9, 0, 4]), np.array([9, 2, 9]), 10).tolist() == [2, 2, 6]


def test_each_class_gives_its_quota_of_diverse_high_ranked_images():
    pool = example_pool(unlabeled=60)
    strategy = create("ifal-balanced", k=K, oversampling=2)
    scores = strategy.score(pool)
    chosen = strategy.select(pool, scores, 12, seed=3)
    predicted, total = scores["pseudo_label"].numpy(), np.asarray(scores["total"])
    found = np.bincount(predicted, minlength=pool.num_classes)
    held = np.bincount(pool.labels, minlength=pool.num_classes)
    quotas = slow_quotas(held, found, 12)
    unit = torch.nn.functional.normalize(pool.features("local"), dim=1)
    expected = set()
    for c, quota in enumerate(quotas):
        of_class = sorted(np.flatnonzero(predicted == c), key=lambda i: (-total[i], i))
        candidates = of_class[: 2 * quota]
        picked = kmeans_representatives(unit[candidates], quota, 3) if quota else []
        expected |= {int(candidates[i]) for i in picked}
    assert set(chosen.tolist()) == expected
    assert np.bincount(predicted[chosen], minlength=pool.num_classes).tolist() == quotas
