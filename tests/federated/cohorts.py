"""Small cohorts for the tests of the training core."""

from collections.abc import Callable
from dataclasses import replace

import torch

from data.torch_images import make_images
from fal.federated import models, networks
from fal.federated.algorithms import Algorithm
from fal.federated.cohort import Cohort
from fal.federated.models import Classifier, Stacks
from fal.federated.options import LocalTraining, Training
from fal.federated.rounds import train_rounds

CLASSES = 3


def builder(network, image_shape, num_classes=CLASSES) -> Callable[[int, int], Classifier]:
    """Makes stacks of a size from a seed."""
    return lambda stack, seed: models.build(network, image_shape, num_classes, seed, stack)


def build(name, image_shape, num_classes=CLASSES, norm="batch", seed=0, stack=1) -> Classifier:
    """A classifier of a registered network; norm: for those that have one."""
    options = {"norm": norm} if "norm" in networks.NETWORKS.options_of(name) else {}
    return models.build(networks.create(name, **options), image_shape, num_classes, seed, stack)


def make_cohort(
    sizes=(10, 10, 10),
    images=None,
    local=None,
    network="cnn",
    norm="batch",
    device="cpu",
    **options,
) -> Cohort:
    """A cohort of clients with ``sizes`` labeled images; client k has class k most often."""
    images = images or make_images()
    images = replace(images, pixels=images.pixels.to(device))
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(CLASSES, (len(images),), generator=generator)
    examples = list(torch.randperm(len(images), generator=generator)[: sum(sizes)].split(sizes))
    for k, index in enumerate(examples):
        labels[index[: len(index) // 2]] = k % CLASSES
    made = networks.create(network, norm=norm) if isinstance(network, str) else network
    return Cohort(
        stacks=Stacks(builder(made, images.shape), device),
        images=images,
        labels=labels.to(device),
        examples=[index.to(device) for index in examples],
        local=local or LocalTraining(epochs=2, batch_size=4),
        **{"seed": 5, "cycle": 2, **options},
    )


def fresh(cohort: Cohort, seed=3) -> models.Weights:
    """Weights of an untrained model."""
    return models.read(cohort.stacks.fresh(1, seed))


def network_of(cohort: Cohort, weights: models.Weights) -> Classifier:
    """A network of its own with these weights."""
    return models.write(cohort.stacks.fresh(1, 0), weights)


def train(algorithm: Algorithm, cohort: Cohort, rounds=2, learning_rate=0.05, **more):
    """State and history of a training that is never tested."""
    training = Training(rounds=rounds, learning_rate=learning_rate)
    return train_rounds(algorithm, cohort, training, fresh(cohort), lambda weights: 0.0, **more)


def difference(a: models.Weights, b: models.Weights) -> float:
    """Largest difference between two models' weights."""
    return max((a[name] - b[name]).abs().max().item() for name in a)


def equal(a: models.Weights, b: models.Weights) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


class Killed(Exception):
    pass


class KilledAfter:
    """A progress that ends a training after so many rounds or epochs, as a kill would."""

    def __init__(self, updates: int):
        self.left = updates

    def __call__(self, unit, total, done):
        return self

    def update(self, done, **numbers):
        self.left -= 1
        if not self.left:
            raise Killed

    def close(self):
        pass
