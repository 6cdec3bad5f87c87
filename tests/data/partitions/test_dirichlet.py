"""Invariants of the paper's partition over many seeds, sizes and concentrations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fal.data.partition import class_counts, dirichlet_partition
from fal.data.partitions.balancing import UNIT, _round_keeping_margins, log_dirichlet
from fal.errors import InputError

ALPHAS = st.floats(-3, 6).map(lambda exponent: 10.0**exponent)


def balanced_labels(classes: int, per_class: int) -> np.ndarray:
    return np.repeat(np.arange(classes), per_class)


def counts_of(labels, parts, num_classes):
    client = np.empty(len(labels), dtype=np.int64)
    for k, part in enumerate(parts):
        client[part] = k
    return class_counts(client, np.asarray(labels), num_classes)


def mean_entropy(mixes: np.ndarray) -> float:
    logs = np.log(mixes, where=mixes > 0, out=np.zeros_like(mixes))
    return float(-(mixes * logs).sum(axis=1).mean())


@settings(max_examples=80, deadline=None)
@given(
    class_sizes=st.lists(st.integers(1, 60), min_size=1, max_size=12),
    clients=st.integers(1, 30),
    alpha=ALPHAS,
    seed=st.integers(0, 2**32),
)
def test_every_example_once_in_clients_of_equal_size(class_sizes, clients, alpha, seed):
    labels = np.repeat(np.arange(len(class_sizes)), class_sizes)
    labels = np.random.default_rng(seed).permutation(labels)
    clients = min(clients, len(labels))
    parts = dirichlet_partition(labels, clients, alpha, seed)
    assert len(parts) == clients
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(labels)))
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    for part in parts:
        assert part.dtype == np.int64
        assert np.all(np.diff(part) > 0)
    again = dirichlet_partition(labels, clients, alpha, seed)
    assert all(np.array_equal(one, two) for one, two in zip(parts, again, strict=True))


@pytest.mark.parametrize("alpha", [0.001, 0.1, 1e6])
@pytest.mark.parametrize(("clients", "classes"), [(100, 10), (10, 100), (100, 100), (3, 200)])
def test_large_settings_keep_their_margins(clients, classes, alpha):
    labels = balanced_labels(classes, 5000 // classes)
    table = counts_of(labels, dirichlet_partition(labels, clients, alpha, 1), classes)
    assert set(table.sum(axis=1)) <= {5000 // clients, 5000 // clients + 1}
    assert np.array_equal(table.sum(axis=0), np.bincount(labels))


def test_one_example_per_client_and_one_client():
    labels = [0, 1, 0, 2]
    assert sorted(len(part) for part in dirichlet_partition(labels, 4, 0.1, 0)) == [1, 1, 1, 1]
    (everything,) = dirichlet_partition(labels, 1, 0.1, 0)
    assert everything.tolist() == [0, 1, 2, 3]


def test_rare_class_and_missing_class_numbers():
    labels = np.array([7] * 2 + [3] * 500 + [900] * 498)
    parts = dirichlet_partition(labels, 10, 0.1, 4)
    assert [len(part) for part in parts] == [100] * 10
    assert counts_of(labels, parts, 901).sum(axis=0)[[3, 7, 900]].tolist() == [500, 2, 498]


def test_seeds_and_alphas_give_different_partitions():
    labels = balanced_labels(10, 100)
    base = np.concatenate(dirichlet_partition(labels, 10, 0.1, 1))
    assert not np.array_equal(base, np.concatenate(dirichlet_partition(labels, 10, 0.1, 2)))
    assert not np.array_equal(base, np.concatenate(dirichlet_partition(labels, 10, 0.2, 1)))


@pytest.mark.parametrize("alpha", [0.01, 0.1, 0.5, 1.0, 10.0])
def test_class_mix_is_as_concentrated_as_plain_dirichlet_draws(alpha):
    clients, classes, seeds = 50, 10, 5
    labels = balanced_labels(classes, 2000)
    drawn = [
        np.random.default_rng(seed).dirichlet(np.full(classes, alpha), clients)
        for seed in range(100)
    ]
    dealt = [
        counts_of(labels, dirichlet_partition(labels, clients, alpha, seed), classes) / 400
        for seed in range(seeds)
    ]
    drawn, dealt = np.concatenate(drawn), np.concatenate(dealt)
    assert mean_entropy(dealt) == pytest.approx(mean_entropy(drawn), abs=0.12)
    assert dealt.max(axis=1).mean() == pytest.approx(drawn.max(axis=1).mean(), abs=0.05)


def test_smaller_alpha_means_fewer_classes_per_client():
    labels = balanced_labels(10, 500)
    entropies = []
    for alpha in (0.001, 0.01, 0.1, 1.0, 10.0, 1e6):
        tables = [
            counts_of(labels, dirichlet_partition(labels, 10, alpha, seed), 10) / 500
            for seed in range(10)
        ]
        entropies.append(mean_entropy(np.concatenate(tables)))
    assert entropies == sorted(entropies)
    assert entropies[0] < 0.2
    assert entropies[-1] == pytest.approx(np.log(10), abs=1e-3)


def test_log_dirichlet_agrees_with_dirichlet_and_does_not_underflow():
    log_mix = log_dirichlet(np.random.default_rng(0), 0.3, 20_000, 4)
    plain = np.random.default_rng(1).dirichlet(np.full(4, 0.3), 20_000)
    assert np.exp(log_mix).sum(axis=1) == pytest.approx(1)
    for power in (1, 2, 3):
        ours, theirs = (np.exp(log_mix) ** power).mean(axis=0), (plain**power).mean(axis=0)
        assert ours == pytest.approx(theirs, abs=0.01)
    assert np.isfinite(log_dirichlet(np.random.default_rng(0), 0.001, 100, 100)).all()


@settings(max_examples=60, deadline=None)
@given(rows=st.integers(1, 8), columns=st.integers(1, 8), seed=st.integers(0, 2**32))
def test_rounding_moves_no_margin_and_no_cell_by_a_whole_unit(rows, columns, seed):
    rng = np.random.default_rng(seed)
    permutations = [rng.permutation(max(rows, columns)) for _ in range(6)]
    weights = np.diff(np.sort(rng.integers(0, 3 * UNIT, 5)), prepend=0, append=3 * UNIT)
    square = np.zeros((max(rows, columns),) * 2, dtype=np.int64)
    for weight, permutation in zip(weights, permutations, strict=True):
        square[np.arange(len(square)), permutation] += weight
    rounded = _round_keeping_margins(square, rng)
    assert np.array_equal(rounded.sum(axis=0), np.full(len(square), 3))
    assert np.array_equal(rounded.sum(axis=1), np.full(len(square), 3))
    assert np.abs(rounded * UNIT - square).max() < UNIT


def test_rounding_is_unbiased():
    shares = np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.4, 0.1, 0.5]])
    units = np.rint(shares * UNIT).astype(np.int64)
    units[:, 2] = UNIT - units[:, :2].sum(axis=1)
    units[2] = UNIT - units[:2].sum(axis=0)
    rng = np.random.default_rng(0)
    mean = np.mean([_round_keeping_margins(units, rng) for _ in range(4000)], axis=0)
    assert mean == pytest.approx(shares, abs=0.04)


@pytest.mark.parametrize("alpha", [0, -1, float("nan"), float("inf")])
def test_alpha_must_be_positive(alpha):
    with pytest.raises(InputError, match="alpha must be a positive number"):
        dirichlet_partition([0, 1, 0], 2, alpha, 0)


@pytest.mark.parametrize("clients", [0, -3, 4])
def test_clients_must_fit_the_examples(clients):
    with pytest.raises(InputError, match=r"number of training examples \(3\)"):
        dirichlet_partition([0, 1, 0], clients, 0.1, 0)


def test_labels_must_be_a_row_of_integers():
    with pytest.raises(InputError, match="one-dimensional integer"):
        dirichlet_partition([[0.5, 1.0]], 1, 0.1, 0)
