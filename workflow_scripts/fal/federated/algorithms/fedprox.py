"""FedProx (Li et al., MLSys 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

from fal.federated.algorithms.base import add_to_gradients
from fal.federated.algorithms.fedavg import FedAvg

if TYPE_CHECKING:
    from torch import Tensor

    from fal.federated.algorithms.base import State
    from fal.federated.training import GradientCorrection


@dataclass(frozen=True, kw_only=True)
class FedProx(FedAvg):
    """FedAvg with the proximal term mu/2 * ||w - w_global||^2 in each client's loss."""

    mu: Annotated[float, Ge(0)] = 0.01
    """Weight of the proximal term."""

    def gradient_correction(self, state: State, group: list[int]) -> GradientCorrection:
        import torch

        from fal.federated.models import joined

        anchor = {
            name: joined(w.repeat_interleave(len(group), dim=0))
            for name, w in state["global"].items()
        }

        def add_proximal_gradient(parameters: Mapping[str, Tensor]) -> None:
            weights = [p.detach() for p in parameters.values()]
            displacement = torch._foreach_sub(weights, [anchor[name] for name in parameters])
            change = dict(zip(parameters, displacement, strict=True))
            add_to_gradients(parameters, change, self.mu)

        return add_proximal_gradient
