"""Query strategies: the registry, and how to make one from its name and options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fal.errors import InputError
from fal.query.strategies.base import Strategy, check_needs
from fal.registry import Entry, Registry

_HERE = "fal.query.strategies"
_OF_EITHER_MODEL = {
    "entropy": ("uncertainty", "Entropy"),
    "margin": ("uncertainty", "Margin"),
    "least-confidence": ("uncertainty", "LeastConfidence"),
    "coreset": ("coreset", "Coreset"),
    "badge": ("badge", "Badge"),
    "gcnal": ("gcnal", "GCNAL"),
    "typiclust": ("typiclust", "TypiClust"),
}


class _Strategies(Registry[Strategy]):
    """Strategies by name; what a strategy needs is checked when it is made."""

    def parse(
        self, name: str, options: Mapping[str, Any], owner: str, prefix: str | None = None
    ) -> Strategy:
        strategy = super().parse(name, options, owner, prefix)
        try:
            check_needs(strategy)
        except InputError as error:
            raise InputError(f"{owner}: {error}") from None
        return strategy


STRATEGIES = _Strategies(
    "strategy",
    Strategy,
    {
        "random": Entry(f"{_HERE}.uniform", "Random"),
        "local-only": Entry(f"{_HERE}.local_only", "LocalOnly"),
        **{
            f"{role[0]}-{name}": Entry(f"{_HERE}.{module}", kind, {"role": role})
            for name, (module, kind) in _OF_EITHER_MODEL.items()
            for role in ("local", "global")
        },
        "kafal": Entry(f"{_HERE}.kafal", "KAFAL"),
        "logo": Entry(f"{_HERE}.logo", "LoGo"),
        "ifal": Entry(f"{_HERE}.ifal", "IFAL"),
        "ifal-balanced": Entry(f"{_HERE}.ifal_balanced", "BalancedIFAL"),
        "fairfal": Entry(f"{_HERE}.fairfal", "FairFAL"),
    },
)


def create(method: str, **options: Any) -> Strategy:
    """The strategy ``method`` with ``options``.

    method: a name in STRATEGIES, or ``path/to/file.py:Class`` for a user's own subclass of
    Strategy.

    Raises InputError if the name or an option is unknown or a value will not do.
    """
    return STRATEGIES.create(method, **options)
