"""TypiClust by loops over clusters, images and distances."""

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from fal.query.kmeans import kmeans
from fal.query.strategies import create
from fal.query.strategies.contract import example_pool
from fal.query.strategies.typiclust import most_typical, visiting_order


def slow_typicality(i, others, features, neighbors):
    distances = sorted(np.linalg.norm(features[i] - features[j]) for j in others if j != i)
    count = min(neighbors, len(others) // 2)
    return 1 / (sum(distances[:count]) / count) if count else 0


def slow_pick(cluster, num_labeled, features, budget, neighbors):
    """Goes round the clusters of more than five images, then round the others."""
    members = {c: [i for i, its in enumerate(cluster) if its == c] for c in set(cluster)}
    ranked = sorted(
        members, key=lambda c: (sum(i < num_labeled for i in members[c]), -len(members[c]))
    )
    chosen = []
    for group in (
        [c for c in ranked if len(members[c]) > 5],
        [c for c in ranked if len(members[c]) <= 5],
    ):
        turns = 0
        while group and len(chosen) < budget and turns < len(cluster) * len(group):
            c = group[turns % len(group)]
            turns += 1
            free = [i for i in members[c] if i >= num_labeled and i not in chosen]
            if free:
                chosen.append(
                    max(free, key=lambda i: slow_typicality(i, free, features, neighbors))
                )
    return [i - num_labeled for i in chosen]


@pytest.mark.parametrize("role", ["local", "global"])
@pytest.mark.parametrize(
    ("labeled", "unlabeled", "budget", "options"),
    [
        (4, 60, 5, {}),
        (12, 60, 20, {"neighbors": 3}),
        (3, 40, 39, {"neighbors": 1, "max_clusters": 4}),
        (30, 20, 12, {}),
        (0, 30, 3, {}),
    ],
)
def test_what_is_queried(role, labeled, unlabeled, budget, options):
    pool = example_pool(labeled=labeled, unlabeled=unlabeled)
    strategy = create(f"{role[0]}-typiclust", **options)
    features = normalize(pool.all_features(role), dim=1)
    count = min(labeled + budget, options.get("max_clusters", 500))
    cluster = kmeans(features, count, seed=4)[0].tolist()
    expected = slow_pick(
        cluster, labeled, features.double().numpy(), budget, options.get("neighbors", 20)
    )
    assert strategy.select(pool, strategy.score(pool), budget, 4).tolist() == expected


def test_each_group_without_labels_gives_its_middle():
    """Five groups on rays, two of them labeled: the densest image of each other one."""
    rng = np.random.default_rng(0)
    centers = np.eye(5)[np.repeat(np.arange(5), 20)]
    spread = np.tile(np.linspace(0, 0.3, 20), 5)[:, None]
    points = centers + spread * rng.normal(size=(100, 5))

    def groups(data):
        order = np.flatnonzero(data["client"][np.argsort(data["client"], kind="stable")] == 1)
        data["outputs"]["global"].features[order] = torch.from_numpy(points).float()
        own = np.flatnonzero(data["client"] == 1)
        others = data["labeled_index"][data["client"][data["labeled_index"]] == 0]
        data["labeled_index"] = np.sort(np.concatenate([others, own[[2, 45]]]))

    pool = example_pool(change=groups, labeled=2, unlabeled=98, dims=5)
    strategy = create("g-typiclust")
    chosen = strategy.select(pool, {}, 3, 0)
    directions = normalize(pool.features("global")[chosen], dim=1)
    assert sorted(directions.argmax(1).tolist()) == [1, 3, 4]
    assert (directions.amax(1) > 0.99).all()


def test_clusters_are_visited_by_labels_then_size():
    cluster = np.array([0, 0, 1, *[0] * 6, *[1] * 7, *[2] * 3, *[3] * 9, *[4] * 6])
    assert visiting_order(cluster, 3) == ([3, 4, 1, 0], [2])


@pytest.mark.parametrize("count", [1, 2, 3, 30, 2500])
def test_the_most_typical_in_blocks(count):
    features = torch.randn(count, 3, generator=torch.Generator().manual_seed(count))
    distances = torch.cdist(features.double(), features.double()).sort(1).values
    k = min(20, count // 2)
    expected = int(distances[:, 1 : k + 1].mean(1).argmin()) if k else 0
    assert most_typical(features, 20) == expected
