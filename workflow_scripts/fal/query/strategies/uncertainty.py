"""Uncertainty sampling: the examples that one model is least sure of (Settles, 2009)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fal.query.strategies.base import OneModel, Scores

if TYPE_CHECKING:
    from torch import Tensor

    from fal.query.pool import Pool


@dataclass(frozen=True, kw_only=True)
class Uncertainty(OneModel):
    """The highest values of a function of the softmax outputs."""

    def score(self, pool: Pool) -> Scores:
        return {"score": self.uncertainty(pool.logits(self.role).double())}

    def uncertainty(self, logits: Tensor) -> Tensor:
        """[U] from logits [U, C]; higher is less sure."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Entropy(Uncertainty):
    """Entropy of the softmax output, in nats."""

    def uncertainty(self, logits: Tensor) -> Tensor:
        return entropy(logits)


@dataclass(frozen=True, kw_only=True)
class Margin(Uncertainty):
    """1 - (highest - second highest probability)."""

    def uncertainty(self, logits: Tensor) -> Tensor:
        first, second = logits.softmax(1).topk(2, dim=1).values.unbind(1)
        return 1 - (first - second)


@dataclass(frozen=True, kw_only=True)
class LeastConfidence(Uncertainty):
    """1 - highest probability."""

    def uncertainty(self, logits: Tensor) -> Tensor:
        return 1 - logits.softmax(1).amax(1)


def entropy(logits: Tensor) -> Tensor:
    """Entropy [U], in nats, of the softmax of logits [U, C]."""
    log_p = logits.log_softmax(1)
    return -(log_p.exp() * log_p).sum(1)
