"""No federation: every client trains alone ("local only", as in Collins et al., 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fal.federated.algorithms.base import Algorithm, replace_rows

if TYPE_CHECKING:
    from fal.federated.algorithms.base import Diagnostics, State
    from fal.federated.cohort import Cohort


@dataclass(frozen=True, kw_only=True)
class LocalOnly(Algorithm):
    """Each client goes on from its own weights, and nothing is sent.

    The global model stays the untrained one that all began with. A strategy asks for this
    algorithm (``Strategy.training``), whichever one the other strategies train with.
    """

    tested: ClassVar[str] = "local"
    down: ClassVar[tuple[str, ...]] = ()
    up: ClassVar[tuple[str, ...]] = ()

    def apply(
        self,
        state: State,
        cohort: Cohort,
        clients: Sequence[int],
        round_index: int,
        learning_rate: float,
    ) -> tuple[State, Diagnostics]:
        own = {name: w[list(clients)] for name, w in state["local"].items()}
        local, loss = cohort.train(own, clients, round_index, learning_rate)
        return {**state, "local": replace_rows(state["local"], clients, local)}, {"loss": loss}
