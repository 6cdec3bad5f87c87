"""An experiment made smaller, as its scale says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fal.data.kinds import KINDS
from fal.entries import create
from fal.query.strategies import STRATEGIES
from fal.query.strategies.inconsistent import Inconsistent
from fal.settings import Settings


def shrink(settings: Settings) -> Settings:
    """A checked configuration made smaller as its ``scale`` says."""
    scale, labeling = settings.scale, settings.labeling
    training, distillation = settings.training, settings.distillation
    return replace(
        settings,
        datasets={name: _smaller_images(name, settings) for name in settings.datasets},
        strategies={name: _fewer_arrows(s, scale.k) for name, s in settings.strategies.items()},
        seeds=settings.seeds[: scale.seeds],
        labeling=replace(
            labeling,
            cycles=_at_most(scale.cycles, labeling.cycles),
            cycles_of={n: _at_most(scale.cycles, c) for n, c in labeling.cycles_of.items()},
        ),
        training=replace(
            training,
            rounds=_at_most(scale.rounds, training.rounds),
            local_epochs=_at_most(scale.local_epochs, training.local_epochs),
        ),
        distillation=replace(
            distillation, epochs=_at_most(scale.distillation_epochs, distillation.epochs)
        ),
    )


def _smaller_images(name: str, settings: Settings) -> dict[str, Any]:
    """The options of a data set, with image_size and train_size as the scale has them."""
    options, scale = dict(settings.datasets[name]), settings.scale
    if scale.image_size is not None and "image_size" in options:
        options["image_size"] = _at_most(options.get("image_size"), scale.image_size)
    if scale.images_per_client is not None and "train_size" in options:
        images = scale.images_per_client * settings.spreads(name)[0][1]
        known = create(KINDS, f"datasets.{name}", options, "kind").size()
        options["train_size"] = min(images, known[1]) if known else images
    return options


def _fewer_arrows(strategy: Mapping[str, Any], k: float | None) -> dict[str, Any]:
    """The options of a strategy; a count of arrows becomes a fraction."""
    kind, _ = STRATEGIES.find(strategy["method"])
    count = strategy.get("k", Inconsistent.k)
    if k is None or not issubclass(kind, Inconsistent) or count < 1:
        return dict(strategy)
    return {**strategy, "k": min(round(k * count / Inconsistent.k, 6), 0.999999)}


def _at_most(bound: int | None, value: int) -> int:
    return value if bound is None else min(value, bound)
