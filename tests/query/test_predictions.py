"""Which classes models predict for a client: against loops over images and arrows."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fal.outputs import Outputs
from fal.query.pool import Pool
from fal.query.predictions import class_predictions


def pools(clients, labeled=4, unlabeled=9, classes=3):
    random = torch.Generator().manual_seed(0)
    for client in range(clients):
        outputs = {
            role: Outputs(
                torch.randn(labeled + unlabeled, 5, generator=random),
                torch.randn(labeled + unlabeled, classes, generator=random),
            )
            for role in ("local", "global")
        }
        labels = torch.randint(classes, (labeled,), generator=random).numpy()
        yield Pool(client, 0, classes, np.arange(unlabeled), labels, outputs)


def slow_structure(pool, role, k, smoothing):
    """The mean structural probability, arrow by arrow."""
    out = pool.outputs[role]
    senders = [*pool.labels, *out.logits[len(pool.labels) :].argmax(1).tolist()]
    unit = out.features / out.features.norm(dim=1, keepdim=True)
    counts = np.full((pool.size, pool.num_classes), smoothing, dtype=float)
    for i, label in enumerate(senders):
        near = [
            (float(unit[i] @ unit[len(pool.labels) + j]), j)
            for j in range(pool.size)
            if i != len(pool.labels) + j
        ]
        for _, j in sorted(near, reverse=True)[:k]:
            counts[j, label] += 1
    return (counts / counts.sum(1, keepdims=True)).mean(0)


def test_shares_are_those_of_slow_loops():
    every = list(pools(3))
    table = class_predictions(every, k=4, smoothing=1.0).set_index(["client", "model", "source"])
    assert len(table) == 3 * 2 * 3
    everybody = np.concatenate([pool.labels for pool in every])
    for pool in every:
        for role in ("local", "global"):
            logits = pool.outputs[role].logits[len(pool.labels) :]
            softmax = [np.exp(row) / np.exp(row).sum() for row in logits.numpy()]
            own = pool.labels if role == "local" else everybody
            expected = {
                "learning-based": np.mean(softmax, axis=0),
                "structural": slow_structure(pool, role, 4, 1.0),
                "training": np.bincount(own, minlength=3) / len(own),
            }
            for source, shares in expected.items():
                found = table.loc[(pool.client, role, source)]
                np.testing.assert_allclose(found, shares, atol=1e-6, err_msg=f"{role} {source}")
    np.testing.assert_allclose(table.sum(axis=1), 1)


def test_who_has_nothing_to_predict_or_no_label_gets_no_numbers():
    (some,), (without_pool,), (without_labels,) = (
        pools(1),
        pools(1, unlabeled=0),
        pools(1, labeled=0),
    )
    every = [some, replace(without_pool, client=1), replace(without_labels, client=2)]
    table = class_predictions(every, k=4, smoothing=1.0)
    empty = table[table.isna().any(axis=1)]
    assert empty.iloc[:, :3].to_numpy().tolist() == [
        [1, "global", "learning-based"],
        [1, "global", "structural"],
        [1, "local", "learning-based"],
        [1, "local", "structural"],
        [2, "local", "training"],
    ]


def test_smoothing_counts():
    few = class_predictions(pools(1), k=1, smoothing=0.0)
    many = class_predictions(pools(1), k=1, smoothing=1e6)
    structural = many[many["source"] == "structural"].iloc[:, 3:]
    np.testing.assert_allclose(structural, 1 / 3, atol=1e-4)
    assert not np.allclose(few[few["source"] == "structural"].iloc[:, 3:], 1 / 3, atol=1e-2)


def test_a_client_alone_has_the_labels_of_all():
    table = class_predictions(pools(1), k=0.5, smoothing=1.0)
    training = table[table["source"] == "training"].iloc[:, 3:].to_numpy()
    assert training[0] == pytest.approx(training[1])
