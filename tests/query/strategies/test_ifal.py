"""IFAL against a brute-force version in loops, and its routes to candidates."""

import math

import numpy as np
import pytest
import torch
from skimage.filters import threshold_otsu

from fal.query.selection import kmeans_representatives
from fal.query.strategies import create
from fal.query.strategies.contract import example_pool
from query.slow_ifal import K, slow_scores


def assert_close(found, expected):
    np.testing.assert_allclose(np.asarray(found), expected, rtol=2e-3, atol=2e-6)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ground": "discrete"},
        {"ground": "index"},
        {"ground": "prototype"},
        {"divergence": "kl"},
        {"divergence": "js", "smoothing": 0.0},
        {"smoothing": 0.0},
        {"pseudo_labels": "local"},
    ],
    ids=str,
)
def test_scores_against_loops(options):
    pool = example_pool(unlabeled=30)
    scores = create("ifal", k=K, **options).score(pool)
    slow = dict(options)
    if "pseudo_labels" in slow:
        slow["labels"] = slow.pop("pseudo_labels")
    expected = slow_scores(pool, **slow)
    columns = ["score", "d_local_kd", "d_global_kd", "inter", "intra", "total", "candidate"]
    assert list(scores) == columns
    for name in columns[1:-1]:
        assert_close(scores[name], expected[name])
    assert torch.equal(scores["score"], scores["total"])
    above = expected["total"] > threshold_otsu(expected["total"])
    assert np.array_equal(scores["candidate"], above)


def test_parts_that_are_left_out():
    pool = example_pool(unlabeled=30)
    expected = slow_scores(pool)
    nan = ("d_local_kd", "d_global_kd")
    for options, needs, total, missing in (
        ({"inconsistency": "inter"}, {"global", "local", "kd"}, "inter", ("intra",)),
        ({"inconsistency": "intra"}, {"local"}, "intra", (*nan, "inter")),
        ({"inconsistency": "inter", "distilled": False}, {"global", "local"}, "direct", nan),
    ):
        strategy = create("ifal", k=K, **options)
        scores = strategy.score(pool)
        assert set(strategy.needs) == needs
        assert_close(scores["total"], expected[total])
        assert all(scores[name].isnan().all() for name in missing)
    scores = create("ifal", k=K, distilled=False).score(pool)
    assert_close(scores["total"], expected["direct"] * expected["intra"])


def test_only_diversity_has_no_score_and_clusters_all_examples():
    pool = example_pool()
    strategy = create("ifal", inconsistency="none")
    assert strategy.needs == ("local",)
    assert strategy.score(pool) == {}
    assert strategy.explain({}, 7) == {"route": "all", "threshold": None}
    unit = torch.nn.functional.normalize(pool.features("local"), dim=1)
    chosen = strategy.select(pool, {}, 7, 3)
    assert chosen.tolist() == kmeans_representatives(unit, 7, 3).tolist()


def columns(total, inter=None, **options):
    """Score columns with the given totals, as ``score`` would make them."""
    strategy = create("ifal", **options)
    total = np.array(total, float)
    candidate = total > strategy.threshold(total)
    inter = total if inter is None else np.array(inter, float)
    return strategy, {"total": total, "inter": inter, "score": total, "candidate": candidate}


HIGH = [0.0] * 40 + [10.0] * 20
FEW = [0.0] * 57 + [9.0, 11, 10]
SOME = [0.0] * 45 + [10.0] * 15


@pytest.mark.parametrize(
    ("total", "inter", "options", "route", "candidates"),
    [
        (HIGH, FEW, {}, "otsu", range(40, 60)),
        (FEW, SOME, {}, "inter", range(45, 60)),
        (FEW, FEW, {}, "top", range(60)),
        (FEW, SOME, {"inconsistency": "inter"}, "top", range(60)),
        (FEW, SOME, {"inconsistency": "intra"}, "top", range(60)),
        (range(60), FEW, {"top_fraction": 0.5}, "fraction", range(30, 60)),
        (range(60), FEW, {"top_fraction": 0.1}, "top", range(60)),
        (range(60), HIGH, {"diversity": False}, "top", range(60)),
    ],
)
def test_routes(total, inter, options, route, candidates):
    pool = example_pool()
    strategy, scores = columns(total, inter, **options)
    threshold = strategy.threshold(scores["total"])
    assert strategy.explain(scores, 10) == {"route": route, "threshold": threshold}
    chosen = strategy.select(pool, scores, 10, 3).tolist()
    assert len(set(chosen)) == 10
    assert set(chosen) <= set(candidates)
    if route == "top":
        assert [total[i] for i in chosen] == sorted(total, reverse=True)[:10]
    else:
        candidates = torch.tensor(list(candidates))
        unit = torch.nn.functional.normalize(pool.features("local")[candidates], dim=1)
        assert chosen == candidates[kmeans_representatives(unit, 10, 3)].tolist()


def test_equal_scores_leave_no_candidates():
    pool = example_pool()
    strategy, scores = columns([1.0] * 60)
    assert not scores["candidate"].any()
    assert strategy.route(scores, 3) == "top"
    assert len({tuple(strategy.select(pool, scores, 3, seed)) for seed in range(5)}) == 5


@pytest.mark.parametrize(("fraction", "count"), [(0.01, 1), (0.25, 15), (0.26, 16), (1.0, 59)])
def test_top_fraction_rounds_up_and_never_takes_all(fraction, count):
    _, scores = columns(range(60), top_fraction=fraction)
    assert scores["candidate"].sum() == count
    assert scores["candidate"][-count:].all()


def test_k_as_a_fraction_of_the_unlabeled():
    pool = example_pool()
    share, number = (create("ifal", k=k).score(pool) for k in (0.1, 6))
    assert torch.equal(share["total"], number["total"])
    assert not torch.equal(create("ifal", k=7).score(pool)["total"], number["total"])


def test_one_unlabeled_example_is_scored_without_neighbors():
    pool = example_pool(unlabeled=1)
    scores = create("ifal").score(pool)
    assert all(math.isfinite(x) for x in scores["total"])


def test_its_own_figure_needs_both_parts():
    assert create("ifal").figures == ("inconsistency",)
    for part in ("inter", "intra", "none"):
        assert create("ifal", inconsistency=part).figures == ()


@pytest.mark.parametrize(
    ("options", "unlabeled", "warned"),
    [
        ({"k": 60}, 60, True),
        ({"k": 60}, 61, True),
        ({"k": 60}, 62, False),
        ({"k": 0.9}, 5, True),
        ({"k": 0.9}, 50, False),
        ({"k": 0.9}, 1, False),
        ({"k": 60, "inconsistency": "none"}, 60, False),
        ({}, 250, True),
    ],
)
def test_k_of_all_others_is_warned_of(options, unlabeled, warned):
    sentences = create("ifal", **options).warnings(unlabeled, 5)
    assert len(sentences) == warned
    assert all(f"k is {options.get('k', 250)}, but" in sentence for sentence in sentences)
