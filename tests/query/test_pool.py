"""Pools: what belongs to whom, and no hidden label."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fal.data.dataset import Dataset
from fal.data.labeled import Labeled
from fal.data.partition import split_clients
from fal.errors import InputError
from fal.outputs import Outputs
from fal.query.pool import Pool, build_pools, open_pools


def make_pool(**changes):
    rng = torch.Generator().manual_seed(0)
    outputs = {
        role: Outputs(torch.randn(7, 4, generator=rng), torch.randn(7, 3, generator=rng))
        for role in ("global", "local")
    }
    fields = {
        "client": 2,
        "cycle": 1,
        "num_classes": 3,
        "index": np.array([4, 8, 9, 11, 30]),
        "labels": np.array([2, 0]),
        "outputs": outputs,
    }
    return Pool(**{**fields, **changes})


def test_a_pool_divides_outputs_into_labeled_and_unlabeled():
    pool = make_pool()
    whole = pool.outputs["local"]
    assert (pool.size, pool.num_labeled) == (5, 2)
    assert torch.equal(pool.labeled_features("local"), whole.features[:2])
    assert torch.equal(pool.features("local"), whole.features[2:])
    assert torch.equal(pool.all_features("local"), whole.features)
    assert torch.equal(pool.logits("local"), whole.logits[2:])


def test_probabilities_and_pseudo_labels_are_of_the_unlabeled():
    pool = make_pool()
    logits = pool.outputs["global"].logits[2:]
    expected = logits.exp() / logits.exp().sum(1, keepdim=True)
    torch.testing.assert_close(pool.probabilities("global"), expected)
    assert pool.pseudo_labels("global").tolist() == [
        max(range(3), key=r.tolist().__getitem__) for r in logits
    ]
    both = pool.labels_with_pseudo("global")
    assert both.tolist() == [2, 0, *pool.pseudo_labels("global").tolist()]
    assert both.dtype == torch.int64


@pytest.mark.parametrize("name", ["features", "logits"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_diverged_outputs_are_told(name, value):
    outputs = make_pool().outputs
    getattr(outputs["local"], name)[3, 1] = value
    with pytest.raises(InputError, match=f"client 2, cycle 1: the local model's {name}"):
        make_pool(outputs=outputs)


class Oracle(np.ndarray):
    """Labels that remember which of them were read."""

    def __getitem__(self, key):
        READ.update(np.atleast_1d(np.asarray(key)).tolist())
        return np.asarray(self)[key]


READ: set[int] = set()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(1, 40), st.integers(0, 10**6))
def test_pools_equal_a_slow_version_and_read_no_hidden_label(clients, size, seed):
    rng = np.random.default_rng(seed)
    client = rng.integers(clients, size=size)
    client[0] = clients - 1
    labels = rng.integers(0, 3, size)
    ordered = [i for k in range(clients) for i in range(size) if client[i] == k]
    known = sorted(i for i in ordered if rng.random() < 0.4)
    values = torch.tensor(ordered).float()[:, None]
    outputs = Outputs(values, 2 * values)
    READ.clear()
    pools = list(
        build_pools(client, np.array(known, int), labels.view(Oracle), 3, 5, {"global": outputs})
    )
    assert not READ - set(known)
    assert [pool.client for pool in pools] == list(range(clients))
    for k, pool in enumerate(pools):
        mine = [i for i in range(size) if client[i] == k]
        labeled = [i for i in mine if i in known]
        unlabeled = [i for i in mine if i not in known]
        assert pool.index.tolist() == unlabeled
        assert pool.labels.tolist() == [labels[i] for i in labeled]
        assert type(pool.labels) is np.ndarray
        assert pool.all_features("global")[:, 0].tolist() == labeled + unlabeled
        assert pool.logits("global")[:, 0].tolist() == [2 * i for i in unlabeled]
        assert pool.cycle == 5


def test_splitting_puts_the_labeled_first():
    client = np.array([1, 0, 2, 1, 0, 1])
    labeled = np.array([False, True, True, True, False, False])
    parts = {k: index.tolist() for k, index in split_clients(client, labeled)}
    assert parts == {0: [1, 4], 1: [3, 0, 5], 2: [2]}


def test_a_pool_can_do_without_outputs():
    pool = make_pool(outputs={})
    assert pool.size == 5


def test_pools_of_a_data_set():
    client, labels = np.array([1, 0, 0, 1, 1]), np.array([2, 0, 1, 1, 0])
    dataset = Dataset(
        name="made-up",
        train_images=np.zeros((5, 4, 4, 1), np.uint8),
        train_labels=labels,
        test_images=np.zeros((1, 4, 4, 1), np.uint8),
        test_labels=np.zeros(1, np.int64),
        classes=["a", "b", "c"],
        mean=[0.5],
        std=[0.5],
        flip=False,
        crop_padding=0,
    )
    outputs = {"global": Outputs(torch.rand(5, 2), torch.rand(5, 3))}
    labeled = Labeled.of(np.array([1, 4]), labels[[1, 4]], client)
    first, second = open_pools(dataset, client, labeled, 3, outputs)
    assert (first.index.tolist(), second.index.tolist()) == ([2], [0, 3])
    assert (first.labels.tolist(), second.labels.tolist()) == ([0], [0])
    assert first.num_classes == second.num_classes == first.cycle == second.cycle == 3
