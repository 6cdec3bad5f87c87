"""What every query strategy is: options, what it needs, a score and a selection.

Strategy files import torch inside functions only, so that asking a strategy what it needs is cheap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from fal.errors import InputError
from fal.options import Options, shown
from fal.query.ranking import to_numpy, top

if TYPE_CHECKING:
    from torch import Tensor

    from fal.query.pool import Pool

    Positions = Tensor | np.ndarray | Sequence[int]

ROLES = ("global", "local", "kd")
"""Models that a strategy may look at: the global one, a client's local and its distilled one."""

Scores = Mapping[str, Any]
"""Per-example columns [U], tensors or arrays, by name; ``score`` is the main one."""


@dataclass(frozen=True, kw_only=True)
class Strategy(Options):
    """Picks which of a client's unlabeled examples the oracle labels next.

    A subclass states what it ``needs`` and implements ``score``, ``pick``, or both. Its dataclass
    fields are its options. What is a property here may be a plain class attribute there.
    """

    @property
    def needs(self) -> tuple[str, ...]:
        """Roles of the models whose outputs the pool must hold: global, local, kd."""
        return ()

    @property
    def training(self) -> str:
        """How the models are trained: ``common`` by the federated algorithm with its own loss,
        ``kcfu`` with KAFAL's, ``local`` by each client alone."""
        return "common"

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of figures, beyond those of every strategy, that the columns of ``score`` allow."""
        return ()

    reports_once: ClassVar[bool] = False
    """Whether the means of what the clients reported in cycle 0 hold for all cycles."""

    def report(self, pool: Pool) -> dict[str, float]:
        """What a client tells the server before anybody queries: finite numbers by name.

        The server answers with the clients' means, ``pool.mean_reports``; see ``reported``. All
        clients report the same names. Kept in explanation.json.
        """
        return {}

    def reported(self, pool: Pool) -> Mapping[str, float]:
        """The clients' means of ``report``; a client that is alone is its own mean."""
        return pool.mean_reports or self.report(pool)

    def score(self, pool: Pool) -> Scores:
        """Columns [U]: ``score`` (higher means queried sooner) and whatever else explains it.

        Deterministic, and free of a strategy's random choices: those belong to ``pick``.
        """
        return {}

    def pick(self, pool: Pool, scores: Scores, budget: int, seed: int) -> Positions:
        """``budget`` distinct positions in 0..U-1, where 0 < budget < U.

        Here the highest scores, the highest first, equals in random order.
        seed: any integer; all random choices follow from it.
        """
        if "score" not in scores:
            raise InputError("score gave no column 'score' to pick by, and there is no own pick")
        return top(scores["score"], budget, seed)

    def explain(self, scores: Scores, budget: int) -> dict[str, Any]:
        """How a client's queries come about, as JSON values by name: kept in explanation.json."""
        return {}

    def warnings(self, unlabeled: int, budget: int) -> list[str]:
        """What is doubtful about the options for a client of ``unlabeled`` images, in sentences.

        Asked once a cycle, of the client with the fewest. A sentence that names no number that
        changes from cycle to cycle is repeated once at the end of a run, not once a cycle.
        """
        return []

    def select(self, pool: Pool, scores: Scores, budget: int, seed: int) -> np.ndarray:
        """min(budget, U) distinct positions [n] in 0..U-1, int64.

        scores: what ``score`` gave for this pool.

        Raises InputError if ``pick`` returns anything else than it must.
        """
        if budget >= pool.size:
            return np.arange(pool.size)
        if budget <= 0:
            return np.arange(0)
        picked = to_numpy(self.pick(pool, scores, budget, seed))
        whole = picked.shape == (budget,) and picked.dtype.kind in "iu"
        inside = whole and picked.min() >= 0 and picked.max() < pool.size
        if not inside or len(np.unique(picked)) != budget:
            raise InputError(
                f"pick returned {shown(picked.tolist())}, but must return {budget} positions from "
                f"0 to {pool.size - 1}, none of them twice"
            )
        return picked.astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class OneModel(Strategy):
    """A strategy that looks at one model's outputs."""

    role: Literal["global", "local"]
    """Whose outputs: the global model's, or the client's local model's."""

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.role,)


def check_needs(strategy: Strategy) -> None:
    """Raise InputError unless ``strategy.needs`` is a tuple of roles."""
    needs = strategy.needs
    if not isinstance(needs, tuple) or not all(role in ROLES for role in needs):
        raise InputError(
            f"needs is {shown(needs)}, but must be a tuple of models, any of {', '.join(ROLES)}"
        )


def check_report(report: Any, others: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """What a client reports, as floats.

    Raises InputError if it is no dict of finite numbers, or if ``others``, the reports of other
    clients, have other names.
    """
    if not isinstance(report, Mapping):
        raise InputError(f"report returned {type(report).__name__}, but must return a dict")
    numbers = {name: float(value) for name, value in report.items()}
    for name, value in numbers.items():
        if not math.isfinite(value):
            raise InputError(f"report returned '{name}' as {value}, but it must be finite")
    for other in others:
        if other.keys() != numbers.keys():
            raise InputError(
                f"report returned {', '.join(numbers) or 'nothing'}, but another client's "
                f"{', '.join(other) or 'nothing'}; all must report the same"
            )
    return numbers


def check_scores(scores: Scores, size: int) -> dict[str, np.ndarray]:
    """The columns of ``scores`` as arrays [size].

    Raises InputError if a column has another shape or a name that is taken, or if ``score`` holds
    anything but finite numbers.
    """
    if not isinstance(scores, Mapping):
        raise InputError(f"score returned {type(scores).__name__}, but must return a dict")
    columns = {name: to_numpy(values) for name, values in scores.items()}
    for name, values in columns.items():
        if name in ("client", "index"):
            raise InputError(f"score returned a column '{name}', which is taken; rename it")
        if values.shape != (size,):
            raise InputError(
                f"score returned '{name}' of shape {list(values.shape)}, but must return one value "
                f"for each of {size} unlabeled images"
            )
    score = columns.get("score", np.zeros(0))
    if score.dtype.kind not in "iufb":
        raise InputError(f"score returned 'score' as {score.dtype}, but must return numbers")
    bad = np.flatnonzero(~np.isfinite(score))
    if len(bad):
        raise InputError(
            f"score returned {score[bad[0]]} for {len(bad)} of {size} unlabeled images, but must "
            "return finite numbers"
        )
    return columns
