"""Federated averaging (McMahan et al., AISTATS 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fal.federated.algorithms.base import Algorithm, average, replace_rows

if TYPE_CHECKING:
    from fal.federated.algorithms.base import Diagnostics, State
    from fal.federated.cohort import Cohort
    from fal.federated.training import GradientCorrection


@dataclass(frozen=True, kw_only=True)
class FedAvg(Algorithm):
    """The global weights become the mean of the participants' local weights.

    The mean is weighted by the number of labeled examples and includes batch-norm statistics.
    """

    def apply(
        self,
        state: State,
        cohort: Cohort,
        clients: Sequence[int],
        round_index: int,
        learning_rate: float,
    ) -> tuple[State, Diagnostics]:
        local, loss = cohort.train(
            state["global"],
            clients,
            round_index,
            learning_rate,
            lambda group: self.gradient_correction(state, group),
        )
        sizes = cohort.sizes[list(clients)].to(loss)
        new = {
            **state,
            "global": average(local, sizes),
            "local": replace_rows(state["local"], clients, local),
        }
        return new, {"loss": loss}

    def gradient_correction(self, state: State, group: list[int]) -> GradientCorrection | None:
        """How the gradients of the clients in ``group`` are changed before each step."""
        return None
