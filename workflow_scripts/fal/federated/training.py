"""Local training: stochastic gradient descent of one client, or of several in lockstep."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from fal.data.images import Augmentation, Images
from fal.errors import InputError
from fal.federated import models
from fal.federated.models import Classifier, Weights
from fal.rng import seed_for, torch_generator

GPU_LOCKSTEP = 32
CPU_LOCKSTEP = 8
TINY_IMAGE = 100  # pixels

Objective = Callable[[Classifier, "Batch"], Tensor]
"""Gives the loss [S] of each network of a stack on its part of a batch."""

GradientHook = Callable[[dict[str, Tensor]], None]
"""Changes the gradients of the parameters, given by name, in place."""


@dataclass(frozen=True)
class SGD:
    """One client's share of a round: ``epochs`` passes in batches of ``batch_size``.

    precision: float32, or bf16 for automatic mixed precision.
    """

    learning_rate: float
    epochs: int = 1
    batch_size: int = 64
    momentum: float = 0.9
    weight_decay: float = 1e-5
    precision: str = "float32"


@dataclass(frozen=True)
class Batch:
    """images [B, S*C, H, W]; labels [B, S] or None; position [B, S] in each client's examples."""

    images: Tensor
    labels: Tensor | None
    position: Tensor
    augmentation: Augmentation


def cross_entropy(net: Classifier, batch: Batch) -> Tensor:
    """Mean cross-entropy [S] of each network of the stack on its own examples."""
    return cross_entropy_of(net(batch.images), batch.labels)


