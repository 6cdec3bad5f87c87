"""SCAFFOLD (Karimireddy et al., ICML 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from fal.federated.algorithms.base import add_to_gradients, trained
from fal.federated.algorithms.fedavg import FedAvg

if TYPE_CHECKING:
    from fal.federated.algorithms.base import Diagnostics, State
    from fal.federated.cohort import Cohort
    from fal.federated.models import Weights
    from fal.federated.training import GradientCorrection


@dataclass(frozen=True, kw_only=True)
class Scaffold(FedAvg):
    """FedAvg with control variates against client drift, updated by the paper's option II.

    state["server"]: the server's variate c [1, ...]; state["client"]: the clients' c_k [N, ...];
    both for trained parameters only, so batch-norm statistics are averaged and never corrected.
    Each local gradient g is replaced by g - c_k + c. Option II recovers the mean gradient from the
    client's displacement; with momentum m, the gradient of step j of J displaces the weights by
    learning_rate * (1 - m^(J-j+1)) / (1 - m), so that is what the displacement is divided by.
    """

    down = ("global", "server")
    up = ("local", "client")

    def init(self, weights: Weights, num_clients: int) -> State:
        import torch

        state = super().init(weights, num_clients)
        for part, source in (("server", "global"), ("client", "local")):
            state[part] = {n: torch.zeros_like(w) for n, w in trained(state[source]).items()}
        return state

    def apply(
        self,
        state: State,
        cohort: Cohort,
        clients: Sequence[int],
        round_index: int,
        learning_rate: float,
    ) -> tuple[State, Diagnostics]:
        import torch

        new, diagnostics = super().apply(state, cohort, clients, round_index, learning_rate)
        steps = [
            effective_steps(cohort.local.num_steps(int(cohort.sizes[k])), cohort.local.momentum)
            for k in clients
        ]
        step_length = learning_rate * torch.tensor(steps, device=cohort.images.device)
        rows = list(clients)
        server, client = {}, {}
        for name, variate in state["client"].items():
            displacement = state["global"][name] - new["local"][name][rows]
            mean_gradient = displacement / step_length.view(-1, *[1] * (displacement.dim() - 1))
            updated = variate[rows] - state["server"][name] + mean_gradient
            client[name] = variate.clone()
            client[name][rows] = updated
            change = (updated - variate[rows]).sum(0, keepdim=True) / len(variate)
            server[name] = state["server"][name] + change
        return {**new, "server": server, "client": client}, diagnostics

    def gradient_correction(self, state: State, group: list[int]) -> GradientCorrection:
        from fal.federated.models import joined

        corrections = {
            name: joined(state["server"][name] - variate[group])
            for name, variate in state["client"].items()
        }
        return partial(add_to_gradients, change=corrections)


def effective_steps(steps: int, momentum: float) -> float:
    """Sum over j = 1..J of (1 - m^(J-j+1)) / (1 - m): the weight of J gradients in J steps."""
    return sum((1 - momentum ** (steps - j)) / (1 - momentum) for j in range(steps))
