"""LoGo: local clusters, global uncertainty (Kim et al., CVPR 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge

from fal.query.ranking import to_numpy
from fal.query.strategies.base import Scores, Strategy
from fal.query.strategies.uncertainty import entropy

if TYPE_CHECKING:
    from torch import Tensor

    from fal.query.pool import Pool


@dataclass(frozen=True, kw_only=True)
class LoGo(Strategy):
    """The example of highest global entropy in each of ``budget`` clusters of local gradients.

    Macro step: k-means on the gradient of the local model's loss, under its own prediction y,
    with respect to the last layer's weights of class y only: -(1 - p_y) z, [U, D]. That is the
    embedding of the authors' code; the sign does not matter.
    """

    restarts: Annotated[int, Ge(1)] = 10
    """Starts of k-means, of which the best clusters are taken."""

    needs = ("global", "local")

    def score(self, pool: Pool) -> Scores:
        """score: entropy of the global model, in nats."""
        return {"score": entropy(pool.logits("global").double())}

    def pick(self, pool: Pool, scores: Scores, budget: int, seed: int) -> np.ndarray:
        """Micro step. Where duplicates leave clusters empty, the clusters give their second most
        uncertain examples, then their third, the most uncertain first."""
        from fal.query.kmeans import kmeans

        cluster = kmeans(embedding(pool), budget, seed, self.restarts)[0].numpy()
        certainty = -to_numpy(scores["score"])
        order = np.lexsort((certainty, cluster))
        ordered = cluster[order]
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order)) - np.searchsorted(ordered, ordered)
        return np.lexsort((certainty, rank))[:budget]


def embedding(pool: Pool) -> Tensor:
    """(1 - highest probability) * features of the local model, [U, D]."""
    confidence = pool.logits("local").double().softmax(1).amax(1, keepdim=True)
    return (1 - confidence).float() * pool.features("local")
