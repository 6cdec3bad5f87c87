"""A federated algorithm of one's own: FedAvg whose server has momentum.

algorithms: [fedavg, {fedavgm: {method: examples/own_algorithm.py:FedAvgM, momentum: 0.9}}]
"""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Lt

from fal.federated.algorithms.base import trained
from fal.federated.algorithms.fedavg import FedAvg


@dataclass(frozen=True, kw_only=True)
class FedAvgM(FedAvg):
    """Federated averaging with server momentum (Hsu et al., 2019).

    The step from the old global weights to the clients' mean is smoothed over the rounds:
    v = momentum * v + (w - mean), w = w - v. Batch-norm statistics become the mean, as in FedAvg.
    state["velocity"]: v [1, ...].
    """

    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9
    """Momentum of the server."""

    def init(self, weights, num_clients):
        import torch

        state = super().init(weights, num_clients)
        velocity = {name: torch.zeros_like(w) for name, w in trained(weights).items()}
        return {**state, "velocity": velocity}

    def apply(self, state, cohort, clients, round_index, learning_rate):
        new, diagnostics = super().apply(state, cohort, clients, round_index, learning_rate)
        old, mean = state["global"], new["global"]
        velocity = {
            name: self.momentum * v + (old[name] - mean[name])
            for name, v in state["velocity"].items()
        }
        moved = {name: old[name] - v for name, v in velocity.items()}
        return {**new, "global": {**mean, **moved}, "velocity": velocity}, diagnostics
