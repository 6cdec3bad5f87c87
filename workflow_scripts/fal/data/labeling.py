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
NAMED = 5
"""How many clients a sentence names."""


def amount(value: float, size: int) -> int:
    """How many of ``size`` images ``value`` means: a fraction of them (rounded half up, at least
    1) where it is below 1, else itself."""
    return max(1, round_half_up(value * size)) if value < 1 else int(value)


def unequal(sizes: np.ndarray) -> bool:
    """Whether the clients' sizes [N] differ by more than the one image that division leaves."""
    return bool(np.ptp(sizes) > 1)


def common_sizes(sizes: np.ndarray) -> np.ndarray:
    """The sizes [N] that amounts are taken of: the smallest client's, unless they are unequal."""
    return sizes if unequal(sizes) else np.full_like(sizes, sizes.min())


def amounts(value: float, sizes: np.ndarray) -> np.ndarray:
    """What ``value`` means for clients of ``sizes`` int64 [N], each of its own images: int64 [N].

    Clients whose sizes differ by one image at most get the same, as if all were the smallest.
    """
    return np.array([amount(value, int(size)) for size in common_sizes(sizes)], dtype=np.int64)


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

    def initial_counts(self, sizes: np.ndarray) -> np.ndarray:
        """How many images of each client are labeled before cycle 0: int64 [N].

        sizes: the clients' images, int64 [N]. At least two, so that batch norm can train on them,
        of clients that have so many.
        """
        return np.minimum(np.maximum(amounts(self.initial, sizes), 2), common_sizes(sizes))

    def budgets(self, sizes: np.ndarray) -> np.ndarray:
        """How many images each client, of ``sizes`` int64 [N], queries in a cycle: int64 [N].

        What a client lacks for it in its last cycles, it does not give.
        """
        return amounts(self.budget, sizes)

    def check(self, dataset: str, num_train: int, clients: int) -> None:
        """``check_sizes`` of ``num_train`` images in ``clients`` equally large clients.

        Raises InputError for more clients than images, too.
        """
        if clients > num_train:
            raise InputError(
                f"clients is {clients}, but data set '{dataset}' has only {num_train} training "
                "images; use fewer clients"
            )
        self.check_sizes(dataset, np.full(clients, num_train // clients))

    def check_sizes(self, dataset: str, sizes: np.ndarray) -> None:
        """Check that the clients' images suffice; sizes: int64 [N].

        Where sizes differ by more than one image the largest client counts: others give what they
        have. Raises InputError for fewer labeled images than batch norm can train on, and for
        queries beyond a client's images. Rounding a fraction may make the last query smaller than
        the others, but never empty.
        """
        size, clients = int(common_sizes(sizes).max()), len(sizes)
        which, each = ("the largest client", "it") if unequal(sizes) else ("a client", "each")
        initial, query = amount(self.initial, size), amount(self.budget, size)
        if min(initial, size) < 2:
            raise InputError(
                f"labeling.initial is {self.initial}, which labels {min(initial, size)} of the "
                f"{size} images of {which} ({dataset}, {clients} clients), but batch norm needs "
                "at least 2"
            )
        cycles = self.cycles_on(dataset)
        exact = [value * size if value < 1 else value for value in (self.initial, self.budget)]
        too_many = exact[0] + cycles * exact[1] > size + 1e-6
        last_query_empty = cycles > 0 and initial + (cycles - 1) * query >= size
        if too_many or last_query_empty:
            raise InputError(
                f"labeling asks for {initial + cycles * query} images of {which} (initial "
                f"{self.initial}, {cycles} cycles of budget {self.budget}), but {each} has only "
                f"{size} ({dataset}, {clients} clients); lower initial, budget or cycles"
            )

    def notes(self, dataset: str, sizes: np.ndarray) -> Iterator[str]:
        """Sentences about clients, of ``sizes`` int64 [N], with too few images for what is asked.

        Clients of equal size have enough, or ``check_sizes`` has refused them.
        """
        if not unequal(sizes):
            return
        alone = np.flatnonzero(self.initial_counts(sizes) < 2)
        if len(alone):
            yield (
                f"{named_clients(alone)} a single labeled image, too few to train on: the global "
                "model stands in for a model of its own"
            )
        cycles = self.cycles_on(dataset)
        asked = self.initial_counts(sizes) + cycles * self.budgets(sizes)
        short = np.flatnonzero(asked > sizes)
        if len(short):
            yield (
                f"{named_clients(short)} fewer images than initial and {cycles} cycles of budget "
                "ask for; what there is will be queried"
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


def named_clients(clients: np.ndarray) -> str:
    """'client 3 has' or 'clients 3, 5, 7 and 9 more have', for the beginning of a sentence."""
    if len(clients) == 1:
        return f"client {clients[0]} has"
    first = ", ".join(map(str, clients[:NAMED]))
    more = f" and {len(clients) - NAMED} more" if len(clients) > NAMED else ""
    return f"clients {first}{more} have"


def initial_labels(
    parts: Sequence[np.ndarray],
    counts: Sequence[int] | np.ndarray,
    seed: int,
    known: np.ndarray | None = None,
) -> list[np.ndarray]:
    """``counts`` [N] random examples of each client, as ascending arrays of example indices.

    parts: int64 [n], the examples of each client. known: bool [examples], which have a label
    already: all of these come first, even if there are more than ``counts``.

    Raises InputError if a count is negative or above the size of its client.
    """
    chosen = []
    for client, (part, count) in enumerate(zip(parts, counts, strict=True)):
        if not 0 <= count <= len(part):
            raise InputError(
                f"the number of initial labels of client {client} must lie between 0 and its size "
                f"({len(part)}), not {count}"
            )
        rng = numpy_generator(seed, "initial", client=client)
        first, rest = (part[:0], part) if known is None else (part[known[part]], part[~known[part]])
        others = rng.permutation(rest)[: max(0, count - len(first))]
        chosen.append(np.sort(np.concatenate([first, others])))
    return chosen
