"""The clients of one federated training: their labeled examples and how they train."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fal import storage
from fal.data.dataset import Dataset
from fal.data.images import Images
from fal.data.labeled import Labeled
from fal.errors import InputError
from fal.federated import models, networks
from fal.federated.batches import BatchOrder
from fal.federated.models import Classifier, Stacks, Weights
from fal.federated.options import LocalTraining, idle_clients
from fal.federated.training import (
    GradientCorrection,
    GradientDescent,
    Objective,
    cross_entropy,
    train_epoch,
)
from fal.rng import layers_seeded, seed_for, torch_generator

GPU_LOCKSTEP = 32
CPU_LOCKSTEP = 8
TINY_IMAGE = 100  # pixels

ObjectiveMaker = Callable[["Cohort", list[int], Weights, int], Objective]
"""Makes the loss of a group of clients that train together in a round, given the cohort, the
clients, the weights that they start from (the global [1, ...]) and the round."""


def supervised(cohort: Cohort, clients: list[int], start: Weights, round_index: int) -> Objective:
    """The common objective: cross-entropy on the labeled examples."""
    return cross_entropy


@dataclass(frozen=True, eq=False, kw_only=True)
class Cohort:
    """The clients of one federated training; made once and never changed.

    stacks: the networks that train, whose weights are nobody's between two calls. examples: int64
    per client, the indices of its labeled images. unlabeled: those of its other images, for
    objectives that use them. lockstep: how many clients of equally many examples train together at
    most.

    Clients with fewer than two examples are ``idle``, as a batch of one is never trained on: they
    are asked for no training. Raises InputError if all are.
    """

    stacks: Stacks
    images: Images
    labels: Tensor
    examples: Sequence[Tensor]
    local: LocalTraining
    seed: int
    cycle: int
    lockstep: int = 1
    objective: ObjectiveMaker = supervised
    unlabeled: Sequence[Tensor] | None = None

    def __post_init__(self) -> None:
        if len(self.idle) == len(self.examples):
            raise InputError(
                "no client has more than one labeled image, too few to train on; label at least 2 "
                "per client"
            )

    @cached_property
    def idle(self) -> list[int]:
        """The clients that have too few labeled examples to train on."""
        return idle_clients(map(len, self.examples))

    @property
    def sizes(self) -> Tensor:
        """Number of labeled examples [N] of each client."""
        return torch.tensor([len(examples) for examples in self.examples])

    def initial_weights(self) -> Weights:
        """Weights [1, ...] of the untrained global model that all algorithms start from."""
        return models.read(self.stacks.fresh(1, seed_for(self.seed, "model", cycle=self.cycle)))

    def fresh_weights(self, purpose: str, clients: Sequence[int]) -> Weights:
        """Weights [len(clients), ...] of untrained models, one for each client."""
        seeds = [seed_for(self.seed, purpose, cycle=self.cycle, client=k) for k in clients]
        rows = [models.read(self.stacks.fresh(1, seed)) for seed in seeds]
        return {name: torch.cat([weights[name] for weights in rows]) for name in rows[0]}

    def generators(
        self, purpose: str, clients: Sequence[int], round_index: int = 0
    ) -> list[torch.Generator]:
        """A random generator for each client."""
        return [
            torch_generator(self.seed, purpose, cycle=self.cycle, client=k, round_index=round_index)
            for k in clients
        ]

    def layers_seeded(
        self, purpose: str, group: Sequence[int], round_index: int
    ) -> AbstractContextManager[None]:
        """See ``fal.rng.layers_seeded``; layers that draw are never stacked: groups are of one."""
        where = {"cycle": self.cycle, "client": group[0], "round_index": round_index}
        return layers_seeded(seed_for(self.seed, purpose, **where), self.images.device)

    def groups(self, clients: Sequence[int]) -> list[list[int]]:
        """Clients that train together: up to ``lockstep`` of equal sizes."""
        equals: dict[tuple[int, ...], list[int]] = {}
        for k in clients:
            parts = (self.examples, self.unlabeled or self.examples)
            equals.setdefault(tuple(len(part[k]) for part in parts), []).append(k)
        return [
            equal[len(equal) * i // count : len(equal) * (i + 1) // count]
            for equal in equals.values()
            for count in [-(-len(equal) // self.lockstep)]
            for i in range(count)
        ]

    def train(
        self,
        start: Weights,
        clients: Sequence[int],
        round_index: int,
        learning_rate: float,
        correction: Callable[[list[int]], GradientCorrection | None] = lambda group: None,
    ) -> tuple[Weights, Tensor]:
        """Train ``clients`` for one round.

        start: the global weights [1, ...] that all start from, or [len(clients), ...], each one's.
        correction: makes the gradient correction of a group of clients.

        Returns their local weights [len(clients), ...] and the mean loss [len(clients)] of the last
        epoch, both in the order of ``clients``.
        """
        local: dict[int, Weights] = {}
        losses: dict[int, Tensor] = {}
        place = {k: position for position, k in enumerate(clients)}
        for group in self.groups(clients):
            own = [place[k] for k in group]
            weights, loss = self._train_group(
                {name: w if len(w) == 1 else w[own] for name, w in start.items()},
                group,
                round_index,
                learning_rate,
                correction(group),
            )
            for position, k in enumerate(group):
                local[k], losses[k] = models.row(weights, position), loss[position]
        return (
            {name: torch.cat([local[k][name] for k in clients]) for name in start},
            torch.stack([losses[k] for k in clients]),
        )

    def _train_group(
        self,
        start: Weights,
        group: list[int],
        round_index: int,
        learning_rate: float,
        correction: GradientCorrection | None,
    ) -> tuple[Weights, Tensor]:
        net = self.stacks.get(len(group))
        models.write(net, {name: w.expand(len(group), *w.shape[1:]) for name, w in start.items()})
        order = BatchOrder(
            self.images,
            self.labels,
            torch.stack([self.examples[k] for k in group]),
            self.local.epochs,
            self.local.batch_size,
            self.generators("train", group, round_index),
        )
        objective = self.objective(self, group, start, round_index)
        optimizer = GradientDescent(net, self.local)
        with self.layers_seeded("layers in training", group, round_index):
            for epoch in range(self.local.epochs):
                batches = order.batches(epoch)
                loss = train_epoch(
                    net, optimizer, batches, self.local, learning_rate, objective, correction
                )
        return models.read(net), loss


def lockstep_width(images: Images) -> int:
    """How many clients it pays to train together.

    A small network's step on a GPU is all launch overhead, and so it is on a CPU if the images are
    tiny; larger images fill a CPU, and one client's values stay in its cache.
    """
    if images.device.type != "cpu":
        return GPU_LOCKSTEP
    _, height, width = images.shape
    return CPU_LOCKSTEP if height * width <= TINY_IMAGE else 1


def can_stack(model: Mapping[str, Any], image_shape: tuple[int, int, int]) -> bool:
    """Whether several clients can train a network in lockstep; a user's own is tried."""
    if model["method"] in networks.NETWORKS:
        return True
    return models.stacks_exactly(networks.create(**model), image_shape)


