"""k-means against scikit-learn's and against its definitions."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans, kmeans_plusplus
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from fal.query import kmeans as module
from fal.query.kmeans import greedy_seeding, kmeans, lloyd


def mixture(n, dim, seed, clusters=15):
    """Overlapping Gaussian clusters: most points have more than one centroid in reach."""
    rng = np.random.default_rng(seed)
    centers = 2 * rng.normal(size=(clusters, dim))
    points = centers[rng.integers(clusters, size=n)] + rng.normal(size=(n, dim))
    return torch.from_numpy(points).float()


def inertia(points, labels, centroids):
    return (points.double() - centroids[labels].double()).square().sum().item()


DATA = {
    "mixture": (mixture(600, 6, 0), 20),
    "few points for each cluster": (mixture(400, 16, 1), 80),
    "digits": (torch.from_numpy(load_digits().data[:700]).float(), 20),
}


@pytest.mark.parametrize(("points", "clusters"), DATA.values(), ids=DATA)
def test_inertia_is_that_of_scikit_learn_with_ten_restarts(points, clusters):
    found, expected = [], []
    for seed in range(3):
        found.append(inertia(points, *kmeans(points, clusters, seed)))
        expected.append(KMeans(clusters, n_init=10, random_state=seed).fit(points).inertia_)
    assert np.mean(found) == pytest.approx(np.mean(expected), rel=0.01)


def test_a_pass_is_that_of_scikit_learn():
    points = mixture(500, 8, 2).numpy()
    start = points[np.random.default_rng(0).choice(500, 25, replace=False)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        expected = KMeans(25, init=start, n_init=1, tol=0).fit(points)
    labels, centroids, total = lloyd(points, start)
    assert np.array_equal(labels, expected.labels_)
    np.testing.assert_allclose(centroids, expected.cluster_centers_, rtol=1e-4, atol=1e-5)
    assert total == pytest.approx(expected.inertia_, rel=1e-5)


def test_nothing_is_left_to_improve():
    points = mixture(300, 5, 3)
    labels, centroids = kmeans(points, 30, seed=0)
    square = torch.cdist(points, centroids).square()
    assert torch.equal(square.argmin(1), labels)
    for cluster in range(30):
        torch.testing.assert_close(centroids[cluster], points[labels == cluster].mean(0))


def test_more_restarts_are_never_worse_on_average():
    points = mixture(300, 5, 4)
    once, often = (
        np.mean([inertia(points, *kmeans(points, 20, seed, restarts)) for seed in range(6)])
        for restarts in (1, 10)
    )
    assert often < once


class Scripted:
    """A generator that answers with given numbers."""

    def __init__(self, first, rows):
        self.first, self.rows = first, list(rows)

    def integers(self, high, size):
        return np.full(size, self.first)

    def random(self, shape):
        return np.array(self.rows.pop(0)).reshape(shape)


def test_of_the_drawn_points_that_which_leaves_least_becomes_a_seed():
    points = np.array([[0], [1], [2], [6], [9]], np.float32)
    # Squared distances to the first are 0, 1, 4, 36, 81, their sums 0, 1, 5, 41, 122: the third and
    # the fourth point are drawn. The third would leave 1 + 16 + 49, the fourth leaves 1 + 4 + 9.
    rng = Scripted(0, [[4.9 / 122, 5.1 / 122]])
    assert greedy_seeding(points, 2, 1, rng).tolist() == [[0, 3]]
    assert rng.rows == []


def test_seeding_is_as_good_as_that_of_scikit_learn():
    points = mixture(400, 6, 5).numpy()

    def left(seeds):
        return torch.cdist(torch.from_numpy(points), torch.from_numpy(seeds)).square().amin(1).sum()

    own = greedy_seeding(points, 20, 30, np.random.default_rng(0))
    found = [left(points[seeds]) for seeds in own]
    expected = [left(kmeans_plusplus(points, 20, random_state=seed)[0]) for seed in range(30)]
    assert np.mean(found) == pytest.approx(np.mean(expected), rel=0.02)
    assert all(len(set(seeds)) == 20 for seeds in own.tolist())


def test_large_pools_are_seeded_without_a_table_of_all_pairs(monkeypatch):
    points = torch.randint(-3, 4, (60, 4), generator=torch.Generator().manual_seed(0)).float()
    points = torch.cat([points, -points]).numpy()  # of mean 0: all distances are exact
    expected = greedy_seeding(points, 9, 4, np.random.default_rng(1))
    monkeypatch.setattr(module, "TABLE_BYTES", 1000)
    found = greedy_seeding(points, 9, 4, np.random.default_rng(1))
    assert np.array_equal(found, expected)
