"""What every query strategy is: options, what it needs, a score and a selection.

Strategy files import torch inside functions only, so that asking a strategy what it needs is cheap.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fal.errors import InputError, suggest

if TYPE_CHECKING:
    from torch import Tensor

    from fal.query.pool import Pool

Scores = Mapping[str, Any]
"""Per-example columns [U], tensors or arrays, by name; ``score`` is the main one."""


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """Picks which of a client's unlabeled examples the oracle labels next.

    A subclass states what it ``needs`` and implements ``score``, ``pick``, or both. Its dataclass
    fields are its options; bad values raise InputError in ``__post_init__``.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    """Roles of the models whose outputs the pool must hold: global, local, kd."""

    training: ClassVar[str] = "common"
    """How the models are trained: ``common`` is the federated algorithm's own loss."""

    def score(self, pool: Pool) -> Scores:
        """Columns [U]: ``score`` (higher means queried sooner) and whatever else explains it.

        Deterministic, and free of a strategy's random choices: those belong to ``pick``.
        """
        return {}

    def pick(self, pool: Pool, scores: Scores, budget: int, seed: int) -> Tensor | np.ndarray:
        """``budget`` distinct positions in 0..U-1, where 0 < budget < U.

        Here the highest scores, the highest first, ties by position, without a look at the pool.
        seed: any integer; all random choices follow from it.
        """
        values = np.asarray(to_host(scores["score"]), dtype=np.float64)
        return np.argsort(-values, kind="stable")[:budget]

    @property
    def needs_to_pick(self) -> tuple[str, ...]:
        """Roles whose outputs ``select`` looks at: none where the scores alone decide."""
        return () if type(self).pick is Strategy.pick else self.needs

    def select(self, pool: Pool, scores: Scores, budget: int, seed: int) -> np.ndarray:
        """min(budget, U) distinct positions [n] in 0..U-1, int64.

        scores: what ``score`` said of this pool, possibly read back from a file.
        """
        if budget >= pool.size:
            return np.arange(pool.size)
        if budget <= 0:
            return np.arange(0)
        chosen = np.asarray(to_host(self.pick(pool, scores, budget, seed)), dtype=np.int64)
        inside = ((chosen >= 0) & (chosen < pool.size)).all()
        if not inside or len(chosen) != budget or len(np.unique(chosen)) != budget:
            raise RuntimeError(
                f"{type(self).__name__}.pick must return {budget} distinct positions "
                f"in 0..{pool.size - 1}, not {chosen.tolist()}"
            )
        return chosen


@dataclass(frozen=True, kw_only=True)
class OneModel(Strategy):
    """A strategy that looks at one model's outputs; role: which, ``global`` or ``local``."""

    role: str

    def __post_init__(self):
        check_choice("role", self.role, ("global", "local"))

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.role,)


def to_host(values: Any) -> Any:
    """A tensor of any device as one that NumPy can read; anything else as it is."""
    return values.cpu() if hasattr(values, "cpu") else values


def column(scores: Scores, name: str) -> Tensor:
    """The column ``name`` as a tensor, also when it comes from a data frame or a file."""
    import torch

    values = scores[name]
    return values if isinstance(values, torch.Tensor) else torch.from_numpy(np.array(values))


def check_choice(option: str, value: object, known: Collection[str]) -> None:
    """Raise InputError unless ``value`` is one of ``known``."""
    if value not in known:
        raise InputError(f"{option} '{value}' is unknown{suggest(value, known)}")


def check_flag(option: str, value: object) -> None:
    """Raise InputError unless ``value`` is true or false."""
    if not isinstance(value, bool):
        raise InputError(f"{option} '{value}' is not a truth value; use true or false")


def check_number(
    option: str, value: object, low: float, high: float = float("inf"), *, above: bool = False
) -> None:
    """Raise InputError unless ``value`` is a number from ``low`` (above it) to ``high``."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high or (above and value == low):
        least = f"above {low}" if above else f"of at least {low}"
        most = "" if high == float("inf") else f" and at most {high}"
        raise InputError(f"{option} '{value}' will not do; use a number {least}{most}")


def check_count(option: str, value: object) -> None:
    """Raise InputError unless ``value`` is a whole number of at least 1."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(f"{option} '{value}' will not do; use a whole number of at least 1")