def open_stacks(dataset: Dataset, images: Images, model: Mapping[str, Any]) -> Stacks:
    """Networks for a data set's ``images``, on their device; model: method and options."""
    network = networks.create(**model)
    if model["method"] not in networks.NETWORKS:
        models.check_backbone(network, images.shape, f"network '{model['method']}'")
    return Stacks(partial(_build, network, images.shape, len(dataset.classes)), images.device)


def open_cohort(
    dataset: Dataset,
    partition: str | Path,
    labeled: str | Path,
    model: Mapping[str, Any],
    local: LocalTraining,
    *,
    seed: int,
    cycle: int,
    device: str,
    objective: ObjectiveMaker = supervised,
) -> Cohort:
    """The cohort of all clients with what is labeled of their images.

    partition, labeled: files of the workflow. model: ``method`` and options of the network.
    """
    images, _ = Images.of(dataset, "train", device)
    client = storage.load_array(partition, "client")
    labels = Labeled.open(labeled).labels(len(client))
    is_labeled = labels >= 0

    def indices(wanted: np.ndarray) -> list[Tensor]:
        return [
            torch.from_numpy(np.flatnonzero((client == k) & wanted)).to(device)
            for k in range(client.max() + 1)
        ]

    stacks = open_stacks(dataset, images, model)
    width = lockstep_width(images)
    if width > 1 and not can_stack(model, images.shape):
        width = 1
    return Cohort(
        stacks=stacks,
        images=images,
        labels=torch.from_numpy(labels).to(device),
        examples=indices(is_labeled),
        local=local,
        seed=seed,
        cycle=cycle,
        lockstep=width,
        objective=objective,
        unlabeled=None if objective is supervised else indices(~is_labeled),
    )


def _build(
    network: networks.Network, shape: tuple[int, int, int], num_classes: int, stack: int, seed: int
) -> Classifier:
    return models.build(network, shape, num_classes, seed, stack)
