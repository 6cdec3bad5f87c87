"""Figures of accuracy: curves of one setting, of several side by side, of several results."""

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fal.reporting.drawing import STYLE, literal, strategy_styles
from fal.reporting.ranking import ranking
from fal.reporting.tables import summary_table

_OTHER_LINES = [(0, (5, 1.5, 1, 1.5)), (0, (1, 1.5)), (0, (5, 1.5, 1, 1.5, 1, 1.5))]
"""Lines of other results folders: none of them is the line of a strategy of this run."""


@matplotlib.rc_context(STYLE)
def accuracy_curves(
    table: pd.DataFrame, title: str = "", compared: Mapping[str, pd.DataFrame] | None = None
) -> Figure:
    """Test accuracy against labeled images of one setting: mean and standard deviation of seeds.

    table: rows of one setting, as ``fal.reporting.tables.accuracy_table`` makes them. compared:
    rows of the same setting from other results folders, by label.
    """
    compared = compared or {}
    strategies = _best_first([table, *compared.values()])
    entries = len(strategies) + (len(compared) + 1 if compared else 0)
    legend_columns = -(-entries // 16) if entries > 6 else 0
    figure = Figure(figsize=(5.6 + 2 * legend_columns, 4.2), layout="constrained")
    axes = figure.subplots()
    _draw_panel(axes, table, strategies, compared)
    _name_shares(axes, [table, *compared.values()])
    axes.set(xlabel="labeled images (%)", ylabel="test accuracy (%)")
    axes.set_title(f"{title}\n{_spread(table)}" if title else _spread(table), loc="left")
    handles = _legend(strategies, compared)
    if legend_columns:
        figure.legend(handles=handles, loc="outside right center", ncols=legend_columns)
    else:
        axes.legend(handles=handles, loc="lower right")
    return figure


@dataclass(frozen=True)
class Panel:
    """One setting among several: its title and rows, and those of other results by label."""

    title: str
    table: pd.DataFrame
    compared: Mapping[str, pd.DataFrame] = field(default_factory=dict)


@matplotlib.rc_context(STYLE)
def accuracy_panels(
    rows: Sequence[Sequence[Panel]], title: str = "", shared_accuracy: bool = True
) -> Figure:
    """Accuracy curves of several settings side by side, with one legend for all.

    rows: of panels, all rows equally long. shared_accuracy: one accuracy axis for a row, which
    makes no sense where the panels are of different data sets.
    """
    panels = [panel for row in rows for panel in row]
    tables = [table for p in panels for table in (p.table, *p.compared.values())]
    strategies = _best_first(tables)
    labels = dict.fromkeys(label for panel in panels for label in panel.compared)
    entries = len(strategies) + (len(labels) + 1 if labels else 0)
    legend_columns = -(-entries // (14 * len(rows)))
    size = (1.2 + 2.7 * len(rows[0]) + 1.5 * legend_columns, 0.9 + 2.7 * len(rows))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(
        len(rows),
        len(rows[0]),
        sharex=True,
        sharey="row" if shared_accuracy else False,
        squeeze=False,
    )
    for axes, panel in zip(grid.flat, panels, strict=True):
        _draw_panel(axes, panel.table, strategies, panel.compared)
        axes.set_title(literal(panel.title), loc="left")
    _name_shares(grid[0, 0], tables)
    shown = pd.concat([panel.table for panel in panels])
    figure.suptitle(f"{title}\n{_spread(shown)}".lstrip("\n"), x=0.01, ha="left")
    figure.supxlabel("labeled images (%)", fontsize="medium")
    figure.supylabel("test accuracy (%)", fontsize="medium")
    handles = _legend(strategies, labels)
    figure.legend(handles=handles, loc="outside right center", ncols=legend_columns)
    return figure


def _best_first(tables: Sequence[pd.DataFrame]) -> list[str]:
    """The strategies by the area under their curves, mean over all settings, the best first."""
    ranks = pd.concat([ranking(table) for table in tables if len(table)])
    areas = ranks.groupby("strategy")["area_mean"].mean()
    return list(
        areas.reset_index().sort_values(["area_mean", "strategy"], ascending=[False, True])[
            "strategy"
        ]
    )


def _spread(table: pd.DataFrame) -> str:
    seeds = table["seed"].nunique()
    return f"mean and standard deviation of {seeds} seeds" if seeds > 1 else "one seed"


def _draw_panel(
    axes: Axes,
    table: pd.DataFrame,
    strategies: Sequence[str],
    compared: Mapping[str, pd.DataFrame],
) -> None:
    """The curves of one setting, and those of other results in lines of their own."""
    styles = strategy_styles(strategies)
    _draw_curves(axes, table, styles, band=min(0.15, 0.5 / len(strategies)))
    for other, line in zip(compared.values(), itertools.cycle(_OTHER_LINES), strict=False):
        changed = {"linestyle": line, "linewidth": 1.0, "markersize": 3.5, "alpha": 0.8}
        others = {name: style | changed for name, style in styles.items()}
        _draw_curves(axes, other, others, band=0, named=False)


def _draw_curves(
    axes: Axes,
    table: pd.DataFrame,
    styles: dict[str, dict[str, Any]],
    band: float,
    named: bool = True,
) -> None:
    """Mean and (as a band of this opacity) standard deviation of each strategy's seeds."""
    summary = summary_table(table)
    for strategy, style in styles.items():
        curve = summary[summary["strategy"] == strategy].sort_values("cycle")
        if curve.empty:
            continue
        x = 100 * curve["labeled_fraction"].to_numpy()
        mean = curve["accuracy_mean"].to_numpy()
        spread = curve["accuracy_std"].fillna(0).to_numpy()
        axes.plot(x, mean, label=literal(strategy) if named else "_", **style)
        if band and spread.any():
            axes.fill_between(
                x, mean - spread, mean + spread, color=style["color"], alpha=band, linewidth=0
            )


def _name_shares(axes: Axes, tables: Sequence[pd.DataFrame]) -> None:
    """A tick for each share of labeled images, unless they are many."""
    shares = np.concatenate([summary_table(table)["labeled_fraction"] for table in tables])
    ticks = np.unique(np.round(100 * shares, 1))
    if len(ticks) <= 12:
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])


def _legend(strategies: Iterable[str], labels: Collection[str]) -> list[Artist]:
    """Entries for the strategies and, where there are other results, for whose lines are whose."""
    styles = strategy_styles(strategies).items()
    entries: list[Artist] = [Line2D([], [], label=literal(s), **style) for s, style in styles]
    if not labels:
        return entries
    own = Line2D([], [], color="#222222", linewidth=1.3, label="this run")
    others = [
        Line2D([], [], color="#222222", linewidth=1.0, linestyle=line, label=literal(label))
        for label, line in zip(labels, itertools.cycle(_OTHER_LINES), strict=False)
    ]
    return [*entries, own, *others]
