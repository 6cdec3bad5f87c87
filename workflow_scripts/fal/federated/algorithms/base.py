"""What every federated learning algorithm is.

An algorithm is ``init(weights, num_clients) -> state`` and ``apply(state, cohort, ...) -> (state,
diagnostics)``, the form of FedJAX (Ro et al., 2021). The state is a dict of dicts of tensors and is
all there is to a training: saved and loaded, it goes on as if nothing had happened.

Files of algorithms import torch inside functions only: the classes are cheap to ask for options.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fal.options import Options

if TYPE_CHECKING:
    from torch import Tensor

    from fal.federated.cohort import Cohort
    from fal.federated.models import Weights

    State = dict[str, Weights]
    Diagnostics = dict[str, Tensor]

BATCH_NORM_STATISTICS = ("running_mean", "running_var")


@dataclass(frozen=True, kw_only=True)
class Algorithm(Options):
    """Base of all algorithms; its dataclass fields are its options.

    state["global"]: weights [1, ...] of the global model.
    state["local"]: weights [N, ...] of each client's model after its last local update, before
    aggregation (the initial model for a client that has never taken part).
    Further parts are the algorithm's own.
    """

    tested: ClassVar[str] = "global"
    """The part of the state whose models are tested; of several, the mean is told."""
    down: ClassVar[tuple[str, ...]] = ("global",)
    """Parts of the state that the server sends to each participant of a round."""
    up: ClassVar[tuple[str, ...]] = ("local",)
    """Parts of the state of which each participant sends its own row to the server."""

    def init(self, weights: Weights, num_clients: int) -> State:
        """State before the first round; weights: [1, ...]."""
        local = {name: w.repeat(num_clients, *[1] * (w.dim() - 1)) for name, w in weights.items()}
        return {"global": dict(weights), "local": local}

    def apply(
        self,
        state: State,
        cohort: Cohort,
        clients: Sequence[int],
        round_index: int,
        learning_rate: float,
    ) -> tuple[State, Diagnostics]:
        """One round in which ``clients`` take part; ``state`` is left as it is.

        diagnostics["loss"]: mean loss [len(clients)] of each client's last local epoch.
        """
        raise NotImplementedError

    def traffic(self, state: State) -> dict[str, int]:
        """Bytes that one participant receives (``down``) and sends (``up``) in a round."""

        def row_bytes(parts: Sequence[str]) -> int:
            weights = (w for part in parts for w in state[part].values())
            return sum(w[0].numel() * w.element_size() for w in weights)

        return {"down": row_bytes(self.down), "up": row_bytes(self.up)}


def average(weights: Weights, sizes: Tensor) -> Weights:
    """The mean [1, ...] of weights [n, ...], weighted by ``sizes`` [n]."""
    import torch

    share = sizes / sizes.sum()
    return {name: torch.tensordot(share, w, dims=1).unsqueeze(0) for name, w in weights.items()}


def replace_rows(weights: Weights, rows: Sequence[int], new: Weights) -> Weights:
    """A copy of ``weights`` [N, ...] in which ``rows`` are those of ``new`` [len(rows), ...]."""
    import torch

    return {
        name: w.index_copy(0, torch.tensor(list(rows), device=w.device), new[name])
        for name, w in weights.items()
    }


def trained(weights: Weights) -> Weights:
    """The weights without batch-norm statistics, which no gradient moves."""
    return {name: w for name, w in weights.items() if not name.endswith(BATCH_NORM_STATISTICS)}


def add_to_gradients(
    parameters: Mapping[str, Tensor], change: Mapping[str, Tensor], factor: float = 1.0
) -> None:
    """Add ``factor`` times ``change``, given by name, to the parameters' gradients in place."""
    import torch

    pairs = [(p.grad, change[name]) for name, p in parameters.items() if p.grad is not None]
    gradients, changes = [gradient for gradient, _ in pairs], [change for _, change in pairs]
    torch._foreach_add_(gradients, changes, alpha=factor)
