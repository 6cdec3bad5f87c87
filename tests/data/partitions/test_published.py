"""The published code's partition, against a slow reading of its description."""

import math

import numpy as np
import pytest

from fal.data import partitions
from fal.data.partitions.balancing import log_dirichlet
from fal.data.partitions.published import _deal_in_passes, balanced_shares
from fal.errors import InputError

CIFAR100 = np.repeat(np.arange(100), 500)


def classes_per_client(labels, parts):
    return float(np.mean([len(np.unique(labels[part])) for part in parts]))


def test_cells_of_one_image_are_dropped():
    """What the published code was seen to give: 35 classes per client, where exact gives 52."""
    counts = {
        rounding: np.mean(
            [
                classes_per_client(CIFAR100, partition.divide(CIFAR100, 10, seed, 0.1))
                for seed in range(3)
            ]
        )
        for rounding in ("exact", "published")
        for partition in [partitions.create("dirichlet", rounding=rounding)]
    }
    assert counts["exact"] == pytest.approx(52, abs=2)
    assert counts["published"] == pytest.approx(35, abs=2)


def test_clients_without_an_image_are_told():
    labels = np.repeat(np.arange(10), 140)
    with pytest.raises(InputError, match=r"leaves \d+ of 50 clients without an image, such as"):
        partitions.create("dirichlet", rounding="published").divide(labels, 50, 1, 20)


@pytest.mark.parametrize(("clients", "examples"), [(10, 1000), (7, 1000), (3, 10)])
@pytest.mark.parametrize("alpha", [0.1, 5, 100])
def test_every_example_once(clients, examples, alpha):
    labels = np.random.default_rng(0).integers(0, 5, examples)
    parts = partitions.create("dirichlet", rounding="published").divide(labels, clients, 1, alpha)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(examples))
    sizes = [len(part) for part in parts]
    if alpha < 10:
        assert max(sizes) == math.ceil(examples / clients)
        assert sizes[:-1] == [max(sizes)] * (clients - 1) or examples == 10


@pytest.mark.parametrize("alpha", [0.1, 1, 20])
@pytest.mark.parametrize(("clients", "classes"), [(10, 10), (10, 100), (20, 10)])
def test_shares_against_plain_alternation(alpha, clients, classes):
    log_mix = log_dirichlet(np.random.default_rng(3), max(alpha, 0.5), clients, classes)
    expected = np.exp(log_mix)
    tolerance = min(1, clients / classes, classes / clients) / 1000

    def far(table):
        rows, columns = table.sum(1), table.sum(0)
        if alpha < 10:
            return (rows <= 1 - tolerance).any() or (columns <= clients / classes - tolerance).any()
        off = abs(rows - classes / clients), abs(columns - 1)
        return any((part >= tolerance).any() for part in off)

    while far(expected):
        if alpha < 10:
            expected = expected / expected.sum(0)
            expected = expected / expected.sum(1, keepdims=True)
        else:
            expected = expected / expected.sum(1, keepdims=True)
            expected = expected / expected.sum(0)
    assert balanced_shares(log_mix, alpha) == pytest.approx(expected, rel=1e-9)


def test_passes_against_a_loop():
    rng = np.random.default_rng(4)
    pools = [np.arange(100 * c, 100 * c + size) for c, size in enumerate((31, 8, 60, 1))]
    wanted = rng.integers(0, 9, (5, 4))
    wanted[:, 1] = 0
    left = [list(pool) for pool in pools]
    held = [[] for _ in range(5)]
    for _ in range(100):
        for client in range(5):
            for c in range(4):
                count = min(wanted[client, c], 20 - len(held[client]), len(left[c]))
                held[client] += left[c][:count]
                left[c] = left[c][count:]
    for client in range(5):
        for c in range(4):
            while left[c] and len(held[client]) < 20:
                held[client].append(left[c].pop(0))
    dealt = _deal_in_passes(pools, wanted, 100)
    assert [part.tolist() for part in dealt] == held
