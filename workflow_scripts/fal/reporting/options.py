"""Which figures show several settings or several results folders, as the configuration says it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import MinLen

from fal.errors import InputError, suggest
from fal.options import Options, Words

Factor = Literal["dataset", "model", "alpha", "clients", "algorithm"]

Compare = Mapping[
    str, Annotated[str, MinLen(1), Words("the path of another run's tables/accuracy.csv")]
]
"""The section ``compare``: accuracy tables of other results folders by the label that their curves
get in the figures of this run."""


@dataclass(frozen=True, kw_only=True)
class SideBySide(Options):
    """A figure of accuracy curves in panels side by side, one for each level of a factor.

    The settings of a run that differ in other factors become further rows of panels.
    """

    over: Factor
    """Factor whose levels stand side by side: dataset, model, alpha, clients or algorithm."""
    strategies: Annotated[tuple[str, ...], MinLen(1)] | None = None
    """Strategies that are drawn; null: all."""

    def check(self, name: str, strategies: Collection[str]) -> None:
        """Raise InputError if the figure ``name`` shows a strategy that the run does not have."""
        for strategy in self.strategies or ():
            if strategy not in strategies:
                raise InputError(
                    f"figures.{name}.strategies has '{strategy}', which is no strategy of this "
                    f"run{suggest(strategy, strategies)}"
                )
