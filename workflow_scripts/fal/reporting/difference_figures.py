"""How far each strategy is from a reference: paired by seed, so that seeds do not blur it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fal.reporting.drawing import literal, notes_below, seeds_text, strategy_styles
from fal.reporting.ranking import run_measures
from fal.reporting.verdicts import verdict_table

MEASURES = {"area": "area under the curve", "final": "accuracy in the end"}
"""What the columns of the figure compare by, and what they are called."""

_COLUMNS = ["measure", "reference", "strategy", "seed", "difference", "low", "high", "seeds"]
_ROW, _AROUND = 0.22, 0.42
"""Inches from one strategy to the next, and of what is around a panel."""


def difference_numbers(table: pd.DataFrame, reference: str) -> pd.DataFrame:
    """What is drawn of one setting: the differences, the best by area first.

    table: rows of the setting, as of ``fal.reporting.tables.accuracy_table``. Columns: measure,
    reference, strategy; seed (NaN: the mean over the pairs); difference, low, high (percentage
    points; the interval is that of ``fal.reporting.verdicts.verdict_table``, and NaN for a single
    seed); seeds (pairs). Empty where nothing can be compared with the reference.
    """
    means = verdict_table(table, [reference], list(MEASURES)).query("seeds > 0")
    measured = run_measures(table)
    base = measured[measured["strategy"] == reference].set_index("seed")
    seeds = [
        measured[["strategy", "seed"]].assign(
            measure=measure,
            reference=reference,
            difference=measured[measure] - measured["seed"].map(base[measure]),
        )
        for measure in MEASURES
    ]
    by_area = means[means["measure"] == "area"].sort_values("difference", ascending=False)
    best_first = by_area["strategy"].to_list()
    found = pd.concat([means, *seeds]).reindex(columns=_COLUMNS).dropna(subset="difference")
    found = found[found["strategy"].isin(best_first)]
    place = found["strategy"].map(best_first.index)
    return (
        found.assign(place=place)
        .sort_values(["measure", "place", "seed"], na_position="first", ignore_index=True)
        .drop(columns="place")
        .astype({"seed": "Int64"})
    )


def difference_figure(
    settings: Mapping[str, pd.DataFrame], strategies: Sequence[str], width: float, note: str = ""
) -> Figure:
    """A row for each strategy: its mean difference from the reference, with its interval, and that
    of each seed.

    settings: the ``difference_numbers`` of each setting, by title. strategies: the names of all
    strategies of the run, which looks depend on. width: in inches. note: further words on what is
    shown.

    Settings stand one below another, the measures beside one another.
    """
    shown = {title: numbers for title, numbers in settings.items() if len(numbers)}
    if not shown:
        figure = Figure(figsize=(width, 1))
        figure.text(0.5, 0.5, "there is nothing to compare", ha="center")
        return figure
    styles = strategy_styles(strategies)
    heights = [_AROUND + _ROW * numbers["strategy"].nunique() for numbers in shown.values()]
    figure = Figure(figsize=(width, sum(heights) + 0.9), layout="constrained")
    grid = figure.subplots(
        len(shown),
        len(MEASURES),
        squeeze=False,
        sharex="col",
        sharey="row",
        gridspec_kw={"height_ratios": heights},
    )
    for row, (title, numbers) in zip(grid, shown.items(), strict=True):
        for axes, measure in zip(row, MEASURES, strict=True):
            _draw(axes, numbers[numbers["measure"] == measure], styles)
        row[0].set_title(literal(title), loc="left")
    every = pd.concat(shown.values())
    for axes, words in zip(grid[-1], MEASURES.values(), strict=True):
        axes.set_xlabel(f"{words} (percentage points)")
    (reference,) = every["reference"].unique()
    notes = [_words(reference, every["seeds"].dropna()), note]
    figure.suptitle(notes_below(notes, width), x=0.01, ha="left")
    return figure


def _words(reference: str, seeds: pd.Series) -> str:
    """What the figure shows."""
    told = f"difference from {reference}, paired by seed: {seeds_text(seeds)}"
    return told if seeds.max() == 1 else f"{told}, its interval of 95%, and each seed (|)"


def _draw(axes: Axes, numbers: pd.DataFrame, styles: Mapping[str, Mapping[str, Any]]) -> None:
    names = list(dict.fromkeys(numbers["strategy"]))
    axes.axvline(0, color="#222222", linewidth=0.8)
    for place, name in enumerate(names):
        own = numbers[numbers["strategy"] == name]
        (mean,) = own[own["seed"].isna()].to_dict("records")
        seeds = own.loc[own["seed"].notna(), "difference"]
        style = {key: styles[name][key] for key in ("color", "marker", "markerfacecolor")}
        if np.isfinite(mean["low"]):
            ends = [mean["low"], mean["high"]]
            axes.plot(ends, [place, place], color=style["color"], linewidth=1.4)
        axes.plot(
            seeds,
            [place] * len(seeds),
            color="#222222",
            marker="|",
            markersize=5,
            markeredgewidth=0.7,
            linestyle="none",
            alpha=0.6,
        )
        axes.plot([mean["difference"]], [place], markersize=5.5, linestyle="none", **style)
    axes.set_yticks(range(len(names)), [literal(name) for name in names], fontsize="small")
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.locator_params(axis="x", nbins=6)
    axes.grid(visible=False, axis="y")
