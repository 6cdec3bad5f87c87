"""BADGE against explicit gradient embeddings and an explicit k-means++ potential."""

import numpy as np
import pytest
from scipy.special import softmax

from fal.query.strategies import create
from fal.query.strategies.contract import example_pool
from query import slow


def embeddings_of(pool, role):
    probabilities = softmax(pool.logits(role).double().numpy(), axis=1)
    return slow.gradient_embeddings(pool.features(role).double().numpy(), probabilities)


def potential(embeddings, chosen):
    """Squared distance of each embedding to the nearest chosen one."""
    gaps = embeddings[:, None] - embeddings[None, chosen]
    return (gaps**2).sum(2).min(1)


@pytest.mark.parametrize("role", ["local", "global"])
def test_score_is_the_length_of_the_embedding(role):
    pool = example_pool()
    expected = np.linalg.norm(embeddings_of(pool, role), axis=1)
    score = create(f"{role[0]}-badge").score(pool)["score"]
    np.testing.assert_allclose(score, expected, rtol=1e-5)


def test_first_is_the_longest_and_each_further_one_adds_to_the_potential():
    pool = example_pool()
    strategy = create("g-badge")
    embeddings = embeddings_of(pool, "global")
    for seed in range(20):
        chosen = strategy.select(pool, strategy.score(pool), 10, seed).tolist()
        assert chosen[0] == np.linalg.norm(embeddings, axis=1).argmax()
        assert all(potential(embeddings, chosen[:i])[chosen[i]] > 0 for i in range(1, 10))


def test_draws_are_proportional_to_the_potential():
    pool = example_pool(unlabeled=9)
    strategy = create("l-badge")
    scores = strategy.score(pool)
    draws = [strategy.select(pool, scores, 3, seed).tolist() for seed in range(1000)]
    embeddings = embeddings_of(pool, "local")
    first = draws[0][0]
    for given in ([first], [first, draws[0][1]]):
        following = [d[len(given)] for d in draws if d[: len(given)] == given]
        expected = potential(embeddings, given)
        expected /= expected.sum()
        found = np.bincount(following, minlength=pool.size) / len(following)
        error = np.sqrt(expected * (1 - expected) / len(following))
        assert (np.abs(found - expected) <= 4.5 * error + 1e-12).all()
