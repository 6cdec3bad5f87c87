"""A cohort opened from the workflow's files."""

import numpy as np
import pytest
import torch

from fal import storage
from fal.data.dataset import Dataset
from fal.data.labeled import Labeled
from fal.federated import cohort as module
from fal.federated.cohort import lockstep_width, open_cohort, supervised
from fal.federated.kcfu import kcfu
from fal.federated.objectives import OBJECTIVES
from fal.federated.options import LocalTraining

CLIENT = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2])
LABELED = np.array([0, 3, 4, 7, 5, 8, 11])

LINEAR = """
from dataclasses import dataclass
from torch import nn
from fal.federated.networks.base import Network


@dataclass(frozen=True, kw_only=True)
class Linear(Network):
    def backbone(self, image_shape):
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU()), 16
"""


@pytest.fixture
def opened(tmp_path):
    """A function that opens the cohort of a small data set with a network."""
    rng = np.random.default_rng(0)
    dataset = Dataset(
        name="small",
        train_images=rng.integers(256, size=(12, 8, 8, 1), dtype=np.uint8),
        train_labels=rng.integers(3, size=12),
        test_images=rng.integers(256, size=(4, 8, 8, 1), dtype=np.uint8),
        test_labels=rng.integers(3, size=4),
        classes=["a", "b", "c"],
        mean=[0.5],
        std=[0.3],
        flip=False,
        crop_padding=0,
    )
    dataset.save(tmp_path / "data")
    storage.save_array(tmp_path / "partition.npz", client=CLIENT)
    labeled = np.array(LABELED)
    answers = dataset.train_labels[labeled]
    Labeled.of(labeled, answers, np.array(CLIENT)).save(tmp_path / "labeled.npz")

    def open_(method="cnn", **more):
        return open_cohort(
            Dataset.open(tmp_path / "data"),
            tmp_path / "partition.npz",
            tmp_path / "labeled.npz",
            {"method": method, "norm": "batch"},
            LocalTraining(epochs=2, batch_size=2),
            **{"seed": 4, "cycle": 1, "device": "cpu", **more},
        )

    return open_


def test_clients_have_their_labeled_examples(opened):
    cohort = opened()
    assert [examples.tolist() for examples in cohort.examples] == [[0, 3], [4, 7], [5, 8, 11]]
    assert cohort.sizes.tolist() == [2, 2, 3]
    assert cohort.unlabeled is None
    assert (cohort.seed, cohort.cycle, cohort.objective) == (4, 1, supervised)
    assert cohort.lockstep == lockstep_width(cohort.images) > 1


def test_an_objective_that_uses_them_gets_the_unlabeled_examples(opened):
    cohort = opened(objective=OBJECTIVES["kcfu"])
    assert cohort.objective is kcfu
    assert [index.tolist() for index in cohort.unlabeled] == [[6, 9], [1, 10], [2]]


def test_a_network_that_cannot_be_stacked_trains_one_client_at_a_time(opened, tmp_path):
    (tmp_path / "own.py").write_text(LINEAR)
    cohort = opened(f"{tmp_path}/own.py:Linear")
    assert cohort.lockstep == 1
    start = cohort.initial_weights()
    weights, loss = cohort.train(start, [0, 1, 2], 0, 0.05)
    assert weights["backbone.1.weight"].shape == (3, 16, 64)
    assert loss.isfinite().all()


def test_the_project_s_own_networks_are_not_tried_out(opened, monkeypatch):
    monkeypatch.setattr(module.models, "stacks_exactly", None)
    assert opened("resnet18").lockstep > 1


def test_initial_weights_depend_on_seed_and_cycle_alone(opened):
    first, again = opened().initial_weights(), opened(objective=kcfu).initial_weights()
    assert all(torch.equal(first[name], again[name]) for name in first)
    for change in ({"seed": 5}, {"cycle": 2}):
        other = opened(**change).initial_weights()
        assert not torch.equal(first["head.weight"], other["head.weight"])
