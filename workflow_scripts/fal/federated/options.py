"""The sections of the configuration that say how models are trained.

Cheap to import: torch is not among the imports.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

from fal.data.sampling import round_half_up
from fal.options import Options
from fal.rng import numpy_generator

LEAST_EXAMPLES = 2
"""Labeled examples that a client needs in order to train."""

Share = Annotated[float, Gt(0), Le(1)]
Precision = Literal["float32", "bf16"]


@dataclass(frozen=True, kw_only=True)
class LocalTraining:
    """Gradient descent of one client: ``epochs`` passes in batches of ``batch_size``.

    precision: float32, or bf16 for automatic mixed precision.
    """

    epochs: int = 1
    batch_size: int = 64
    momentum: float = 0.9
    weight_decay: float = 1e-5
    precision: Precision = "float32"

    def num_steps(self, examples: int) -> int:
        """Gradient steps that a client with so many examples takes."""
        return self.epochs * steps_per_epoch(examples, self.batch_size)


@dataclass(frozen=True, kw_only=True)
class Training(Options):
    """Federated training in each cycle, from a fresh model."""

    rounds: Annotated[int, Ge(1)] = 10
    """Communication rounds."""

    local_epochs: Annotated[int, Ge(1)] = 5
    """Passes over a client's labeled images in each round."""

    batch_size: Annotated[int, Ge(2)] = 64
    """Images per step of gradient descent."""

    learning_rate: Annotated[float, Gt(0)] = 0.01
    """Learning rate of the clients' gradient descent."""

    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9
    """Momentum of the clients' gradient descent."""

    weight_decay: Annotated[float, Ge(0)] = 1e-5
    """Weight decay of the clients' gradient descent."""

    decay_after: Share = 0.75
    """Share of the rounds after which the learning rate is reduced."""

    decay_factor: Share = 0.1
    """What the learning rate is then multiplied by."""

    participation: Share = 1.0
    """Share of the clients that take part in a round."""

    evaluate_every: Annotated[int, Ge(0)] = 0
    """Rounds between two tests of the global model; 0 tests it after the last only."""

    precision: Precision = "float32"
    """Arithmetic of the training; bf16 is automatic mixed precision (on CPUs with AVX-512)."""

    @property
    def local(self) -> LocalTraining:
        """A client's share of a round."""
        return LocalTraining(
            epochs=self.local_epochs,
            batch_size=self.batch_size,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            precision=self.precision,
        )

    def rate(self, round_index: int) -> float:
        """Learning rate in a round, counted from 0."""
        return self.learning_rate * decay(
            round_index, self.rounds, self.decay_after, self.decay_factor
        )

    def participants(
        self,
        num_clients: int,
        seed: int,
        cycle: int,
        round_index: int,
        idle: Collection[int] = (),
    ) -> list[int]:
        """The clients that take part in a round, ascending; at least one.

        idle: clients that cannot train (``idle_clients``), which are never drawn.
        """
        able = [k for k in range(num_clients) if k not in idle]
        count = max(1, round_half_up(self.participation * len(able)))
        generator = numpy_generator(seed, "participants", cycle=cycle, round_index=round_index)
        return sorted(generator.choice(able, count, replace=False).tolist())

    def never_trained(
        self, num_clients: int, seed: int, cycle: int, idle: Collection[int] = ()
    ) -> list[int]:
        """The clients that take part in none of a cycle's rounds, ascending; ``idle`` as above."""
        trained = {
            k
            for round_index in range(self.rounds)
            for k in self.participants(num_clients, seed, cycle, round_index, idle)
        }
        return [k for k in range(num_clients) if k not in trained]

    def evaluates(self, done: int) -> bool:
        """Whether the global model is tested after ``done`` rounds."""
        return done == self.rounds or bool(self.evaluate_every and done % self.evaluate_every == 0)


@dataclass(frozen=True, kw_only=True)
class Distillation(Options):
    """Training of the clients' distilled models, for the strategies that need them."""

    weight: Annotated[float, Ge(0), Le(1)] = 0.9
    """Weight of imitating the global model against fitting the labels."""

    temperature: Annotated[float, Gt(0)] = 4.0
    """Temperature of both models' outputs."""

    epochs: Annotated[int, Ge(1)] = 500
    """Passes over the labeled images, at most."""

    learning_rate: Annotated[float, Gt(0)] = 0.01
    """Learning rate of the distillation."""

    decay_after: Share = 0.75
    """Share of the epochs after which the learning rate is reduced."""

    decay_factor: Share = 0.1
    """What the learning rate is then multiplied by."""

    patience: Annotated[int, Ge(1)] = 5
    """Epochs without a lower training loss after which the distillation stops."""

    restore_best: bool = True
    """Whether the weights after the best epoch are kept, as the paper has it, or those after the
    last one, as the published code does."""

    batch_size: Annotated[int, Ge(2)] = 64
    """Images per step of gradient descent."""

    def local(self, momentum: float, weight_decay: float, precision: Precision) -> LocalTraining:
        """A client's gradient descent; what the section lacks is taken from ``training``."""
        return LocalTraining(
            epochs=self.epochs,
            batch_size=self.batch_size,
            momentum=momentum,
            weight_decay=weight_decay,
            precision=precision,
        )

    def rate(self, epoch: int) -> float:
        """Learning rate in an epoch, counted from 0."""
        return self.learning_rate * decay(epoch, self.epochs, self.decay_after, self.decay_factor)


def decay(done: int, total: int, after: float, factor: float) -> float:
    """1 in the first ``after * total`` of ``total`` rounds or epochs, then ``factor``."""
    return 1.0 if done < round(after * total, 9) else factor


def idle_clients(labeled: Iterable[int]) -> list[int]:
    """The clients that cannot train, by each one's number of labeled examples: a batch of one is
    never trained on."""
    return [k for k, count in enumerate(labeled) if count < LEAST_EXAMPLES]


def steps_per_epoch(examples: int, batch_size: int) -> int:
    """Gradient steps of a pass; a last batch of one example, which batch norm would normalize by
    itself, is left out."""
    full, rest = divmod(examples, batch_size)
    return full + (rest > 1)
