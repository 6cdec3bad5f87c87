"""Core-set: greedy k-center in feature space (Sener and Savarese, ICLR 2018)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fal.query.strategies.base import OneModel, Scores

if TYPE_CHECKING:
    from torch import Tensor

    from fal.query.pool import Pool


@dataclass(frozen=True, kw_only=True)
class Coreset(OneModel):
    """Again and again the example farthest (Euclidean) from all labeled and queried ones."""

    def score(self, pool: Pool) -> Scores:
        """score: distance to the nearest labeled example (without any, to the pool's mean)."""
        import torch

        features, centers = pool.features(self.role), pool.labeled_features(self.role)
        if not len(centers):
            centers = features.mean(0, keepdim=True)
        blocks = features.double().split(1024)
        return {"score": torch.cat([torch.cdist(x, centers.double()).amin(1) for x in blocks])}

    def pick(self, pool: Pool, scores: Scores, budget: int, seed: int) -> Tensor:
        from fal.query.selection import k_center_greedy

        return k_center_greedy(pool.features(self.role), pool.labeled_features(self.role), budget)
