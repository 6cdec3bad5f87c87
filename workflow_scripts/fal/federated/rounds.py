"""A federated training from the first round to the last."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from fal.federated.algorithms import FedAvg, State
from fal.federated.training import Cohort, decay
from fal.rng import numpy_generator


@dataclass(frozen=True)
class Rounds:
    """How many rounds, at what learning rate, with how many of the clients.

    The learning rate is multiplied by ``decay_factor`` after ``decay_after`` (a fraction) of the
    rounds. participation: the share of the clients that take part in a round, at least one.
    """

    rounds: int
    learning_rate: float
    decay_after: float = 0.75
    decay_factor: float = 0.1
    participation: float = 1.0

    def rate(self, round: int) -> float:
        """Learning rate in ``round``, counted from 0."""
        return self.learning_rate * decay(round, self.rounds, self.decay_after, self.decay_factor)

    def participants(self, num_clients: int, seed: int, cycle: int, round: int) -> list[int]:
        """The clients that take part in ``round``, ascending."""
        count = max(1, round_half_up(self.participation * num_clients))
        generator = numpy_generator(seed, "participants", cycle=cycle, round=round)
        return sorted(generator.choice(num_clients, count, replace=False).tolist())


def round_half_up(value: float) -> int:
    return int(value + 0.5)


def train_rounds(
    algorithm: FedAvg, cohort: Cohort, state: State, plan: Rounds, start: int = 0
) -> Iterator[tuple[int, State, dict[str, Tensor]]]:
    """Train from ``state``, as it was before round ``start``; yield after every round.

    Yields (rounds done, state, diagnostics).
    """
    for round in range(start, plan.rounds):
        clients = plan.participants(len(cohort.examples), cohort.seed, cohort.cycle, round)
        state, diagnostics = algorithm.apply(state, cohort, clients, round, plan.rate(round))
        yield round + 1, state, diagnostics
