"""How many images are labeled, and which ones before anything is queried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt

from fal.data.sampling import round_half_up
from fal.errors import InputError
from fal.options import Options, Words
from fal.rng import numpy_generator

Cycles = Annotated[int, Ge(0)]
Amount = Annotated[
    Annotated[float, Gt(0), Lt(1)] | Annotated[int, Ge(1)],
    Words("a fraction between 0 and 1 or a whole number of at least 1"),
]
FEW = 10
"""Images below which a whole number is taken for a percentage gone wrong."""


def amount(value: float, size: int) -> int:
    """How many of ``size`` images ``value`` means: a fraction of them (rounded half up, at least
    1) where it is below 1, else itself."""
    return max(1, round_half_up(value * size)) if value < 1 else int(value)


@dataclass(frozen=True, kw_only=True)
class Labeling(Options):
    """How many images are labeled, per client."""

    initial: Amount = 0.1
    """Images labeled at random before cycle 0; a fraction of the client's or a count."""
    budget: Amount = 0.05
    """Images queried in each cycle; a fraction of the client's images or a count."""
    cycles: Cycles = 3
    """Query cycles after cycle 0."""
    cycles_of: Mapping[str, Cycles] = field(default_factory=dict)
    """Query cycles of single data sets, by name, where these are not as many."""

    def __post_init__(self) -> None:
        for cycles in {self.cycles, *self.cycles_of.values()}:
            share = sum(n * x for n, x in ((1, self.initial), (cycles, self.budget)) if x < 1)
            if share > 1 + 1e-9:
                raise InputError(
                    f"initial {self.initial} and {cycles} cycles of budget {self.budget} ask for "
                    f"{100 * share:.4g}% of a client's images; 100% is the most"
                )

    def cycles_on(self, dataset: str) -> int:
        """Query cycles of a data set."""
        return self.cycles_of.get(dataset, self.cycles)

    def check(self, dataset: str, num_train: int, clients: int) -> None:
        """Check that ``num_train`` images suffice for ``clients`` equally large clients.

        Raises InputError for more clients than images, for fewer labeled images than batch norm
        can train on, and for queries beyond a client's images. Rounding a fraction may make the
        last query smaller than the others, but never empty.
        """
        if clients > num_train:
            raise InputError(
                f"clients is {clients}, but data set '{dataset}' has only {num_train} training "
                "images; use fewer clients"
            )
        size = num_train // clients
        initial, query = amount(self.initial, size), amount(self.budget, size)
        if min(initial, size) < 2:
            raise InputError(
                f"labeling.initial is {self.initial}, which labels {min(initial, size)} of the "
                f"{size} images of a client ({dataset}, {clients} clients), but batch norm needs "
                "at least 2"
            )
        cycles = self.cycles_on(dataset)
        exact = [value * size if value < 1 else value for value in (self.initial, self.budget)]
        too_many = exact[0] + cycles * exact[1] > size + 1e-6
        last_query_empty = cycles > 0 and initial + (cycles - 1) * query >= size
        if too_many or last_query_empty:
            raise InputError(
                f"labeling asks for {initial + cycles * query} images of a client (initial "
                f"{self.initial}, {cycles} cycles of budget {self.budget}), but each has only "
                f"{size} ({dataset}, {clients} clients); lower initial, budget or cycles"
            )

    def warnings(self, dataset: str, num_train: int, clients: int) -> Iterator[str]:
        """Sentences about doubtful numbers: counts so small that a percentage may be meant."""
        size = num_train // clients
        amounts = {
            "initial": self.initial,
            **({"budget": self.budget} if self.cycles_on(dataset) else {}),
        }
        for key, value in amounts.items():
            if 1 <= value < FEW or 1 <= value < min(0.01 * size, 100):
                yield (
                    f"labeling.{key} is {value}, which is {value} of the {size} images of a client "
                    f"({dataset}, {clients} clients); for {value}% write {value / 100:g}"
                )


def initial_labels(parts: Sequence[np.ndarray], count: int, seed: int) -> list[np.ndarray]:
    """``count`` random examples of each client, as ascending arrays of example indices.

    parts: int64 [n], the examples of each client. Raises InputError if ``count`` is negative or
    above the size of the smallest client.
    """
    smallest = min(len(part) for part in parts)
    if not 0 <= count <= smallest:
        raise InputError(
            f"the number of initial labels must lie between 0 and the size of the smallest client "
            f"({smallest}), not {count}"
        )
    return [
        np.sort(numpy_generator(seed, "initial", client=client).permutation(part)[:count])
        for client, part in enumerate(parts)
    ]
