"""Random queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fal.query.strategies.base import Scores, Strategy
from fal.rng import numpy_generator

if TYPE_CHECKING:
    import numpy as np

    from fal.query.pool import Pool


@dataclass(frozen=True, kw_only=True)
class Random(Strategy):
    """Every set of unlabeled examples is equally likely."""

    def pick(self, pool: Pool, scores: Scores, budget: int, seed: int) -> np.ndarray:
        return numpy_generator(seed, "random queries").choice(pool.size, budget, replace=False)
