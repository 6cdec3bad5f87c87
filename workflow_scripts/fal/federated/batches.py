"""The order in which clients that train together visit their examples, and the batches it gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fal.data.augmentation import Augmentation
from fal.data.images import Images
from fal.federated.options import steps_per_epoch


@dataclass(frozen=True)
class Batch:
    """images [B, S*C, H, W]; labels [B, S] or None; position [B, S] in each client's examples."""

    images: Tensor
    labels: Tensor | None
    position: Tensor
    augmentation: Augmentation


class BatchOrder:
    """The order in which S clients of equally many examples visit them, and the augmentation.

    Both are drawn at once for all epochs and kept on the device of the images.

    examples: int64 [S, n], indices into ``images``. labels: int64, one for each of the images, or
    None. generators: one per client.
    """

    def __init__(
        self,
        images: Images,
        labels: Tensor | None,
        examples: Tensor,
        epochs: int,
        batch_size: int,
        generators: Sequence[torch.Generator],
    ):
        self.images, self.labels = images, labels
        self.epochs, self.batch_size = epochs, batch_size
        n = examples.shape[1]
        orders, draws = [], []
        for generator in generators:
            orders.append(
                torch.stack([torch.randperm(n, generator=generator) for _ in range(epochs)])
            )
            draws.append(images.draw_augmentation((epochs, n), generator))
        device = images.device
        self.position = torch.stack(orders, dim=2).to(device)
        self.augmentation = Augmentation.stack(draws, dim=2).to(device)
        clients = torch.arange(len(generators), device=device)
        self.index = examples[clients, self.position]

    def batches(self, epoch: int) -> Iterator[Batch]:
        """The batches of an epoch, counted from 0."""
        for step in range(steps_per_epoch(self.index.shape[1], self.batch_size)):
            start = step * self.batch_size
            where = (epoch, slice(start, start + self.batch_size))
            index, augmentation = self.index[where], self.augmentation[where]
            yield Batch(
                images=self.images.batch(index, augmentation),
                labels=None if self.labels is None else self.labels[index],
                position=self.position[where],
                augmentation=augmentation,
            )
