"""A cohort opened from the workflow's files."""

import numpy as np
import pytest
import torch

from fal import storage
from fal.data.dataset import Dataset
from fal.data.labeled import Labeled
from fal.errors import InputError
from fal.federated import cohort as module
from fal.federated import models
from fal.federated.cohort import lockstep_width, open_cohort, supervised
from fal.federated.distillation import distill
from fal.federated.kcfu import kcfu
from fal.federated.objectives import OBJECTIVES
from fal.federated.options import Distillation, LocalTraining
from federated.cohorts import equal

CLIENT = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2])
LABELED = np.array([0, 3, 4, 7, 5, 8, 11])

OWN_NETWORK = """
from dataclasses import dataclass
from torch import nn
from fal.federated.networks.base import Network


@dataclass(frozen=True, kw_only=True)
class Own(Network):
    def backbone(self, image_shape):
        return {backbone}
"""
LINEAR = "nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU()), 16"
WITH_DROPOUT = "nn.Sequential(nn.Conv2d(1, 16, 8), nn.Dropout(0.5), nn.Flatten()), 16"


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


@pytest.fixture
def own(tmp_path):
    """A function that writes a network of one's own, and returns its name."""

    def write(backbone):
        file = tmp_path / f"own{len(list(tmp_path.glob('own*.py')))}.py"
        file.write_text(OWN_NETWORK.format(backbone=backbone))
        return f"{file}:Own"

    return write


def test_a_network_that_cannot_be_stacked_trains_one_client_at_a_time(opened, own):
    cohort = opened(own(LINEAR))
    assert cohort.lockstep == 1
    start = cohort.initial_weights()
    weights, loss = cohort.train(start, [0, 1, 2], 0, 0.05)
    assert weights["backbone.1.weight"].shape == (3, 16, 64)
    assert loss.isfinite().all()


def test_layers_that_draw_at_random_draw_by_seed_round_and_client(opened, own):
    method = own(WITH_DROPOUT)
    state = torch.get_rng_state()
    start = opened(method).initial_weights()

    def train(clients, round_index=0, **more):
        return opened(method, **more).train(start, clients, round_index, 0.05)[0]

    first = train([0, 1, 2])
    assert equal(train([0, 1, 2]), first)
    assert equal(train([2]), models.row(first, 2))
    assert equal(train([1, 0, 2]), {name: w[[1, 0, 2]] for name, w in first.items()})
    assert torch.equal(torch.get_rng_state(), state)

    def drawn(client=0, round_index=0, **more):
        with opened(**more).layers_seeded("layers in training", [client], round_index):
            return torch.rand(4)

    assert torch.equal(drawn(), drawn())
    for change in ({"client": 1}, {"round_index": 1}, {"seed": 5}, {"cycle": 2}):
        assert not torch.equal(drawn(), drawn(**change))


def test_a_distilled_model_with_dropout_is_the_same_every_time(opened, own):
    method, options = own(WITH_DROPOUT), Distillation(epochs=3, patience=3, batch_size=2)
    teacher = opened(method).initial_weights()
    first, _ = distill(opened(method), teacher, range(3), options)
    assert equal(distill(opened(method), teacher, range(3), options)[0], first)


@pytest.mark.parametrize(
    ("backbone", "sentence"),
    [
        ("nn.Flatten()", "backbone returned Flatten, but must return a module and the number of"),
        ("(nn.Flatten(), 63)", r"features \[2, 64\] of images \[2, 1, 8, 8\], but .* \[2, 63\]"),
        (
            "(nn.Sequential(nn.BatchNorm2d(1, momentum=None), nn.Flatten()), 64)",
            "'0' counts the batch",
        ),
        ("(nn.Linear(9, 9), 9)", r"fails on images \[2, 1, 8, 8\]: RuntimeError: mat1 and mat2"),
    ],
)
def test_a_backbone_that_does_not_fit_is_told(opened, own, backbone, sentence):
    method = own(backbone)
    with pytest.raises(InputError, match=sentence) as error:
        opened(method)
    assert str(error.value).startswith(f"network '{method}': backbone")


def test_the_project_s_own_networks_are_not_tried_out(opened, monkeypatch):
    monkeypatch.setattr(module.models, "stacks_exactly", None)
    assert opened("resnet18").lockstep > 1


def test_initial_weights_depend_on_seed_and_cycle_alone(opened):
    first, again = opened().initial_weights(), opened(objective=kcfu).initial_weights()
    assert all(torch.equal(first[name], again[name]) for name in first)
    for change in ({"seed": 5}, {"cycle": 2}):
        other = opened(**change).initial_weights()
        assert not torch.equal(first["head.weight"], other["head.weight"])
