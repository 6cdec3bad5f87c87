"""Which pictures a run has: what each shows and is called. Light, for the workflow's rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from fal.errors import InputError, suggest
from fal.layout import SETTING, partition_name, setting_name
from fal.reporting.options import Factor, SideBySide

SUFFIXES = ("png", "pdf", "svg")
"""The formats that every picture is saved in."""

OWN_KINDS = ("inconsistency",)
"""Kinds of pictures that only those strategies have that name them."""

Setting = Mapping[str, Any]


@dataclass(frozen=True)
class Picture:
    """One picture of a run.

    kind: accuracy, side_by_side, partition, queries or inconsistency; its file is called
    ``{kind}_{name}``. of: the factors and the strategy that it is about, for those who look for it.
    """

    kind: str
    name: str
    of: Mapping[str, Any] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The name of its files, without the suffix."""
        return f"{self.kind}_{self.name}"


def pictures(
    settings: Sequence[Setting],
    seeds: Iterable[int],
    strategies: Mapping[str, Collection[str]],
    side_by_side: Iterable[str],
    queried: bool,
) -> list[Picture]:
    """All pictures of a run, in the order in which they are looked at.

    settings: each with the factors ``SETTING``. strategies: the kinds of figures of its own that
    each strategy has. side_by_side: names of figures of several settings. queried: whether the run
    has a cycle that is followed by a query.

    Raises InputError if a strategy names a kind of figure that there is not.
    """
    for strategy, own_kinds in strategies.items():
        for kind in own_kinds:
            if kind not in OWN_KINDS:
                raise InputError(
                    f"strategy '{strategy}' names the figure '{kind}', which is unknown"
                    f"{suggest(kind, OWN_KINDS)}"
                )
    found = [Picture("side_by_side", name) for name in side_by_side]
    found += [Picture("accuracy", setting_name(s), s) for s in settings]
    partitions = [
        {**{factor: s[factor] for factor in ("dataset", "alpha", "clients")}, "seed": seed}
        for s in settings
        for seed in seeds
    ]
    found += [
        Picture("partition", name, partition)
        for name, partition in {partition_name(p): p for p in partitions}.items()
    ]
    for setting in settings if queried else ():
        for strategy, own_kinds in strategies.items():
            name = f"{setting_name(setting)}_{strategy}"
            of = {**setting, "strategy": strategy}
            found += [Picture(kind, name, of) for kind in ("queries", *own_kinds)]
    return found


def figures_or_default(
    figures: Mapping[str, SideBySide], settings: Sequence[Setting]
) -> dict[str, SideBySide]:
    """The figures of several settings that were asked for.

    Where none were: if the settings of the run differ in exactly one factor, the one over it.
    """
    if figures:
        return dict(figures)
    differing = [f for f in get_args(Factor) if len({s[f] for s in settings}) > 1]
    return {differing[0]: SideBySide(over=differing[0])} if len(differing) == 1 else {}


def panels(settings: Iterable[Setting], over: str) -> list[list[Setting]]:
    """The settings as rows of panels: the levels of the factor ``over`` side by side."""
    rows: dict[tuple, list[Setting]] = {}
    for setting in settings:
        others = tuple(setting[factor] for factor in SETTING if factor != over)
        rows.setdefault(others, []).append(setting)
    return list(rows.values())
