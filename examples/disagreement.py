"""A query strategy of one's own: ask where the local and the global model disagree most."""

from dataclasses import dataclass

from fal.query.strategies.base import Strategy, check_number


@dataclass(frozen=True, kw_only=True)
class Disagreement(Strategy):
    """Jensen-Shannon divergence between the models' softmax outputs at a temperature."""

    temperature: float = 1.0
    needs = ("global", "local")

    def __post_init__(self):
        check_number("temperature", self.temperature, 0, above=True)

    def score(self, pool):
        from fal.query.divergence import js_divergence

        p, q = ((pool.logits(role) / self.temperature).softmax(1) for role in self.needs)
        return {"score": js_divergence(p, q)}
