"""BADGE: diverse, uncertain gradient embeddings (Ash et al., ICLR 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fal.query.strategies.base import OneModel, Scores

if TYPE_CHECKING:
    from torch import Tensor

    from fal.query.pool import Pool


@dataclass(frozen=True, kw_only=True)
class Badge(OneModel):
    """k-means++ seeding on the last layer's gradient under the model's own prediction."""

    def score(self, pool: Pool) -> Scores:
        """score: length of the gradient embedding (p - e_y) outer z."""
        errors = self._probabilities(pool)
        errors[range(len(errors)), pool.pseudo_labels(self.role)] -= 1
        return {"score": errors.norm(dim=1) * pool.features(self.role).double().norm(dim=1)}

    def pick(self, pool: Pool, scores: Scores, budget: int, seed: int) -> Tensor:
        from fal.query.selection import badge_seeding

        return badge_seeding(pool.features(self.role), self._probabilities(pool), budget, seed)

    def _probabilities(self, pool: Pool) -> Tensor:
        """In double precision: a sure model's p_y - 1 is lost in single precision."""
        return pool.logits(self.role).double().softmax(1)
