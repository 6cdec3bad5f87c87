"""What holds for every partition, and what each is for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fal.data import partitions
from fal.data.partitions import PARTITIONS
from fal.data.partitions.base import Partition
from fal.data.partitions.independent import sizes_like
from fal.errors import InputError
from fal.rng import numpy_generator

EASY = {"plain-dirichlet": {"min_partition_size": 1}, "log-normal": {"min_partition_size": 1}}


def divide(name, labels, clients, seed=0, alpha=0.5, **options):
    partition = partitions.create(name, **{**EASY.get(name, {}), **options})
    return partition.divide(labels, clients, seed, alpha if partition.needs_alpha else None)


@pytest.mark.parametrize("name", list(PARTITIONS))
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), clients=st.integers(1, 6), unlabeled=st.integers(0, 20))
def test_every_example_once_and_the_same_for_the_same_seed(name, seed, clients, unlabeled):
    labels = np.random.default_rng(seed).integers(0, 4, 150)
    labels[:unlabeled] = -1
    parts = divide(name, labels, clients, seed)
    assert len(parts) == clients
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(150))
    for part in parts:
        assert part.dtype == np.int64
        assert len(part) and np.all(np.diff(part) > 0)
    again = divide(name, labels, clients, seed)
    assert all(np.array_equal(one, two) for one, two in zip(parts, again, strict=True))
    of_unlabeled = [np.count_nonzero(labels[part] < 0) for part in parts]
    assert max(of_unlabeled) - min(of_unlabeled) <= 1
    if partitions.create(name).equal_sizes:
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("name", ["dirichlet", "iid"])
@pytest.mark.parametrize("unlabeled", [3, 10, 15, 19])
def test_what_is_left_over_of_the_unlabeled_evens_the_sizes(name, unlabeled):
    parts = divide(name, np.repeat([0, 1, -1], [9, 10, unlabeled]), 10)
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(("labeled", "unlabeled"), [(20, 7), (19, 20), (20, 20)])
def test_where_only_one_sort_leaves_something_over_the_first_clients_get_it(labeled, unlabeled):
    parts = divide("iid", np.repeat([0, -1], [labeled, unlabeled]), 10)
    rng = numpy_generator(0, "partition of unlabeled")
    expected = np.array_split(rng.permutation(np.arange(labeled, labeled + unlabeled)), 10)
    for part, own in zip(parts, expected, strict=True):
        assert part[part >= labeled].tolist() == sorted(own)


@pytest.mark.parametrize("name", list(PARTITIONS))
def test_seeds_give_different_partitions(name):
    labels = np.repeat(np.arange(4), 50)
    one, two = (divide(name, labels, 5, seed) for seed in (1, 2))
    assert not all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("name", list(PARTITIONS))
def test_more_clients_than_examples(name):
    with pytest.raises(InputError, match=r"number of training examples \(3\), not 4"):
        divide(name, np.array([0, 1, 0, -1]), 4)


def test_labels_do_not_matter_to_iid():
    labels = np.repeat(np.arange(3), [40, 50, 60])
    parts = divide("iid", labels, 4)
    same = divide("iid", np.zeros(150, dtype=np.int64), 4)
    assert all(np.array_equal(one, two) for one, two in zip(parts, same, strict=True))
    counts = [
        np.bincount(labels[part], minlength=3)
        for seed in range(40)
        for part in divide("iid", labels, 4, seed)
    ]
    assert np.mean(counts, axis=0) == pytest.approx([10, 12.5, 15], abs=0.6)


def test_plain_dirichlet_spreads_a_class_as_dirichlet_draws_do():
    """Kolmogorov-Smirnov against Beta(a, (n-1)a), the law of one share of a Dirichlet draw."""
    clients, alpha = 5, 0.7
    labels = np.repeat(np.arange(20), 2000)
    shares = [
        np.bincount(labels[part], minlength=20)[label] / 2000
        for seed in range(20)
        for part in divide("plain-dirichlet", labels, clients, seed, alpha)[:1]
        for label in range(20)
    ]
    assert stats.kstest(shares, stats.beta(alpha, (clients - 1) * alpha).cdf).pvalue > 0.01


def test_plain_dirichlet_keeps_its_least_size_or_says_why_not():
    labels = np.repeat(np.arange(3), 40)
    for seed in range(20):
        parts = divide("plain-dirichlet", labels, 6, seed, 0.5, min_partition_size=8)
        assert min(map(len, parts)) >= 8
    with pytest.raises(InputError, match=r"gave each of 6 clients 20; lower min_partition_size"):
        divide("plain-dirichlet", labels, 6, 0, 0.1, min_partition_size=20)


def test_self_balancing_makes_sizes_more_even():
    labels = np.repeat(np.arange(20), 100)
    spreads = {
        balancing: np.mean(
            [
                np.ptp([len(p) for p in divide("plain-dirichlet", labels, 10, s, 0.3, **option)])
                for s in range(10)
            ]
        )
        for balancing in (False, True)
        for option in [{"self_balancing": balancing}]
    }
    assert spreads[True] < 0.7 * spreads[False]


@pytest.mark.parametrize("shards", [1, 2, 5])
def test_shards_against_a_loop(shards):
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(10), 20))
    parts = divide("shards", labels, 5, 3, shards_per_client=shards)
    assert [len(part) for part in parts] == [40] * 5
    rng = numpy_generator(3, "partition")
    mixed = rng.permutation(200).tolist()
    by_class = [i for label in range(10) for i in mixed if labels[i] == label]
    size = 200 // (5 * shards)
    order = rng.permutation(5 * shards).tolist()
    for client, part in enumerate(parts):
        own = order[client * shards : (client + 1) * shards]
        expected = sorted(i for s in own for i in by_class[s * size : (s + 1) * size])
        assert part.tolist() == expected
        assert len(np.unique(labels[part])) <= 2 * shards * max(1, 2 // shards)


def test_too_many_shards():
    with pytest.raises(InputError, match="makes 12 shards for 3 clients of 10 images"):
        divide("shards", np.arange(10) % 2, 3, shards_per_client=4)


def test_log_normal_sizes_have_the_sigma_asked_for():
    labels = np.zeros(1_000_000, dtype=np.int64)
    logs = np.log([len(part) for part in divide("log-normal", labels, 1000, 1, sigma=0.8)])
    assert logs.std() == pytest.approx(0.8, abs=0.05)
    assert stats.shapiro(logs[:200]).pvalue > 0.01


@given(
    weights=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=20),
    spare=st.integers(0, 500),
    least=st.integers(1, 5),
)
def test_sizes_like_weights(weights, spare, least):
    total = least * len(weights) + spare
    sizes = sizes_like(np.array(weights), total, least)
    assert sizes.sum() == total
    assert sizes.min() >= least
    for a, b, wa, wb in zip(sizes, sizes[1:], weights, weights[1:], strict=False):
        assert (a - b) * (wa - wb) >= 0 or abs(a - b) <= 1


def test_log_normal_with_too_few_images():
    with pytest.raises(InputError, match="min_partition_size is 3, but 10 images"):
        divide("log-normal", np.zeros(10, dtype=np.int64), 4, min_partition_size=3)


def test_a_partition_of_ones_own(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from dataclasses import dataclass\n"
        "from fal.data.partitions.base import Partition, parts_of_owner\n"
        "import numpy as np\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Turns(Partition):\n"
        "    first: int = 0\n"
        "    def deal(self, labels, clients, alpha, seed):\n"
        "        return parts_of_owner((np.arange(len(labels)) + self.first) % clients, clients)\n"
    )
    parts = divide(f"{file}:Turns", np.array([0, 1, -1, 0, 1, 0]), 2, first=1)
    known = [[i for i in part.tolist() if i != 2] for part in parts]
    assert known == [[1, 4], [0, 3, 5]]
    with pytest.raises(InputError, match="no option 'last'"):
        partitions.create(f"{file}:Turns", last=1)


@pytest.mark.parametrize(
    ("dealt", "reason"),
    [
        ([[0, 1], [1, 2, 3]], "deals 5 and leaves out 0"),
        ([[0, 1], [3]], "deals 3 and leaves out 1"),
        ([[0, 1], [2, 4]], "deals 4 and leaves out 1"),
        ([[0, 1, 2, 3]], "deals 1 parts, but there are 2 clients"),
        ([[0], [1], [2, 3]], "deals 3 parts, but there are 2 clients"),
    ],
)
def test_a_partition_of_ones_own_that_is_none_is_refused(dealt, reason):
    class Own(Partition):
        def deal(self, labels, clients, alpha, seed):
            return [np.array(part) for part in dealt]

    with pytest.raises(InputError, match=f"Own .*{reason}"):
        Own().divide(np.array([0, 1, -1, 0, 1]), 2, 1)
