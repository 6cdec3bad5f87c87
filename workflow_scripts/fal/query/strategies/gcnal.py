"""GCNAL: CoreGCN, k-center in the hidden layer of a graph network (Caramalau et al., CVPR 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fal.query.strategies.base import OneModel, Scores, check_count
from fal.rng import torch_generator

if TYPE_CHECKING:
    from torch import Tensor

    from fal.query.pool import Pool


@dataclass(frozen=True, kw_only=True)
class GCNAL(OneModel):
    """Greedy k-center on features that a graph network learns to tell labeled examples by.

    subset: at most so many unlabeled examples, drawn at random, are looked at.
    epochs: of training the graph network.
    """

    subset: int = 10_000
    epochs: int = 200

    def __post_init__(self):
        super().__post_init__()
        check_count("subset", self.subset)
        check_count("epochs", self.epochs)

    def pick(self, pool: Pool, scores: Scores, budget: int, seed: int) -> Tensor:
        import torch

        from fal.query import graph_network
        from fal.query.selection import k_center_greedy

        unlabeled = torch.arange(pool.size)
        size = max(budget, self.subset)
        if size < pool.size:
            generator = torch_generator(seed, "subset")
            unlabeled = torch.randperm(pool.size, generator=generator)[:size].sort().values
        labeled, features = pool.labeled_features(self.role), pool.features(self.role)
        features = torch.cat([labeled, features[unlabeled.to(features.device)]])
        hidden = graph_network.hidden_features(features, len(labeled), seed, self.epochs)
        centers, others = hidden.split([len(labeled), len(unlabeled)])
        return unlabeled[k_center_greedy(others, centers, budget).cpu()]
