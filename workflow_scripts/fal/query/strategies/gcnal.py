"""GCNAL: CoreGCN, k-center in the hidden layer of a graph network (Caramalau et al., CVPR 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

from fal.query.strategies.base import OneModel, Scores
from fal.rng import torch_generator

if TYPE_CHECKING:
    from torch import Tensor

    from fal.query.pool import Pool


@dataclass(frozen=True, kw_only=True)
class GCNAL(OneModel):
    """Greedy k-center on features that a graph network learns to tell labeled examples by."""

    subset: Annotated[int, Ge(1)] = 10_000
    """At most so many unlabeled images, drawn at random, are looked at."""
    epochs: Annotated[int, Ge(1)] = 200
    """Epochs of training the graph network."""
    with_output: bool = False
    """Compare images by the graph network's output, too, as its authors' code does, and not by the
    hidden layer alone."""

    def pick(self, pool: Pool, scores: Scores, budget: int, seed: int) -> Tensor:
        import torch

        from fal.query.graph_network import hidden_features
        from fal.query.selection import k_center_greedy

        unlabeled = torch.arange(pool.size)
        size = max(budget, self.subset)
        if size < pool.size:
            generator = torch_generator(seed, "subset")
            unlabeled = torch.randperm(pool.size, generator=generator)[:size].sort().values
        labeled, features = pool.labeled_features(self.role), pool.features(self.role)
        features = torch.cat([labeled, features[unlabeled.to(features.device)]])
        hidden = hidden_features(
            features, len(labeled), seed, self.epochs, with_output=self.with_output
        )
        centers, others = hidden.split([len(labeled), len(unlabeled)])
        return unlabeled[k_center_greedy(others, centers, budget).cpu()]
