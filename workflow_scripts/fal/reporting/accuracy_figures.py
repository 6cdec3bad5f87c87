"""Figures of accuracy curves, in one panel or many, of this run and of others."""

import itertools
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy import stats

from fal.layout import SETTING, SHARED
from fal.reporting.drawing import (
    legend_below,
    literal,
    name_axes,
    panel_grid,
    seeds_text,
    strategy_styles,
)
from fal.reporting.grids import Grid, Panel
from fal.reporting.ranking import comparable_rows
from fal.reporting.tables import of_setting

LEVEL = 0.95
"""What the intervals cover."""

_OTHER_LINES = [(0, (5, 1.5, 1, 1.5)), (0, (1, 1.5)), (0, (5, 1.5, 1, 1.5, 1, 1.5))]
"""Lines of other results folders: none of them is the line of a strategy of this run."""


@dataclass(frozen=True)
class Curves:
    """What accuracy figures are drawn from.

    table: rows as of ``fal.reporting.tables.accuracy_table``. compared: those of other results
    folders, by label. strategies: the names of all strategies of the run, which looks depend on.
    seeds, cycles: what is to be there, query cycles by data set.
    """

    table: pd.DataFrame
    strategies: Sequence[str]
    seeds: Collection[int]
    cycles: Mapping[str, int]
    compared: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def mean_curves(table: pd.DataFrame) -> pd.DataFrame:
    """Mean accuracy of each strategy and cycle over seeds, with Student's interval of 95%.

    table: rows of one setting, of which those of ``fal.reporting.ranking.comparable_rows`` count.
    Columns: strategy, cycle, labeled_fraction, seeds (how many), mean, low, high (percent; both NaN
    for a single seed).
    """
    curves = (
        comparable_rows(table)
        .groupby(["strategy", "cycle"], as_index=False)
        .agg(
            labeled_fraction=("labeled_fraction", "mean"),
            seeds=("seed", "nunique"),
            mean=("accuracy", "mean"),
            error=("accuracy", "sem"),
        )
    )
    reach = curves.pop("error") * stats.t.ppf((1 + LEVEL) / 2, curves["seeds"] - 1)
    return curves.assign(low=curves["mean"] - reach, high=curves["mean"] + reach)


OWN = "this run"
"""What the results of this run are called beside those of others."""


