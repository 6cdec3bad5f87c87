"""Figures as grids of panels: which setting and which strategies each panel shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fal.layout import SETTING, factor_title

Setting = Mapping[str, Any]


@dataclass(frozen=True)
class Panel:
    """One panel of a figure: a setting (of all factors ``SETTING``) and the strategies shown."""

    title: str
    setting: Setting
    strategies: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """A figure: what it shows (see ``Figure.shows``), and its rows of panels, equally long."""

    shows: str
    rows: tuple[tuple[Panel, ...], ...]
    title: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    client: int = 0

    @property
    def panels(self) -> list[Panel]:
        return [panel for row in self.rows for panel in row]


def overview(settings: Sequence[Setting], strategies: Sequence[str]) -> dict[str, Grid]:
    """The figure of a run that has none configured: all its settings, where they are several.

    The levels of the last factor in which settings differ stand side by side.
    """
    differing = [factor for factor in SETTING if len({s[factor] for s in settings}) > 1]
    if not differing:
        return {}
    rows: dict[tuple, list[Panel]] = {}
    for setting in settings:
        title = ", ".join(factor_title(factor, setting[factor]) for factor in differing)
        row = tuple(setting[factor] for factor in differing[:-1])
        rows.setdefault(row, []).append(Panel(title, setting, tuple(strategies)))
    return {"overview": Grid("accuracy", tuple(map(tuple, rows.values())))}
