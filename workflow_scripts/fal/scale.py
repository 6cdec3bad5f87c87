"""What of an experiment is made smaller, so that it runs on a small machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Gt, Lt

from fal.data import kinds
from fal.options import Options
from fal.query.strategies import STRATEGIES
from fal.query.strategies.inconsistent import Inconsistent

if TYPE_CHECKING:
    from fal.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Scale(Options):
    """Upper bounds that shrink an experiment; every figure and table made so says it."""

    images_per_client: Annotated[int, Ge(1)] | None = None
    """Training images per client: of each data set, so many for each of the first number in
    clients are drawn. Other numbers of clients share the same images."""
    image_size: Annotated[int, Ge(8)] | None = None
    """Height and width of the images."""
    rounds: Annotated[int, Ge(1)] | None = None
    """Communication rounds."""
    local_epochs: Annotated[int, Ge(1)] | None = None
    """Passes over a client's labeled images in each round."""
    distillation_epochs: Annotated[int, Ge(1)] | None = None
    """Passes over the labeled images in a distillation."""
    cycles: Annotated[int, Ge(0)] | None = None
    """Query cycles, of every data set."""
    seeds: Annotated[int, Ge(1)] | None = None
    """How many seeds, the first ones."""
    k: Annotated[float, Gt(0), Lt(1)] | None = None
    """What becomes of IFAL's k of 250, as a fraction of a client's unlabeled images; other counts
    in proportion. A client of few images has too few for the counts of the paper."""

    @property
    def words(self) -> str:
        """What was made smaller, for titles: 'scaled down to at most 10 rounds, 2 seeds'; or ''."""
        words = [
            text.format(value, "" if value == 1 else "s")
            for name, text in _WORDS.items()
            if (value := getattr(self, name)) is not None
        ]
        return f"scaled down to at most {', '.join(words)}" if words else ""


_WORDS = {
    "images_per_client": "{} image{} per client",
    "image_size": "{0}x{0} pixels",
    "rounds": "{} round{}",
    "local_epochs": "{} local epoch{}",
    "distillation_epochs": "{} epoch{} of distillation",
    "cycles": "{} query cycle{}",
    "seeds": "{} seed{}",
    "k": "k {} for 250",
}


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
        kind = kinds.create(options["kind"], **{k: v for k, v in options.items() if k != "kind"})
        known = kind.size()
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
