"""Structural probabilities against loops over all pairs."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fal.errors import InputError
from fal.query import structure


def slow_counts(labeled, unlabeled, labels, num_classes, k):
    """Arrow counts by a loop over senders, in double precision; ties to the lower position."""
    unlabeled = [np.asarray(x, dtype=np.float64) for x in unlabeled]
    senders = [np.asarray(x, dtype=np.float64) for x in labeled] + unlabeled
    counts = np.zeros((len(unlabeled), num_classes), dtype=int)
    for i, sender in enumerate(senders):
        others = [j for j in range(len(unlabeled)) if j != i - len(labeled)]
        distance = {}
        for j in others:
            scale = np.linalg.norm(sender) * np.linalg.norm(unlabeled[j])
            cosine = sender @ unlabeled[j] / scale if scale > 0 else 0
            distance[j] = round(1 - cosine, 9)
        for j in sorted(others, key=lambda j: (distance[j], j))[: min(k, len(unlabeled) - 1)]:
            counts[j, labels[i]] += 1
    return counts


def client(labeled, unlabeled, dim, num_classes, seed):
    rng = torch.Generator().manual_seed(seed)
    x = torch.randn(labeled + unlabeled, dim, generator=rng)
    labels = torch.randint(num_classes, (labeled + unlabeled,), generator=rng)
    return x[:labeled], x[labeled:], labels


@pytest.mark.parametrize("k", [1, 3, 10, 24, 25, 1000])
@pytest.mark.parametrize("labeled", [0, 1, 7])
def test_arrows_equal_the_loop(labeled, k):
    known, pool, labels = client(labeled, 25, 6, 4, seed=k)
    counts = structure.arrow_counts(known, pool, labels, 4, k)
    assert counts.dtype == torch.int64
    np.testing.assert_array_equal(counts, slow_counts(known, pool, labels, 4, k))


@pytest.mark.parametrize("block_bytes", [1, 300, 2**24])
def test_ties_go_to_the_lower_position_whatever_the_block(monkeypatch, block_bytes):
    monkeypatch.setattr(structure, "BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(structure, "TILE", 7)
    rng = np.random.default_rng(0)
    points = torch.from_numpy(rng.integers(0, 2, (40, 4))).float()  # few directions, zero vectors
    labels = torch.from_numpy(rng.integers(0, 3, 40))
    counts = structure.arrow_counts(points[:10], points[10:], labels, 3, 7)
    np.testing.assert_array_equal(
        counts, slow_counts(points[:10], points[10:], labels.tolist(), 3, 7)
    )


def test_identical_examples_send_to_the_lowest_positions_but_never_to_themselves():
    nearest = structure.neighbors(torch.zeros(1, 3), torch.ones(6, 3), 2)
    rows = [sorted(row) for row in nearest.tolist()]
    assert rows == [[0, 1], [1, 2], [0, 2], [0, 1], [0, 1], [0, 1], [0, 1]]


@settings(deadline=None)
@given(
    points=st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=2, max_size=15, unique=False),
    labeled=st.integers(0, 5),
    k=st.integers(1, 20),
)
def test_arrows_equal_the_loop_on_integer_points(points, labeled, k):
    labeled = min(labeled, len(points) - 1)
    x = torch.tensor(points).float()
    labels = torch.arange(len(points)) % 3
    counts = structure.arrow_counts(x[:labeled], x[labeled:], labels, 3, k)
    np.testing.assert_array_equal(
        counts, slow_counts(x[:labeled], x[labeled:], labels.tolist(), 3, k)
    )


def test_scaling_features_changes_nothing_and_order_moves_with_the_examples():
    known, pool, labels = client(20, 300, 16, 5, seed=0)
    counts = structure.arrow_counts(known, pool, labels, 5, 30)
    assert torch.equal(structure.arrow_counts(known * 7, pool * 3, labels, 5, 30), counts)
    order = torch.randperm(300, generator=torch.Generator().manual_seed(1))
    moved = torch.cat([labels[:20], labels[20:][order]])
    assert torch.equal(structure.arrow_counts(known, pool[order], moved, 5, 30), counts[order])


def test_nearly_equal_distances_are_told_apart_in_double_precision():
    rng = np.random.default_rng(0)
    points = 100 + rng.standard_normal((200, 32))  # cosines between 0.9998 and 1
    x = torch.from_numpy(points).float()
    labels = torch.arange(200) % 4
    counts = structure.arrow_counts(x[:20], x[20:], labels, 4, 15)
    np.testing.assert_array_equal(counts, slow_counts(x[:20], x[20:], labels.tolist(), 4, 15))


@pytest.mark.parametrize("k, arrows", [(250, 99), (50, 50), (0.05, 5), (0.999, 99), (1e-6, 1)])
def test_every_example_sends_as_many_arrows(k, arrows):
    known, pool, labels = client(9, 100, 5, 3, seed=2)
    counts = structure.arrow_counts(known, pool, labels, 3, k)
    sent = torch.bincount(labels, minlength=3)
    assert torch.equal(counts.sum(0), sent * arrows)


@pytest.mark.parametrize("unlabeled", [0, 1])
def test_no_arrows_where_an_unlabeled_example_has_no_neighbour(unlabeled):
    known, pool, labels = client(4, unlabeled, 5, 3, seed=3)
    counts = structure.arrow_counts(known, pool, labels, 3, 10)
    assert counts.tolist() == [[0, 0, 0]] * unlabeled
    assert structure.structural_probabilities(counts).shape == (unlabeled, 3)


@pytest.mark.parametrize("k", [0, -1, 2.5, -0.5, float("nan"), float("inf")])
def test_bad_k(k):
    with pytest.raises(InputError, match=f"k is {k}: "):
        structure.num_arrows(k, 10)


def test_bad_labels():
    known, pool, labels = client(2, 8, 5, 3, seed=4)
    with pytest.raises(InputError, match="they must be 0"):
        structure.arrow_counts(known, pool, labels * 0 + 2, 2, 3)
    with pytest.raises(InputError, match="labels: 9 given, one for each of 10"):
        structure.arrow_counts(known, pool, labels[:9], 3, 3)


@pytest.mark.parametrize("smoothing", [0, 0.5, 1])
def test_structural_probabilities_by_formula(smoothing):
    counts = torch.randint(0, 9, (50, 4), generator=torch.Generator().manual_seed(0)) + 1
    result = structure.structural_probabilities(counts, smoothing)
    for row, received in zip(result.tolist(), counts.tolist(), strict=True):
        total = sum(received) + 4 * smoothing
        assert row == pytest.approx([(n + smoothing) / total for n in received])


@pytest.mark.parametrize("smoothing", [0, 1])
def test_without_arrows_the_distribution_is_uniform(smoothing):
    result = structure.structural_probabilities(torch.zeros(2, 5, dtype=torch.int64), smoothing)
    assert torch.equal(result, torch.full((2, 5), 0.2))


def test_bad_smoothing():
    with pytest.raises(InputError, match="smoothing is -1: it must not be negative"):
        structure.structural_probabilities(torch.zeros(1, 2), -1)
