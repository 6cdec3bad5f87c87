"""FairFAL by loops over images, classes and explicit gradients; what clients tell one another."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy

from fal.query.clients import query_clients
from fal.query.pool import build_pools
from fal.query.strategies import create
from fal.query.strategies.contract import example_data, example_pool
from fal.query.strategies.fairfal import class_quotas, pseudo_labels


def slow_report(pool, local="local"):
    """Means over classes of means over the class's labeled images, by loops."""
    classes, means = sorted(set(pool.labels.tolist())), []
    for role in ("global", local):
        logits = pool.outputs[role].logits.double().numpy()
        by_class = []
        for c in classes:
            rows = [softmax(logits[i]) for i, y in enumerate(pool.labels) if y == c]
            by_class.append(sum(rows) / len(rows))
        means.append(sum(by_class) / len(classes))
    apart = [abs(p - q) / (p + q) for p, q in zip(*means, strict=True)]
    likely = [means[0][c] for c in classes]
    return {"imbalance": min(likely) / max(likely), "divergence": sum(apart) / len(apart)}


def slow_pseudo_labels(pool):
    unit = [z / np.linalg.norm(z) for z in pool.all_features("global").double().numpy()]
    prototypes = {}
    for c in set(pool.labels.tolist()):
        mean = sum(z for z, y in zip(unit, pool.labels, strict=False) if y == c)
        prototypes[c] = mean / np.linalg.norm(mean)
    return [
        max(sorted(prototypes), key=lambda c: z @ prototypes[c]) for z in unit[pool.num_labeled :]
    ]