def accuracy_figure(
    grid: Grid, curves: Curves, width: float, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Test accuracy against labeled images: mean and 95% interval over seeds, panel by panel.

    Panels of one data set share their axes, all panels share a legend. What is missing is named in
    its panel. width: of a figure of several columns, in inches. note: further words on what is
    shown.

    Returns the figure and its numbers: panel, the setting, result (this run, or a label of
    ``curves.compared``), and the columns of ``mean_curves``.
    """
    shown = list(dict.fromkeys(s for panel in grid.panels for s in panel.strategies))
    styles = strategy_styles(dict.fromkeys([*curves.strategies, *shown]))
    tables = [numbers_of_panel(panel, curves) for panel in grid.panels]
    numbers = pd.concat(tables, ignore_index=True)
    labels = [label for label in curves.compared if (numbers["result"] == label).any()]
    lines = dict(zip(labels, itertools.cycle(_OTHER_LINES), strict=False))
    figure, axes_of = panel_grid(grid, width, [_spread(numbers), note])
    for axes, panel, own in zip(axes_of, grid.panels, tables, strict=True):
        _draw_curves(axes, own[own["result"] == OWN], panel.strategies, styles)
        for label, line in lines.items():
            _draw_other(axes, own[own["result"] == label], styles, line)
        _name_shares(axes, own)
        _tell_missing(axes, missing_results(panel, curves))
    _share_limits(axes_of, grid.panels, tables)
    name_axes(axes_of, len(grid.rows[0]), "labeled images (%)", "test accuracy (%)")
    handles = [
        Line2D([], [], label=literal(grid.labels.get(name, name)), **styles[name]) for name in shown
    ]
    legend_below(figure, [*handles, *_legend_of_others(lines)])
    return figure, numbers


def numbers_of_panel(panel: Panel, curves: Curves) -> pd.DataFrame:
    """What a panel shows, in the order of its strategies; see ``accuracy_figure``."""
    parts = []
    for label, table in {OWN: curves.table, **curves.compared}.items():
        found = mean_curves(_rows_of(panel, table))
        place = found["strategy"].map({s: i for i, s in enumerate(panel.strategies)})
        found = found.assign(place=place).sort_values(["place", "cycle"]).drop(columns="place")
        parts.append(found.assign(result=label))
    whole = pd.concat(parts, ignore_index=True)
    factors = {"panel": panel.title, **{f: panel.setting[f] for f in SETTING}}
    whole = whole.assign(**factors)
    return whole[[*factors, "result", *whole.columns.drop([*factors, "result"])]]


def _rows_of(panel: Panel, table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a panel's strategies. A cycle 0 that nothing has followed yet is that of all."""
    rows = of_setting(table, panel.setting)
    shared = rows[rows["strategy"] == SHARED]
    copies = [shared.assign(strategy=name) for name in panel.strategies if len(shared)]
    return pd.concat([rows[rows["strategy"].isin(panel.strategies)], *copies])


def missing_results(panel: Panel, curves: Curves) -> str:
    """What of a panel is not there: 'random 3 of 12, ifal all'; '' if nothing is."""
    rows = _rows_of(panel, curves.table)
    expected = len(curves.seeds) * (curves.cycles[panel.setting["dataset"]] + 1)
    missing = []
    for strategy in panel.strategies:
        own = rows[(rows["strategy"] == strategy) & rows["seed"].isin(curves.seeds)]
        lacking = expected - len(own)
        if lacking > 0:
            missing.append(f"{strategy} {'all' if own.empty else f'{lacking} of {expected}'}")
    return ", ".join(missing)


def _spread(numbers: pd.DataFrame) -> str:
    seeds = numbers.loc[numbers["result"] == OWN, "seeds"]
    interval = f", with Student's interval of {LEVEL:.0%}" if seeds.max() > 1 else ""
    return f"{seeds_text(seeds)}{interval}"


def _draw_curves(
    axes: Axes,
    numbers: pd.DataFrame,
    strategies: Sequence[str],
    styles: Mapping[str, Mapping[str, Any]],
) -> None:
    """The mean of each strategy, and its intervals beside one another.

    That of first models which several strategies share is drawn once.
    """
    apart = _distance(numbers) / (len(strategies) + 2)
    same = ["cycle", "mean", "low", "high"]
    shared = (numbers["cycle"] == 0) & numbers.duplicated(same, keep=False)
    for place, strategy in enumerate(strategies):
        own = numbers["strategy"] == strategy
        curve, style = numbers[own], styles[strategy]
        axes.plot(100 * curve["labeled_fraction"], curve["mean"], label=strategy, **style)
        aside = apart * (place - (len(strategies) - 1) / 2)
        _draw_intervals(axes, numbers[own & ~shared], aside, style["color"], style["zorder"] - 1)
    if shared.any():
        _draw_intervals(axes, numbers[shared].drop_duplicates(same), 0, "#444444", 2)


def _draw_intervals(
    axes: Axes, numbers: pd.DataFrame, aside: float, color: str, zorder: float
) -> None:
    """What intervals there are, ``aside`` from their labeled images, in percent."""
    known = numbers[numbers["low"].notna()]
    axes.errorbar(
        100 * known["labeled_fraction"] + aside,
        known["mean"],
        yerr=known["high"] - known["mean"],
        fmt="none",
        ecolor=color,
        elinewidth=0.8,
        alpha=0.7,
        zorder=zorder,
    )


def _distance(numbers: pd.DataFrame) -> float:
    """A quarter of the way, in percent, from one cycle's labeled images to the next."""
    shares = np.unique(np.round(100 * numbers["labeled_fraction"], 3))
    return 0.25 * float(np.diff(shares).min()) if len(shares) > 1 else 0.25


def _draw_other(
    axes: Axes, numbers: pd.DataFrame, styles: Mapping[str, Mapping[str, Any]], line: Any
) -> None:
    """The means of another results folder."""
    changed = {"linestyle": line, "linewidth": 0.9, "markersize": 3, "alpha": 0.8}
    for strategy, curve in numbers.groupby("strategy", sort=False):
        style = {**styles[str(strategy)], **changed}
        axes.plot(100 * curve["labeled_fraction"], curve["mean"], label="_", **style)


def _name_shares(axes: Axes, numbers: pd.DataFrame) -> None:
    """A tick for each share of labeled images, unless they are many."""
    ticks = np.unique(np.round(100 * numbers["labeled_fraction"], 1))
    if 0 < len(ticks) <= 12:
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])


def _tell_missing(axes: Axes, missing: str) -> None:
    if missing:
        axes.annotate(
            textwrap.fill(f"missing: {missing}", 44),
            (0.03, 0.97),
            xycoords="axes fraction",
            va="top",
            fontsize="x-small",
            color="#a00000",
            in_layout=False,
            zorder=6,
        )


def _share_limits(
    axes_of: Sequence[Axes], panels: Sequence[Panel], tables: Sequence[pd.DataFrame]
) -> None:
    """The same limits for all panels of a data set.

    Intervals have as much room above and below as the means span; what is longer is cut.
    """
    for dataset in {panel.setting["dataset"] for panel in panels}:
        own = [place for place, p in enumerate(panels) if p.setting["dataset"] == dataset]
        numbers = pd.concat([tables[place] for place in own])
        if numbers.empty:
            continue
        lowest, highest = numbers["mean"].min(), numbers["mean"].max()
        room = max(highest - lowest, 1)
        low = max(numbers[["mean", "low"]].min(axis=None), lowest - room, 0)
        high = min(numbers[["mean", "high"]].max(axis=None), highest + room, 100)
        edge = 0.05 * (high - low)
        x = [limit for place in own for limit in axes_of[place].get_xlim()]
        for place in own:
            axes_of[place].set(xlim=(min(x), max(x)), ylim=(low - edge, high + edge))


def _legend_of_others(lines: Mapping[str, Any]) -> list[Artist]:
    """Whose lines are whose, where there are other results."""
    if not lines:
        return []
    own = Line2D([], [], color="#222222", linewidth=1.3, label=OWN)
    others = [
        Line2D([], [], color="#222222", linewidth=1, linestyle=line, label=literal(label))
        for label, line in lines.items()
    ]
    return [own, *others]
