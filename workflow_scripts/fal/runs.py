"""Which runs a configuration asks for: those that its figures show, or all combinations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fal.layout import SETTING
from fal.panels import grids, spreads
from fal.reporting.grids import Grid, overview
from fal.settings import Settings

Setting = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """What is run and drawn.

    compared: the settings and the strategies that are run in each. grids: the figures by name.
    """

    compared: tuple[tuple[Setting, tuple[str, ...]], ...]
    grids: Mapping[str, Grid]

    @cached_property
    def settings(self) -> list[Setting]:
        """The settings that something is run in."""
        return [setting for setting, _ in self.compared]

    @cached_property
    def partitions(self) -> list[Setting]:
        """The factors dataset, alpha and clients of all partitions that are run on or drawn."""
        shown = [p.setting for g in self.grids.values() if g.shows == "partition" for p in g.panels]
        factors = ("dataset", "alpha", "clients")
        found = [{factor: s[factor] for factor in factors} for s in (*self.settings, *shown)]
        return list({tuple(partition.values()): partition for partition in found}.values())


def plan(settings: Settings) -> Plan:
    """The runs and figures of a configuration.

    Where figures show accuracy or predictions, what they show is run; otherwise every combination
    of the levels of all factors with every strategy.

    Raises InputError as ``fal.panels.grids`` does.
    """
    figures = grids(settings)
    shown = [panel for g in figures.values() if g.shows != "partition" for panel in g.panels]
    if not shown:
        combinations = [
            dict(zip(SETTING, (dataset, model, alpha, clients, algorithm), strict=True))
            for dataset in settings.datasets
            for model in settings.models
            for alpha, clients in spreads(settings, dataset)
            for algorithm in settings.algorithms
        ]
        strategies = tuple(settings.strategies)
        return Plan(
            tuple((setting, strategies) for setting in combinations),
            {**overview(combinations, strategies), **figures},
        )
    strategies_of: dict[tuple, dict[str, None]] = {}
    for panel in shown:
        setting = tuple(panel.setting[factor] for factor in SETTING)
        strategies_of.setdefault(setting, {}).update(dict.fromkeys(panel.strategies))
    return Plan(
        tuple(
            (dict(zip(SETTING, setting, strict=True)), tuple(strategies))
            for setting, strategies in strategies_of.items()
        ),
        figures,
    )


def unshown(settings: Settings, plan: Plan) -> dict[str, list[str]]:
    """What the configuration lists but no figure shows, so that it is not run: names by key."""
    if all(figure.shows == "partition" for figure in settings.figures.values()):
        return {}
    used: dict[str, set[Any]] = {
        "datasets": {partition["dataset"] for partition in plan.partitions},
        "alphas": {partition["alpha"] for partition in plan.partitions},
        "clients": {partition["clients"] for partition in plan.partitions},
        "models": {setting["model"] for setting in plan.settings},
        "algorithms": {setting["algorithm"] for setting in plan.settings},
        "strategies": {name for _, strategies in plan.compared for name in strategies},
    }
    named = ("datasets", "models", "algorithms", "strategies")
    listed: dict[str, Iterable[Any]] = {key: getattr(settings, key) for key in named}
    if not settings.clients_from:
        spread = [level for dataset in settings.datasets for level in spreads(settings, dataset)]
        listed["alphas"], listed["clients"] = zip(*spread, strict=True)
    return {
        key: [str(name) for name in dict.fromkeys(names) if name not in used[key]]
        for key, names in listed.items()
    }
