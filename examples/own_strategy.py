"""A query strategy of one's own: query where the local and the global model disagree most."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from fal.query.strategies.base import Strategy


@dataclass(frozen=True, kw_only=True)
class Disagreement(Strategy):
    """Jensen-Shannon divergence between the models' softmax outputs at a temperature."""

    needs = ("global", "local")
    temperature: Annotated[float, Gt(0)] = 1.0
    """What both models' logits are divided by."""

    def score(self, pool):
        from fal.query.divergence import js_divergence

        p, q = ((pool.logits(role) / self.temperature).softmax(1) for role in self.needs)
        return {"score": js_divergence(p, q)}
