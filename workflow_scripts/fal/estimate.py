"""What a configuration will leave on the disk, before anything is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from fal.data import kinds
from fal.federated import networks
from fal.query import strategies
from fal.runs import Plan
from fal.settings import Settings

T = TypeVar("T")

BYTES_PER_SCORE = 60
"""Of one unlabeled image in one query, scores.parquet, compressed: six columns, mostly."""


def remaining_bytes(settings: Settings, plan: Plan) -> int | None:
    """About how many bytes all runs leave behind; None where a size is not known beforehand.

    Counted are models and scores, which are nearly all there is: for each setting and seed the
    clients' models of the common cycle 0, and for each strategy a global model and the scores of
    each cycle and the clients' models of the last one (of all cycles, with ``keep: [clients]``).
    """
    kept_clients = "clients" in settings.keep
    total = 0.0
    for setting, names in plan.compared:
        size = _create(kinds.create, settings.datasets[setting["dataset"]], "kind").size()
        model = settings.models[setting["model"]]
        weights = _create(networks.create, model, "method").weight_bytes
        if size is None or weights is None:
            return None
        clients = setting["clients"] * weights
        cycles = settings.labeling.cycles_on(setting["dataset"])
        scores = size[1] * BYTES_PER_SCORE
        per_strategy = cycles * (weights + scores) + (cycles if kept_clients else 1) * clients
        distilled = any("kd" in _needs(settings.strategies[name]) for name in names)
        total += weights + (2 if distilled else 1) * clients + len(names) * per_strategy
    return round(total * len(settings.seeds))


def _create(create: Callable[..., T], options: Mapping[str, Any], word: str) -> T:
    return create(options[word], **{key: value for key, value in options.items() if key != word})


def _needs(options: Mapping[str, Any]) -> tuple[str, ...]:
    return _create(strategies.create, options, "method").needs
