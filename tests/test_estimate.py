"""The estimate of what a configuration leaves on the disk."""

from fal.estimate import remaining_bytes
from fal.resolve import resolve
from fal.runs import plan

SMALL = {"strategies": ["random", "ifal"], "seeds": [1], "labeling": {"cycles": 2}}
MODEL, POOL = 500_000, 1438 * 60


def estimate(config):
    settings = resolve(config)
    return remaining_bytes(settings, plan(settings))


def test_models_and_scores_are_counted():
    shared = MODEL + 2 * 10 * MODEL
    per_strategy = 2 * (MODEL + POOL) + 10 * MODEL
    assert estimate(SMALL) == shared + 2 * per_strategy


def test_without_distilled_models():
    shared = MODEL + 10 * MODEL
    per_strategy = 2 * (MODEL + POOL) + 10 * MODEL
    assert estimate({**SMALL, "strategies": ["random"]}) == shared + per_strategy


def test_factors_multiply():
    once = estimate(SMALL)
    more = {**SMALL, "alphas": [0.1, 1], "seeds": [1, 2, 3], "algorithms": ["fedavg", "scaffold"]}
    assert estimate(more) == 12 * once


def test_kept_models_cost_more():
    clients = 10 * MODEL
    kept = {**SMALL, "keep": ["clients"]}
    # Of cycle 1: the clients' models of both strategies, and IFAL's distilled ones.
    assert estimate(kept) == estimate(SMALL) + 3 * clients
    assert estimate({**kept, "strategies": ["random"]}) == (
        estimate({**SMALL, "strategies": ["random"]}) + clients
    )


def test_unknown_sizes_give_no_estimate(tmp_path):
    photos = {"photos": {"kind": "image_folder", "path": str(tmp_path)}}
    assert estimate({**SMALL, "datasets": [photos]}) is None