def cross_entropy_of(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy [S] of logits [B, S, C] against labels [B, S]."""
    return F.cross_entropy(logits.transpose(1, 2).float(), labels, reduction="none").mean(0)


def num_steps(examples: int, epochs: int, batch_size: int) -> int:
    """SGD steps in ``epochs`` passes; a last batch of one example, on which batch norm cannot
    train, is left out."""
    full, rest = divmod(examples, batch_size)
    return epochs * (full + (rest > 1))


def decay(step: int, steps: int, after: float, factor: float) -> float:
    """1 in the first ``after * steps`` of ``steps`` rounds or epochs, then ``factor``."""
    return 1.0 if step < after * steps else factor


class Plan:
    """The order in which S clients of equally many examples visit them, and the augmentation.

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
        self.images, self.labels, self.batch_size = images, labels, batch_size
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

    def epochs(self) -> Iterator[Iterator[Batch]]:
        return (self._batches(epoch) for epoch in range(len(self.index)))

    def _batches(self, epoch: int) -> Iterator[Batch]:
        for step in range(num_steps(self.index.shape[1], 1, self.batch_size)):
            start = step * self.batch_size
            where = (epoch, slice(start, start + self.batch_size))
            index, augmentation = self.index[where], self.augmentation[where]
            yield Batch(
                images=self.images.batch(index, augmentation),
                labels=None if self.labels is None else self.labels[index],
                position=self.position[where],
                augmentation=augmentation,
            )


def train(
    net: Classifier,
    plan: Plan,
    sgd: SGD,
    objective: Objective = cross_entropy,
    hook: GradientHook | None = None,
    schedule: Callable[[int], float] = lambda epoch: 1.0,
) -> Iterator[Tensor]:
    """Train the stack in place along ``plan``; yield after each epoch the mean loss [S].

    The momentum starts at zero. ``schedule`` gives the factor of the learning rate in an epoch.
    """
    net.train()
    parameters = dict(net.named_parameters())
    optimizer = torch.optim.SGD(
        net.parameters(), sgd.learning_rate, sgd.momentum, weight_decay=sgd.weight_decay, fused=True
    )
    device = plan.images.device.type
    for epoch, batches in enumerate(plan.epochs()):
        optimizer.param_groups[0]["lr"] = sgd.learning_rate * schedule(epoch)
        total, count = 0, 0
        for batch in batches:
            with torch.autocast(device, torch.bfloat16, enabled=sgd.precision == "bf16"):
                losses = objective(net, batch)
            optimizer.zero_grad()
            losses.sum().backward()
            if hook:
                hook(parameters)
            optimizer.step()
            total = total + losses.detach() * len(batch.position)
            count += len(batch.position)
        yield total / count


def lockstep_width(images: Images) -> int:
    """How many clients it pays to train together.

    A small network's step on a GPU is all launch overhead, and so it is on a CPU if the images are
    tiny; larger images fill a CPU, and one client's values stay in its cache.
    """
    if images.device.type != "cpu":
        return GPU_LOCKSTEP
    _, height, width = images.shape
    return CPU_LOCKSTEP if height * width <= TINY_IMAGE else 1


ObjectiveMaker = Callable[["Cohort", list[int], Weights, int], Objective]
"""Makes the loss of a group of clients that train together in a round, given the cohort, the
clients, the global weights [1, ...] that they start from and the round."""


def supervised(cohort: "Cohort", clients: list[int], start: Weights, round: int) -> Objective:
    """The common objective: cross-entropy on the labeled examples."""
    return cross_entropy


@dataclass
class Cohort:
    """The clients of one federated training: their labeled examples and how they train.

    build: makes an untrained stack of the given size from a seed. examples: int64 per client, the
    indices of its labeled images. unlabeled: those of its other images, for objectives that use
    them. lockstep: how many clients of equally many examples train together at most.

    Raises InputError if a client has fewer than two examples, on which batch norm cannot train.
    """

    build: Callable[[int, int], Classifier]
    images: Images
    labels: Tensor
    examples: list[Tensor]
    sgd: SGD
    seed: int
    cycle: int
    lockstep: int = 1
    objective: ObjectiveMaker = supervised
    unlabeled: list[Tensor] | None = None

    def __post_init__(self):
        self._stacks: dict[tuple[int, str], Classifier] = {}
        for k, examples in enumerate(self.examples):
            if len(examples) < 2:
                raise InputError(
                    f"client {k} has {len(examples)} labeled image(s), too few to train on; "
                    "label at least 2 per client"
                )

    @property
    def sizes(self) -> Tensor:
        """Number of labeled examples [N] of each client."""
        return torch.tensor([len(examples) for examples in self.examples])

    def stack(self, size: int, purpose: str = "train") -> Classifier:
        """A stack of ``size`` networks with weights from whoever used it last for ``purpose``."""
        key = size, purpose
        if key not in self._stacks:
            self._stacks[key] = self.build(size, 0).to(self.images.device)
        return self._stacks[key]

    def fresh_weights(self, purpose: str, clients: Sequence[int]) -> Weights:
        """Weights [len(clients), ...] of untrained models, one for each client."""
        nets = [
            self.build(1, seed_for(self.seed, purpose, cycle=self.cycle, client=k)) for k in clients
        ]
        rows = [models.read(net) for net in nets]
        return {
            name: torch.cat([weights[name] for weights in rows]).to(self.images.device)
            for name in rows[0]
        }

    def generators(
        self, purpose: str, clients: Sequence[int], round: int = 0
    ) -> list[torch.Generator]:
        """A random generator for each client."""
        return [
            torch_generator(self.seed, purpose, cycle=self.cycle, client=k, round=round)
            for k in clients
        ]

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
        round: int,
        learning_rate: float,
        hook: Callable[[list[int]], GradientHook] | None = None,
    ) -> tuple[Weights, Tensor]:
        """Train ``clients`` from the global weights ``start`` [1, ...] for one round.

        hook: makes the gradient hook for a group of clients.
        Returns their weights [len(clients), ...] and the mean loss [len(clients)] of the last
        epoch, both in the order of ``clients``.
        """
        ends: dict[int, Weights] = {}
        losses: dict[int, Tensor] = {}
        for group in self.groups(clients):
            net = self.stack(len(group))
            models.write(
                net, {name: w.expand(len(group), *w.shape[1:]) for name, w in start.items()}
            )
            sgd = replace(self.sgd, learning_rate=learning_rate)
            examples = torch.stack([self.examples[k] for k in group])
            generators = self.generators("train", group, round)
            plan = Plan(self.images, self.labels, examples, sgd.epochs, sgd.batch_size, generators)
            objective = self.objective(self, group, start, round)
            *_, loss = train(net, plan, sgd, objective, hook(group) if hook else None)
            weights = models.read(net)
            for position, k in enumerate(group):
                ends[k], losses[k] = models.row(weights, position), loss[position]
        return (
            {name: torch.cat([ends[k][name] for k in clients]) for name in start},
            torch.stack([losses[k] for k in clients]),
        )
