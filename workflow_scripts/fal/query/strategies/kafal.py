"""KAFAL: knowledge-specialized active sampling (Cao et al., ICCV 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from fal.query.strategies.base import Scores, Strategy
from fal.rng import numpy_generator

if TYPE_CHECKING:
    from fal.query.pool import Pool
    from fal.query.strategies.base import Positions


@dataclass(frozen=True, kw_only=True)
class KAFAL(Strategy):
    """KSAS: where local and global model differ most on the classes that the client knows."""

    needs = ("global", "local")
    training: Literal["common", "kcfu"] = "common"
    """Common, or kcfu: the authors' training loss (balanced softmax and distillation on mixed
    unlabeled images) with the federated algorithm."""

    def score(self, pool: Pool) -> Scores:
        """score: mean of KL(local || global) and KL(global || local), in nats.

        Both logits are raised by the log of the labeled examples' class frequencies. A class
        without labeled examples has frequency 0 and so probability 0 in both models; it adds
        nothing, where the published formula has 0 times infinity.
        """
        seen, counts = np.unique(pool.labels, return_counts=True)
        local, global_ = (
            (
                pool.logits(role)[:, seen].double() + pool.logits(role).new_tensor(counts).log()
            ).log_softmax(1)
            for role in ("local", "global")
        )
        return {"score": ((local.exp() - global_.exp()) * (local - global_)).sum(1) / 2}

    def pick(self, pool: Pool, scores: Scores, budget: int, seed: int) -> Positions:
        """The highest scores; at random for a client that knows one class, on which all agree."""
        if len(np.unique(pool.labels)) < 2:
            generator = numpy_generator(seed, "random queries")
            return generator.choice(pool.size, budget, replace=False)
        return super().pick(pool, scores, budget, seed)
