"""KSAS against the formula in loops."""

import numpy as np
import pytest
import torch
from scipy.special import rel_entr

from fal.query.strategies import create
from fal.query.strategies.contract import example_pool


def slow_discrepancy(pool):
    """Mean of both KL divergences between frequency-weighted softmax outputs, unseen classes 0."""
    frequency = np.bincount(pool.labels, minlength=pool.num_classes) / len(pool.labels)
    result = []
    for pair in zip(pool.logits("local"), pool.logits("global"), strict=True):
        p, q = (frequency * np.exp(logits.double().numpy()) for logits in pair)
        p, q = p / p.sum(), q / q.sum()
        result.append((rel_entr(p, q).sum() + rel_entr(q, p).sum()) / 2)
    return np.array(result)


def keep_classes(classes):
    def change(data):
        data["labels"] = np.array(classes)[np.arange(len(data["labels"])) % len(classes)]

    return change


@pytest.mark.parametrize("classes", [[0, 1, 2, 3], [3, 1], [0, 0, 0, 2], [1]])
def test_against_loops(classes):
    pool = example_pool(change=keep_classes(classes))
    expected = slow_discrepancy(pool)
    score = create("kafal").score(pool)["score"]
    np.testing.assert_allclose(score, expected, rtol=1e-5, atol=1e-12)
    if len(classes) > 1:
        chosen = create("kafal").select(pool, {"score": score}, 9, 0)
        assert chosen.tolist() == np.argsort(-expected, kind="stable")[:9].tolist()


def test_classes_never_seen_do_not_matter():
    pool = example_pool(change=keep_classes([0, 2]))
    before = create("kafal").score(pool)["score"]
    pool.logits("local")[:, [1, 3]] += 1e6 * torch.rand(pool.size, 2)
    assert torch.equal(create("kafal").score(pool)["score"], before)


def test_a_client_that_knows_one_class_queries_at_random():
    pool = example_pool(change=keep_classes([1]))
    strategy = create("kafal")
    scores = strategy.score(pool)
    assert (torch.as_tensor(scores["score"]) == 0).all()
    queried = {i for seed in range(60) for i in strategy.select(pool, scores, 7, seed).tolist()}
    assert queried == set(range(pool.size))