def slow_quotas(sizes, budget):
    """One place after another."""
    by_size = sorted(range(len(sizes)), key=lambda c: -sizes[c])
    quotas = [min(budget // len(sizes) + (by_size.index(c) < budget % len(sizes)), size)
              for c, size in enumerate(sizes)]  # fmt: skip
    turn = 0
    open_classes = [c for c in by_size if quotas[c] < sizes[c]]
    while sum(quotas) < budget:
        c = open_classes[turn % len(open_classes)]
        quotas[c] += quotas[c] < sizes[c]
        turn += 1
    return quotas


def slow_gradient(z, logits, target):
    p = softmax(logits)
    p[target] -= 1
    return np.outer(p, z).ravel()


def slow_pick(pool, report, budget, local="local", oversampling=4):
    own = slow_report(pool, local)
    chooses = {
        "uncertainty": "global" if report["imbalance"] + own["divergence"] < 0.5 else local,
        "gradients": "global" if report["imbalance"] < 0.5 else local,
    }
    logits = {why: pool.outputs[role].logits.double().numpy() for why, role in chooses.items()}
    first = pool.num_labeled
    uncertain = [entropy(softmax(x)) for x in logits["uncertainty"][first:]]
    features = pool.all_features("global").double().numpy()
    gradients = [
        slow_gradient(z, x, pool.labels[i] if i < first else x.argmax())
        for i, (z, x) in enumerate(zip(features, logits["gradients"], strict=True))
    ]
    predicted = slow_pseudo_labels(pool)
    sizes = [predicted.count(c) for c in range(pool.num_classes)]
    chosen = []
    for c, quota in enumerate(slow_quotas(sizes, budget)):
        members = sorted(
            (i for i, p in enumerate(predicted) if p == c), key=lambda i: -uncertain[i]
        )
        candidates = members[: math.floor(oversampling * quota)]
        centers = [gradients[i] for i, y in enumerate(pool.labels) if y == c]
        for _ in range(quota):
            free = [i for i in candidates if i not in chosen]
            if centers:
                near = [min(((gradients[first + i] - g) ** 2).sum() for g in centers) for i in free]
                chosen.append(free[int(np.argmax(near))])
            else:
                chosen.append(free[0])
            centers.append(gradients[first + chosen[-1]])
    return chosen, uncertain


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("imbalance", [None, 0.1, 0.4, 0.9])
def test_what_is_queried(seed, imbalance):
    """Both models are chosen for both purposes, and a class may have no labeled image."""
    pool = example_pool(seed=seed, labeled=5)
    told = slow_report(pool)
    strategy = create("fairfal")
    assert strategy.report(pool) == pytest.approx(told)
    if imbalance is not None:
        told = {"imbalance": imbalance, "divergence": 0.0}
        pool = replace(pool, mean_reports=told)
    expected, uncertain = slow_pick(pool, told, 17)
    scores = strategy.score(pool)
    assert scores["score"].tolist() == pytest.approx([u / math.log(4) for u in uncertain])
    assert scores["pseudo_label"].tolist() == slow_pseudo_labels(pool)
    assert sorted(strategy.select(pool, scores, 17, 0)) == sorted(expected)


def test_the_examples_use_each_model_for_each_purpose():
    divergences = [slow_report(example_pool(seed=s, labeled=5))["divergence"] for s in range(4)]
    assert any(0.1 + d < 0.5 for d in divergences)
    assert any(0.4 + d >= 0.5 for d in divergences)


def test_options_choose_the_local_model_and_the_candidates():
    pool = example_pool(seed=3)
    strategy = create("fairfal", local_model="kd", oversampling=1)
    assert strategy.needs == ("global", "kd")
    told = slow_report(pool, "kd")
    expected, _ = slow_pick(pool, told, 9, "kd", 1)
    assert sorted(strategy.select(pool, strategy.score(pool), 9, 0)) == sorted(expected)
    scores = strategy.score(pool)
    best = {c: [] for c in range(4)}
    for i in np.argsort(-scores["score"].numpy(), kind="stable"):
        best[int(scores["pseudo_label"][i])].append(int(i))
    quotas = slow_quotas([len(best[c]) for c in range(4)], 9)
    assert sorted(expected) == sorted(i for c in range(4) for i in best[c][: quotas[c]])


@pytest.mark.parametrize("seed", range(20))
def test_quotas(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, 12, size=rng.integers(1, 8))
    for budget in range(int(sizes.sum()) + 1):
        quotas = class_quotas(sizes, budget)
        assert quotas.tolist() == slow_quotas(sizes.tolist(), budget)
        assert quotas.sum() == budget
        assert (quotas <= sizes).all()


def test_a_class_without_labeled_images_is_nobody_s():
    def without_two(data):
        data["labels"] = np.where(data["labels"] == 2, 1, data["labels"])

    labels = pseudo_labels(example_pool(change=without_two))
    assert set(labels.tolist()) == {0, 1, 3}


def test_classes_of_a_long_tail_are_queried_evenly():
    """One class in ten: it gets as many queries as the others."""
    rng = np.random.default_rng(0)

    def long_tail(data):
        data["labels"] = np.where(rng.random(len(data["labels"])) < 0.9, 0, data["labels"])

    pool = example_pool(change=long_tail, unlabeled=400, labeled=60)
    strategy = create("fairfal")
    scores = strategy.score(pool)
    queried = scores["pseudo_label"][strategy.select(pool, scores, 20, 0)]
    assert torch.bincount(queried).tolist() == [5, 5, 5, 5]


def test_clients_go_by_the_mean_of_what_all_report(tmp_path):
    strategy = create("fairfal")
    pools = list(build_pools(**example_data(clients=3)))
    reports = {pool.client: strategy.report(pool) for pool in pools}
    mean = {
        name: sum(told[name] for told in reports.values()) / 3
        for name in ("imbalance", "divergence")
    }
    found = query_clients(strategy, iter(pools), 5, 0, "fairfal")
    assert found.mean_reports == pytest.approx(mean)
    assert found.explanations == {k: pytest.approx(told) for k, told in reports.items()}
    given = query_clients(strategy, pools, 5, 0, "fairfal", mean_reports={"imbalance": 0.01})
    for queries, told in ((found, mean), (given, {"imbalance": 0.01})):
        for pool in pools:
            expected, _ = slow_pick(pool, told, 5)
            queried = queries.queried.loc[queries.queried["client"] == pool.client, "index"]
            assert sorted(queried) == sorted(pool.index[expected])
    assert given.explanations == found.explanations
