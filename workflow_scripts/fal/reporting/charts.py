"""Learning curves that a reader can question: charts for the page, as Vega-Lite specifications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from fal.reporting.accuracy_figures import mean_curves
from fal.reporting.drawing import strategy_styles

_SHARE = alt.X(
    "share:Q",
    title="labeled images (%)",
    scale=alt.Scale(zero=False, nice=False, padding=12),
    axis=alt.Axis(tickCount=8, format="~g"),
)
_ACCURACY = "test accuracy (%)"


COLUMNS = 4
"""Columns of a legend."""


def learning_curves(table: pd.DataFrame) -> dict[str, Any]:
    """The curves of one setting: as ``mean_curves`` has them, and each seed.

    table: rows as of ``fal.reporting.tables.accuracy_table``. A click on a strategy in the legend
    leaves it alone, one with the shift key adds it to those shown or takes it away; a box shows the
    seeds. Pointing at a curve brings it to the front and tells its numbers.
    """
    runs = _in_percent(table)[["strategy", "seed", "cycle", "labeled", "share", "accuracy"]]
    means = _in_percent(mean_curves(table))
    names = list(dict.fromkeys(table["strategy"]))
    chosen = alt.selection_point("chosen", fields=["strategy"], bind="legend")
    pointed = alt.selection_point(
        "pointed",
        fields=["strategy"],
        on="pointerover",
        clear="pointerout",
        nearest=True,
        empty=False,
    )
    seeds = alt.param(name="seeds", value=False, bind=alt.binding_checkbox(name="each seed "))
    mean = alt.Chart(means).transform_filter(chosen).encode(x=_SHARE, color=_colors(names))
    low_high = {"y": alt.Y("low:Q", title=_ACCURACY), "y2": "high:Q"}
    line = mean.mark_line(strokeWidth=2).encode(
        y=alt.Y("mean:Q", title=_ACCURACY, scale=alt.Scale(zero=False)),
        strokeWidth=alt.condition(pointed, alt.value(4), alt.value(2)),
        strokeDash=_dashes(names),
    )
    points = mean.mark_point(filled=True, size=45, opacity=1).encode(
        y=alt.Y("mean:Q", title=_ACCURACY),
        tooltip=[
            alt.Tooltip("strategy:N"),
            alt.Tooltip("share:Q", title="labeled images (%)", format=".1f"),
            alt.Tooltip("mean:Q", title="mean accuracy (%)", format=".2f"),
            alt.Tooltip("low:Q", title="from", format=".2f"),
            alt.Tooltip("high:Q", title="to", format=".2f"),
            alt.Tooltip("seeds:Q"),
        ],
    )
    band = mean.mark_area().encode(
        **low_high, opacity=alt.condition(pointed, alt.value(0.2), alt.value(0.0))
    )
    bars = mean.mark_rule().encode(**low_high, opacity=alt.value(0.45))
    each = (
        alt.Chart(runs)
        .transform_filter(chosen)
        .mark_line(strokeWidth=0.8)
        .encode(
            x=_SHARE,
            y=alt.Y("accuracy:Q", title=_ACCURACY),
            color=_colors(names),
            detail="seed:N",
            opacity=alt.condition("seeds", alt.value(0.55), alt.value(0.0)),
        )
    )
    chart = alt.layer(band, each, bars, line, points.add_params(pointed)).add_params(chosen, seeds)
    whole = chart.properties(width="container", height=380)
    spec = whole.to_dict(format="vega-lite")
    del spec["$schema"]
    return spec


def _colors(names: Sequence[str]) -> alt.Color:
    colors = [look["color"] for look in strategy_styles(names).values()]
    legend = alt.Legend(
        title=None,
        orient="bottom",
        columns=COLUMNS,
        symbolType="stroke",
        symbolOpacity=1,
        symbolStrokeWidth=3,
        labelLimit=300,
    )
    return alt.Color("strategy:N", scale=alt.Scale(domain=names, range=colors), legend=legend)


def _dashes(names: Sequence[str]) -> alt.StrokeDash:
    """Dashes where the strategy looks at the local model, as in the other figures."""
    dashes = [[5, 2] if name.startswith("l-") else [1, 0] for name in names]
    return alt.StrokeDash("strategy:N", scale=alt.Scale(domain=names, range=dashes), legend=None)


def _in_percent(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(share=100 * table["labeled_fraction"])
