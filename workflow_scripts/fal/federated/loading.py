"""Turn the files that a step is given into the library's objects."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from fal import storage
from fal.data.datasets import Dataset
from fal.data.images import Images
from fal.data.partition import split_clients
from fal.federated import models
from fal.federated.kcfu import kcfu
from fal.federated.training import SGD, Cohort, lockstep_width


def open_split(dataset: Dataset, split: str, device: str) -> tuple[Images, torch.Tensor]:
    """The images and labels of the ``train`` or ``test`` split, on the device."""
    pixels = torch.from_numpy(getattr(dataset, f"{split}_images")).to(device)
    labels = torch.from_numpy(np.asarray(getattr(dataset, f"{split}_labels"))).to(device)
    images = Images(pixels, dataset.mean, dataset.std, dataset.flip, dataset.crop_padding)
    return images, labels


def pick(options: Mapping, *names: str) -> dict:
    """The options of these names."""
    return {name: options[name] for name in names}


def open_federation(job, device: str, sgd: SGD | None = None) -> SimpleNamespace:
    """The clients as a train, distill or extract step sees them.

    Reads the inputs dataset, partition and labeled of the job. Returns dataset, images, client
    (int64 [N]), labeled (bool [N]) and the cohort of all clients with their labeled examples.
    """
    dataset = Dataset.open(Path(job.input.dataset).parent)
    images, labels = open_split(dataset, "train", device)
    client = storage.load_array(job.input.partition, "client")
    labeled = np.zeros(len(client), dtype=bool)
    labeled[storage.load_array(job.input.labeled, "index")] = True
    clients = [index for _, index in split_clients(client, labeled)]
    options = dict(job.params.model)
    build = partial(_build, options.pop("method"), images.shape, len(dataset.classes), options)
    cohort = Cohort(
        build=build,
        images=images,
        labels=labels,
        examples=[torch.from_numpy(index[labeled[index]]).to(device) for index in clients],
        sgd=sgd,
        seed=int(job.wildcards.seed),
        cycle=int(job.wildcards.cycle),
        lockstep=lockstep_width(images),
    )
    if job.params.get("loss") == "kcfu":
        cohort.objective = kcfu
        cohort.unlabeled = [
            torch.from_numpy(index[~labeled[index]]).to(device) for index in clients
        ]
    return SimpleNamespace(
        dataset=dataset, images=images, client=client, labeled=labeled, cohort=cohort
    )


def _build(name: str, shape: tuple, num_classes: int, options: dict, stack: int, seed: int):
    return models.build(name, shape, num_classes, **options, stack=stack, seed=seed)
