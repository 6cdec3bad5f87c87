"""Federated learning algorithms: FedAvg, FedProx and SCAFFOLD.

An algorithm is ``init(weights, clients) -> state`` and ``apply(state, cohort, ...) -> (state,
diagnostics)``. The state is a dict of dicts of tensors and is all there is to a training: saved
and loaded, it goes on as if nothing had happened.

state["global"]: weights [1, ...] of the global model.
state["local"]: weights [N, ...] of each client's model after its last local update, before
aggregation (the initial model for a client that has never taken part).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from fal.errors import InputError, suggest
from fal.federated.models import Weights
from fal.federated.training import Cohort, GradientHook, num_steps

State = dict[str, Weights]


class FedAvg:
    """Federated averaging (McMahan et al., AISTATS 2017).

    The global weights, batch-norm statistics among them, become the mean of the clients' weights,
    weighted by the number of labeled examples.
    """

    def init(self, weights: Weights, num_clients: int) -> State:
        """State before the first round; weights: [1, ...]."""
        local = {name: w.repeat(num_clients, *[1] * (w.dim() - 1)) for name, w in weights.items()}
        return {"global": dict(weights), "local": local}

    def apply(
        self, state: State, cohort: Cohort, clients: Sequence[int], round: int, learning_rate: float
    ) -> tuple[State, dict[str, Tensor]]:
        """One round in which ``clients`` take part. diagnostics["loss"]: [len(clients)]."""
        ends, loss = cohort.train(
            state["global"], clients, round, learning_rate, lambda group: self.hook(state, group)
        )
        share = cohort.sizes[list(clients)].to(loss)
        average = {
            name: torch.tensordot(share / share.sum(), w, dims=1).unsqueeze(0)
            for name, w in ends.items()
        }
        return (
            {**state, "global": average, "local": replace_rows(state["local"], clients, ends)},
            {"loss": loss},
        )

    def hook(self, state: State, group: list[int]) -> GradientHook | None:
        """How the gradients of the clients in ``group`` are changed before each step."""
        return None


class FedProx(FedAvg):
    """FedAvg with the proximal term mu/2 * ||w - w_global||^2 (Li et al., MLSys 2020).

    Raises InputError if mu is negative.
    """

    def __init__(self, mu: float = 0.01):
        if mu < 0:
            raise InputError(f"fedprox: mu {mu} is negative; use 0 or more")
        self.mu = mu

    def hook(self, state: State, group: list[int]) -> GradientHook:
        anchor = {
            name: w.repeat_interleave(len(group), dim=0).flatten(0, 1)
            for name, w in state["global"].items()
        }

        def add_proximal_gradient(parameters: dict[str, Tensor]) -> None:
            weights = [p.detach() for p in parameters.values()]
            drift = torch._foreach_sub(weights, [anchor[name] for name in parameters])
            torch._foreach_add_([p.grad for p in parameters.values()], drift, alpha=self.mu)

        return add_proximal_gradient


class Scaffold(FedAvg):
    """SCAFFOLD with option II for the control variates (Karimireddy et al., ICML 2020).

    state["server"]: the server's variate c [1, ...]; state["client"]: the clients' c_k [N, ...];
    both for trained parameters only, so batch-norm statistics are averaged and never corrected.
    Each local gradient g is replaced by g - c_k + c. Option II recovers the mean gradient from the
    way that a client went; with momentum m, the gradient of step j of J moves it by
    learning_rate * (1 - m^(J-j+1)) / (1 - m), so that is what the way is divided by.
    """

    def init(self, weights: Weights, num_clients: int) -> State:
        state = super().init(weights, num_clients)
        trained = {n: w for n, w in weights.items() if not n.endswith(("_mean", "_var"))}
        state["server"] = {name: torch.zeros_like(w) for name, w in trained.items()}
        state["client"] = {name: torch.zeros_like(state["local"][name]) for name in trained}
        return state

    def apply(
        self, state: State, cohort: Cohort, clients: Sequence[int], round: int, learning_rate: float
    ) -> tuple[State, dict[str, Tensor]]:
        new, diagnostics = super().apply(state, cohort, clients, round, learning_rate)
        steps = [
            effective_steps(
                num_steps(int(cohort.sizes[k]), cohort.sgd.epochs, cohort.sgd.batch_size),
                cohort.sgd.momentum,
            )
            for k in clients
        ]
        moved = learning_rate * torch.tensor(steps, device=cohort.images.device)
        chosen = list(clients)
        server, client = {}, {}
        for name, variate in state["client"].items():
            way = state["global"][name] - new["local"][name][chosen]
            mean_gradient = way / moved.view(-1, *[1] * (way.dim() - 1))
            updated = variate[chosen] - state["server"][name] + mean_gradient
            client[name] = variate.clone()
            client[name][chosen] = updated
            change = (updated - variate[chosen]).sum(0, keepdim=True) / len(variate)
            server[name] = state["server"][name] + change
        return {**new, "server": server, "client": client}, diagnostics

    def hook(self, state: State, group: list[int]) -> GradientHook:
        corrections = {
            name: (state["server"][name] - variate[group]).flatten(0, 1)
            for name, variate in state["client"].items()
        }

        def add_correction(parameters: dict[str, Tensor]) -> None:
            gradients = [p.grad for p in parameters.values()]
            torch._foreach_add_(gradients, [corrections[name] for name in parameters])

        return add_correction


ALGORITHMS = {"fedavg": FedAvg, "fedprox": FedProx, "scaffold": Scaffold}


def create(name: str, **options) -> FedAvg:
    """The algorithm ``name``; raises InputError if there is none or it has no such option."""
    if name not in ALGORITHMS:
        raise InputError(f"algorithm '{name}' is unknown{suggest(name, ALGORITHMS)}")
    return ALGORITHMS[name](**options)


def effective_steps(steps: int, momentum: float) -> float:
    """Sum over j = 1..J of (1 - m^(J-j+1)) / (1 - m): the weight of J gradients in J steps."""
    return sum((1 - momentum ** (steps - j)) / (1 - momentum) for j in range(steps))


def replace_rows(weights: Weights, rows: Sequence[int], new: Weights) -> Weights:
    """A copy of ``weights`` [N, ...] in which ``rows`` are those of ``new`` [len(rows), ...]."""
    return {
        name: w.index_copy(0, torch.tensor(rows, device=w.device), new[name])
        for name, w in weights.items()
    }
