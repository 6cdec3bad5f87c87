"""LoGo by loops, and its exact budget among duplicates."""

import numpy as np
import torch
from scipy.special import softmax
from scipy.stats import entropy

from fal.outputs import Outputs
from fal.query.kmeans import kmeans
from fal.query.strategies import create
from fal.query.strategies.contract import example_pool
from fal.query.strategies.logo import embedding


def slow_embedding(pool):
    rows = []
    for z, logits in zip(pool.features("local"), pool.logits("local"), strict=True):
        p = softmax(logits.double().numpy())
        rows.append((1 - p.max()) * z.double().numpy())
    return np.array(rows)


def slow_pick(cluster, uncertainty, budget):
    """Cluster by cluster the most uncertain, then the second most uncertain, and so on."""
    ranked = sorted(range(len(cluster)), key=lambda i: -uncertainty[i])
    queues = {c: [i for i in ranked if cluster[i] == c] for c in cluster}
    chosen = []
    while len(chosen) < budget:
        heads = sorted((q.pop(0) for q in queues.values() if q), key=lambda i: -uncertainty[i])
        chosen += heads[: budget - len(chosen)]
    return chosen


def test_embedding():
    pool = example_pool()
    np.testing.assert_allclose(embedding(pool), slow_embedding(pool), rtol=1e-4, atol=1e-6)


def test_most_uncertain_of_each_cluster():
    pool = example_pool()
    strategy = create("logo")
    uncertainty = [entropy(softmax(row.double().numpy())) for row in pool.logits("global")]
    scores = strategy.score(pool)
    np.testing.assert_allclose(scores["score"], uncertainty, atol=1e-12)
    cluster = kmeans(embedding(pool), 8, seed=4)[0].numpy()
    chosen = strategy.select(pool, scores, 8, 4).tolist()
    assert sorted(cluster[chosen]) == list(range(8))
    assert sorted(chosen) == sorted(slow_pick(cluster, uncertainty, 8))


def test_few_distinct_images_still_give_the_whole_budget():
    def three_images(data):
        local = data["outputs"]["local"]
        rows = torch.arange(len(local.logits)) % 3
        data["outputs"]["local"] = Outputs(local.features[rows], local.logits[rows])

    pool = example_pool(change=three_images)
    strategy = create("logo")
    scores = strategy.score(pool)
    cluster = kmeans(embedding(pool), 10, seed=0)[0].numpy()
    assert len(set(cluster)) == 3
    chosen = strategy.select(pool, scores, 10, 0).tolist()
    assert sorted(chosen) == sorted(slow_pick(cluster, scores["score"].tolist(), 10))
