"""What trained models give for images: features, logits, accuracy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fal import storage
from fal.data.dataset import Dataset
from fal.data.images import Images
from fal.federated import models
from fal.federated.cohort import open_stacks
from fal.federated.models import Classifier, Weights
from fal.outputs import Outputs


@torch.no_grad()
def _forward(
    net: Classifier, images: Images, index: Tensor, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    net.eval()
    for part in index.split(batch_size):
        features = net.backbone(images.batch(part[:, None]))
        yield features, net.head(features)[:, 0]


def outputs(net: Classifier, images: Images, index: Tensor, batch_size: int = 64) -> Outputs:
    """Features [n, D] and logits [n, C] of a single model (a stack of one) for ``index`` [n]."""
    features, logits = zip(*_forward(net, images, index, batch_size), strict=True)
    return Outputs(torch.cat(features), torch.cat(logits))


def outputs_of_clients(
    net: Classifier,
    weights: Weights,
    images: Images,
    client: np.ndarray,
    batch_size: int = 64,
) -> Outputs:
    """Features and logits for the examples of all clients, one client after another.

    net: a stack of one, which takes one model's weights after another. weights: [N, ...], a model
    for each client, or [1, ...], one for all. client: int64 [len(images)], whose an example is.
    """
    parts = []
    num_models = len(next(iter(weights.values())))
    for k in range(client.max() + 1):
        index = torch.from_numpy(np.flatnonzero(client == k)).to(images.device)
        models.write(net, models.row(weights, k % num_models))
        parts.append(outputs(net, images, index, batch_size))
    return Outputs(torch.cat([p.features for p in parts]), torch.cat([p.logits for p in parts]))


def open_outputs(
    dataset: Dataset,
    client: np.ndarray,
    model: Mapping[str, Any],
    weights: Mapping[str, str | Path],
    device: str,
    batch_size: int = 64,
) -> dict[str, Outputs]:
    """What the models of each role give for all training images, one client after another.

    client: int64 [N], whose an image is. model: ``method`` and options of the network. weights: the
    models' file of each role.
    """
    images, _ = Images.of(dataset, "train", device)
    net = open_stacks(dataset, images, model).get(1)
    return {
        role: outputs_of_clients(
            net, storage.load_tensors(path, device), images, client, batch_size
        )
        for role, path in weights.items()
    }


def predictions(net: Classifier, images: Images, batch_size: int = 64) -> Tensor:
    """The most likely class, int64 [n], of each image."""
    everything = torch.arange(len(images), device=images.device)
    batches = _forward(net, images, everything, batch_size)
    return torch.cat([logits.argmax(1) for _, logits in batches])


def predictions_of_models(
    net: Classifier, weights: Weights, images: Images, batch_size: int = 64
) -> Tensor:
    """``predictions`` [M, n] of each of the models ``weights`` [M, ...]; net: a stack of one."""
    count = len(next(iter(weights.values())))
    nets = (models.write(net, models.row(weights, k)) for k in range(count))
    return torch.stack([predictions(net, images, batch_size) for net in nets])


def accuracy(
    net: Classifier, weights: Weights, images: Images, labels: Tensor, batch_size: int = 64
) -> float:
    """Share of ``images`` that are classified as ``labels`` [n], in percent.

    net: a stack of one. weights: [M, ...]; of several models, the mean of their shares.
    """
    correct = predictions_of_models(net, weights, images, batch_size) == labels
    return 100 * float(correct.sum()) / correct.numel()
