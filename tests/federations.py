"""Small federations for the tests of the training core."""

from dataclasses import replace

import numpy as np
import torch

from fal.data.images import Images
from fal.federated import models
from fal.federated.training import SGD, Cohort

torch.set_num_threads(1)

CLASSES = 3


def make_images(count=60, size=8, channels=1, seed=0, flip=False, crop_padding=0) -> Images:
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(
        256, (count, size, size, channels), generator=generator, dtype=torch.uint8
    )
    mean, std = np.linspace(0.4, 0.6, channels), np.linspace(0.2, 0.3, channels)
    return Images(pixels, mean.tolist(), std.tolist(), flip, crop_padding)


def make_cohort(
    sizes=(10, 10, 10), images=None, sgd=None, model="cnn", norm="batch", device="cpu", **options
) -> Cohort:
    """A cohort of clients with ``sizes`` labeled images; client k has class k most often."""
    images = images or make_images()
    images = replace(images, pixels=images.pixels.to(device))
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(CLASSES, (len(images),), generator=generator)
    examples = list(torch.randperm(len(images), generator=generator)[: sum(sizes)].split(sizes))
    for k, index in enumerate(examples):
        labels[index[: len(index) // 2]] = k % CLASSES
    sgd = sgd or SGD(0.05, epochs=2, batch_size=4)
    options = {"seed": 5, "cycle": 2, **options}
    return Cohort(
        lambda stack, seed: models.build(model, images.shape, CLASSES, norm, seed, stack),
        *(images, labels.to(device), [index.to(device) for index in examples], sgd),
        **options,
    )


def fresh(cohort: Cohort, seed=3):
    return models.read(cohort.build(1, seed).to(cohort.images.device))


def difference(a: models.Weights, b: models.Weights) -> float:
    """Largest difference between two models' weights."""
    return max((a[name] - b[name]).abs().max().item() for name in a)


def equal(a: models.Weights, b: models.Weights) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
