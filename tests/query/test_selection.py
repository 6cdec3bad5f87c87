"""Thresholds and representatives against slow versions, and always exact, distinct budgets."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.filters import threshold_otsu
from sklearn.metrics import pairwise_distances

from fal.errors import InputError
from fal.query import selection
from fal.query.kmeans import kmeans
from query import slow


def normal(n, dim, seed):
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))


def softmax_rows(n, num_classes, seed):
    return (3 * normal(n, num_classes, seed)).softmax(1)


# --- Otsu


@pytest.mark.parametrize("seed", range(20))
def test_otsu_equals_scikit_image(seed):
    rng = np.random.default_rng(seed)
    scores = rng.choice([rng.gamma(0.5, 1, 800), rng.normal(size=800), rng.random(800)])
    scores[: 10 * seed] += 3
    assert selection.otsu_threshold(scores) == pytest.approx(threshold_otsu(scores), abs=1e-12)
    scores = scores.astype(np.float32)
    assert selection.otsu_threshold(torch.from_numpy(scores)) == pytest.approx(
        threshold_otsu(scores), rel=1e-5
    )


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=40))
def test_otsu_parts_any_scores_unless_they_are_equal(scores):
    threshold = selection.otsu_threshold(scores)
    above = sum(score > threshold for score in scores)
    assert min(scores) <= threshold <= max(scores)
    if max(scores) - min(scores) > 1e-9:
        assert 0 < above < len(scores)


@pytest.mark.parametrize("scores", [[2.5], [0.1] * 7, [1.0, 1.0 + 2e-16], [0.0] * 3, [5e-324, 0]])
def test_otsu_of_equal_scores_leaves_none_above(scores):
    threshold = selection.otsu_threshold(scores)
    assert threshold == max(scores)


def test_otsu_of_tiny_scores_and_of_none():
    assert 1e-30 < selection.otsu_threshold([1e-30, 2e-30, 5e-30]) < 5e-30
    assert selection.otsu_threshold([]) == 0
    assert selection.otsu_threshold(torch.empty(0)) == 0


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_otsu_of_scores_that_are_not_finite(bad):
    with pytest.raises(InputError, match="not all finite"):
        selection.otsu_threshold([0.0, bad, 1.0])


# --- k-means representatives


def test_each_cluster_is_represented_by_its_most_central_example():
    centers = 100 * normal(8, 5, 0)
    offsets = torch.tensor([0.0, 1, -1.5, 2, -3])[:, None] * torch.eye(5)[0]
    points = (centers[:, None] + offsets).reshape(-1, 5)  # means at -0.3: the first is nearest
    assert sorted(selection.kmeans_representatives(points, 8, 3).tolist()) == list(range(0, 40, 5))


@pytest.mark.parametrize("restarts", [1, 10])
def test_representatives_are_the_nearest_members_of_each_cluster(restarts):
    points = normal(200, 6, 1)
    labels, centroids = kmeans(points, 12, seed=5, restarts=restarts)
    picks = selection.kmeans_representatives(points, 12, seed=5, restarts=restarts)
    for cluster, pick in enumerate(picks):
        members = (labels == cluster).nonzero().flatten().tolist()
        distance = [(points[i] - centroids[cluster]).norm().item() for i in members]
        assert pick == members[int(np.argmin(distance))]


def test_representatives_of_fewer_distinct_examples_than_clusters():
    points = torch.eye(3).repeat(4, 1)
    picks = selection.kmeans_representatives(points, 7, 0)
    assert len(set(picks.tolist())) == 7
    assert set((picks % 3).tolist()) == {0, 1, 2}


# --- k-center


@pytest.mark.parametrize("labeled", [0, 1, 15])
@pytest.mark.parametrize("budget", [1, 10, 60, 100])
def test_k_center_equals_the_loop(labeled, budget):
    features, known = normal(60, 7, budget), normal(labeled, 7, 99)
    picks = selection.k_center_greedy(features, known, budget)
    points, centers = features.double().numpy(), known.double().numpy()
    assert picks.tolist() == slow.k_center_greedy(points, centers, budget)


def test_k_center_in_blocks(monkeypatch):
    features, known = normal(50, 7, 0), normal(9, 7, 1)
    expected = selection.k_center_greedy(features, known, 20)
    monkeypatch.setattr(selection, "BLOCK_BYTES", 1000)
    assert torch.equal(selection.k_center_greedy(features, known, 20), expected)


def test_k_center_ties_go_to_the_lowest_position():
    points = torch.tensor([[0.0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]])
    assert selection.k_center_greedy(points, torch.zeros(1, 2), 5).tolist() == [1, 2, 3, 4, 0]
    assert selection.k_center_greedy(torch.ones(4, 2), torch.ones(1, 2), 3).tolist() == [0, 1, 2]


# --- BADGE


class Recorder:
    """A generator that keeps the probabilities it drew by."""

    def __init__(self, seed):
        self.rng, self.probabilities = np.random.Generator(np.random.PCG64(seed)), []

    def choice(self, n, p):
        self.probabilities.append(p.copy())
        return self.rng.choice(n, p=p)


@pytest.mark.parametrize("seed", range(3))
def test_badge_draws_by_the_squared_distance_of_explicit_gradients(monkeypatch, seed):
    features, probabilities = normal(40, 6, seed), softmax_rows(40, 5, seed + 10)
    recorder = Recorder(seed)
    monkeypatch.setattr(selection.np.random, "default_rng", lambda seed: recorder)
    picks = selection.badge_seeding(features, probabilities, 12, seed).tolist()
    embeddings = slow.gradient_embeddings(features.double().numpy(), probabilities.double().numpy())
    assert picks[0] == np.argmax(np.linalg.norm(embeddings, axis=1))
    square = pairwise_distances(embeddings) ** 2
    for i, drawn_by in enumerate(recorder.probabilities, start=1):
        potential = square[:, picks[:i]].min(1)
        np.testing.assert_allclose(drawn_by, potential / potential.sum(), atol=1e-12)


def test_badge_is_the_same_for_a_seed_and_differs_between_seeds():
    features, probabilities = normal(100, 6, 0), softmax_rows(100, 5, 1)
    first = selection.badge_seeding(features, probabilities, 20, 1)
    assert torch.equal(selection.badge_seeding(features, probabilities, 20, 1), first)
    assert not torch.equal(selection.badge_seeding(features, probabilities, 20, 2), first)


def test_badge_among_duplicates_takes_each_distinct_example_first():
    features = normal(5, 4, 0).repeat(6, 1)
    probabilities = softmax_rows(5, 3, 1).repeat(6, 1)
    picks = selection.badge_seeding(features, probabilities, 12, 0)
    assert sorted((picks[:5] % 5).tolist()) == [0, 1, 2, 3, 4]
    assert len(set(picks.tolist())) == 12


def test_badge_without_any_gradient():
    picks = selection.badge_seeding(normal(9, 4, 0), torch.eye(3).repeat(3, 1), 6, 0)
    assert len(set(picks.tolist())) == 6


@pytest.mark.parametrize("margin", [50, 200, 360, 400, 500, 600, 700, 1000])
def test_badge_with_an_example_that_the_model_is_sure_of(margin):
    logits = normal(40, 5, 1).double()
    logits[3] = torch.tensor([margin, 0.0, 0, 0, 0])
    picks = selection.badge_seeding(normal(40, 4, 0), logits.softmax(1), 20, 0).tolist()
    assert len(set(picks)) == 20
    assert 3 not in picks


# --- all of them


SELECTORS = {
    "k-means": lambda x, b, seed: selection.kmeans_representatives(x, b, seed),
    "k-center": lambda x, b, seed: selection.k_center_greedy(x, x[:0], b),
    "k-center from labeled": lambda x, b, seed: selection.k_center_greedy(x, x[:2] + 1, b),
    "badge": lambda x, b, seed: selection.badge_seeding(x, (x @ x.T)[:, :3].softmax(1), b, seed),
}


@pytest.mark.parametrize("select", SELECTORS.values(), ids=SELECTORS)
@settings(max_examples=40, deadline=None)
@given(
    points=st.lists(st.tuples(*[st.integers(-2, 2)] * 3), min_size=3, max_size=25),
    budget=st.integers(0, 30),
    seed=st.integers(0, 2**63 - 1),
)
def test_exact_budget_of_distinct_examples_and_the_same_again(select, points, budget, seed):
    x = torch.tensor(points).float()
    picks = select(x, budget, seed)
    assert picks.dtype == torch.int64
    assert len(picks) == len(set(picks.tolist())) == min(budget, len(points))
    assert all(0 <= pick < len(points) for pick in picks.tolist())
    assert torch.equal(select(x, budget, seed), picks)


@pytest.mark.parametrize("select", SELECTORS.values(), ids=SELECTORS)
def test_identical_examples(select):
    assert len(set(select(torch.ones(30, 4), 11, 5).tolist())) == 11


def test_empty_pools():
    none = torch.empty(0, 4)
    assert selection.kmeans_representatives(none, 3, 0).tolist() == []
    assert selection.k_center_greedy(none, torch.ones(2, 4), 3).tolist() == []
    assert selection.badge_seeding(none, torch.empty(0, 2), 3, 0).tolist() == []
