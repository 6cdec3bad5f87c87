"""What a configuration will leave on the disk, before anything is run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fal.data.kinds import KINDS
from fal.entries import create
from fal.federated.networks import NETWORKS
from fal.query.strategies import STRATEGIES
from fal.runs import Plan
from fal.settings import Settings

BYTES_PER_SCORE = 60
"""Of one unlabeled image in one query, scores.parquet, compressed: six columns, mostly."""


def remaining_bytes(settings: Settings, plan: Plan) -> int | None:
    """About how many bytes all runs leave behind; None where a size is not known beforehand.

    Counted are models and scores, which are nearly all there is without ``keep: [outputs]``: for
    each setting and seed the clients' models of the common cycle 0, and for each strategy a global
    model and the scores of each cycle and the clients' models of the last one. With
    ``keep: [clients]`` those of all cycles stay, the distilled ones too.
    """
    kept_clients = "clients" in settings.keep
    total = 0.0
    for setting, names in plan.compared:
        dataset, model = setting["dataset"], setting["model"]
        kind = create(KINDS, f"datasets.{dataset}", settings.datasets[dataset], "kind")
        network = create(NETWORKS, f"models.{model}", settings.models[model], "method")
        size, weights = kind.size(), network.weight_bytes
        if size is None or weights is None:
            return None
        clients = setting["clients"] * weights
        cycles = settings.labeling.cycles_on(dataset)
        scores = size[1] * BYTES_PER_SCORE
        per_strategy = cycles * (weights + scores) + (cycles if kept_clients else 1) * clients
        distilled = sum("kd" in _needs(name, settings.strategies[name]) for name in names)
        total += weights + (2 if distilled else 1) * clients + len(names) * per_strategy
        if kept_clients:
            total += distilled * max(0, cycles - 1) * clients
    return round(total * len(settings.seeds))


def _needs(name: str, options: Mapping[str, Any]) -> tuple[str, ...]:
    return create(STRATEGIES, f"strategies.{name}", options, "method").needs
